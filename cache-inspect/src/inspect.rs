//! From the description of an asset to what can be done with it.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::catalog::{AssetDescription, Track, TrackKind, VariantDescription};
use crate::inspection::{
    GroupInspection, Inspection, MediaOption, MediaSelection, Missing, MissingKind,
    OptionInspection, TrackInspection, VariantInspection, time_of_use,
};
use crate::ranges;
use crate::track_state::{TrackState, missing_prerequisites};

/// Says what can be played of an asset without a network, and what is lacking.
///
/// An asset is playable offline if one of its variants is complete, together with at least one
/// rendition of its AUDIO group if the variant has no sound of its own. A segment counts as there
/// only with its initialization section and its key. A declared gap is neither missing nor loaded. What needs
/// a licence of a key system may be complete, but is not playable.
pub fn inspect(asset: &AssetDescription) -> Inspection {
    let view = View {
        asset,
        states: asset.tracks.iter().map(TrackState::new).collect(),
    };
    let variants: Vec<VariantInspection> = (asset.variants.iter())
        .map(|variant| view.variant(variant))
        .collect();
    let playable_offline = variants.iter().any(|variant| variant.playable);
    let best = view.best(&variants);

    Inspection {
        id: asset.id.clone(),
        title: asset.title.clone(),
        playable_offline,
        why_not: if playable_offline {
            Vec::new()
        } else {
            view.why_not()
        },
        key_systems: view.key_systems(),
        bytes: (asset.files.iter()).fold(0, |sum, file| sum.saturating_add(file.length)),
        duration: best
            .and_then(|variant| view.own_state(variant))
            .map_or(Duration::ZERO, |state| state.duration),
        loaded_time_ranges: best.map_or_else(Vec::new, |variant| view.loaded(variant)),
        media_selection: view.media_selection(&variants),
        groups: view.groups(&variants),
        missing: view.missing(),
        tracks: view.tracks(),
        freshness: asset.freshness.clone(),
        variants,
    }
}

/// An asset and what of its tracks can be played.
pub(crate) struct View<'a> {
    pub(crate) asset: &'a AssetDescription,
    states: Vec<TrackState>,
}

impl View<'_> {
    pub(crate) fn own_state(&self, variant: &VariantDescription) -> Option<&TrackState> {
        self.states.get(*variant.tracks.first()?)
    }

    fn own_media_is_complete(&self, variant: &VariantDescription) -> bool {
        self.own_state(variant).is_some_and(TrackState::is_complete)
    }

    /// The rendition of its AUDIO group that is complete, or of which most is loaded.
    pub(crate) fn best_audio(&self, variant: &VariantDescription) -> Option<(&Track, &TrackState)> {
        (variant.audio.iter())
            .filter_map(|index| Some((self.asset.tracks.get(*index)?, self.states.get(*index)?)))
            .min_by_key(|(track, state)| {
                let is_open = track.key_systems.is_empty();
                Reverse((state.is_complete(), is_open, state.loaded_total))
            })
    }

    /// A rendition inside the variant needs nothing besides it.
    pub(crate) fn needs_audio(&self, variant: &VariantDescription) -> bool {
        variant.audio_required
            && !(variant.audio.iter()).any(|index| {
                self.asset
                    .tracks
                    .get(*index)
                    .is_some_and(|track| track.muxed)
            })
    }

    /// The key systems that a variant needs a licence of, with its sound.
    pub(crate) fn licences(&self, variant: &VariantDescription) -> impl Iterator<Item = &str> {
        let own = variant.tracks.first();
        let own = own.and_then(|index| self.asset.tracks.get(*index));
        let audio = self.best_audio(variant).map(|(track, _)| track);
        let audio = audio.filter(|_| self.needs_audio(variant));
        let tracks = own.into_iter().chain(audio);
        tracks.flat_map(|track| track.key_systems.iter().map(String::as_str))
    }

    /// The key systems of everything selected, each once.
    fn key_systems(&self) -> Vec<String> {
        let mut systems: Vec<String> = Vec::new();
        let selected = self.asset.tracks.iter().filter(|track| track.selected);
        for system in selected.flat_map(|track| &track.key_systems) {
            if !systems.contains(system) {
                systems.push(system.clone());
            }
        }
        systems
    }

    fn variant(&self, variant: &VariantDescription) -> VariantInspection {
        let own = self.own_state(variant);
        let complete = self.own_media_is_complete(variant);
        let sound = !self.needs_audio(variant)
            || self
                .best_audio(variant)
                .is_some_and(|(_, state)| state.is_complete());
        let is_open = self.licences(variant).next().is_none();
        VariantInspection {
            id: variant.id.clone(),
            bandwidth: variant.bandwidth,
            resolution: variant.resolution,
            codecs: variant.codecs.clone(),
            complete,
            playable: complete && sound && is_open,
            segments: own.map_or(0, |state| state.incomplete.segments),
            segments_present: own.map_or(0, |state| state.present),
        }
    }

    /// The best variant that plays, or the one of which most is loaded.
    fn best(&self, variants: &[VariantInspection]) -> Option<&VariantDescription> {
        (self.asset.variants.iter().zip(variants))
            .min_by_key(|(described, inspected)| {
                let loaded = match self.own_state(described) {
                    Some(state) if !inspected.playable => state.loaded_total,
                    _ => Duration::ZERO,
                };
                Reverse((inspected.playable, loaded, described.bandwidth))
            })
            .map(|(described, _)| described)
    }

    fn loaded(&self, variant: &VariantDescription) -> Vec<std::ops::Range<Duration>> {
        let Some(own) = self.own_state(variant) else {
            return Vec::new();
        };
        if !self.needs_audio(variant) {
            return own.loaded.clone();
        }
        self.best_audio(variant)
            .map_or_else(Vec::new, |(_, audio)| {
                ranges::intersect(&own.loaded, &audio.loaded)
            })
    }

    fn media_selection(&self, variants: &[VariantInspection]) -> MediaSelection {
        let any_playable = variants.iter().any(|variant| variant.playable);
        let mut audio = Options::default();
        let mut subtitles = Options::default();
        let mut closed_captions = Options::default();
        for (described, inspected) in self.asset.variants.iter().zip(variants) {
            if any_playable && !inspected.playable {
                continue;
            }
            for (options, indices) in [
                (&mut audio, &described.audio),
                (&mut subtitles, &described.subtitles),
                (&mut closed_captions, &described.closed_captions),
            ] {
                for &index in indices {
                    let (Some(track), Some(state)) =
                        (self.asset.tracks.get(index), self.states.get(index))
                    else {
                        continue;
                    };
                    if state.is_complete() || (track.muxed && inspected.complete) {
                        options.add(index, track);
                    }
                }
            }
        }
        MediaSelection {
            audio: audio.list,
            subtitles: subtitles.list,
            closed_captions: closed_captions.list,
        }
    }

    /// The groups in the order of their first member, each option with whether it is complete.
    fn groups(&self, variants: &[VariantInspection]) -> Vec<GroupInspection> {
        // A rendition without media of its own is complete where its variants are.
        let mut inside: HashSet<usize> = HashSet::new();
        for (described, inspected) in self.asset.variants.iter().zip(variants) {
            if inspected.complete {
                inside.extend(&described.audio);
            }
        }
        let mut groups: Vec<GroupInspection> = Vec::new();
        let mut positions: HashMap<(TrackKind, &str), usize> = HashMap::new();
        let tracks = self.asset.tracks.iter().zip(&self.states);
        for (index, (track, state)) in tracks.enumerate() {
            let Some(group) = track.group.as_deref() else {
                continue;
            };
            let position = *positions.entry((track.kind, group)).or_insert(groups.len());
            if position == groups.len() {
                groups.push(GroupInspection {
                    kind: track.kind,
                    group: group.to_owned(),
                    options: Vec::new(),
                });
            }
            if let Some(group) = groups.get_mut(position) {
                group.options.push(OptionInspection {
                    name: track.name.clone(),
                    language: track.language.clone(),
                    complete: if track.muxed {
                        inside.contains(&index)
                    } else {
                        state.is_complete()
                    },
                });
            }
        }
        groups
    }

    fn tracks(&self) -> Vec<TrackInspection> {
        let mut bytes = vec![0_u64; self.asset.tracks.len()];
        for file in &self.asset.files {
            if let Some(sum) = file.track.and_then(|track| bytes.get_mut(track)) {
                *sum = sum.saturating_add(file.length);
            }
        }
        (self.asset.tracks.iter().zip(&self.states).zip(bytes))
            .map(|((track, state), bytes)| TrackInspection {
                bytes,
                ..track_inspection(track, state)
            })
            .collect()
    }

    fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (index, track) in self.asset.tracks.iter().enumerate() {
            if !track.selected {
                continue;
            }
            missing.extend(missing_prerequisites(track).map(|prerequisite| {
                let (start, duration) = time_of_use(prerequisite, track);
                Missing {
                    track: index,
                    what: prerequisite.what.into(),
                    start,
                    duration,
                    url: prerequisite.url.clone(),
                }
            }));
            let absent = track.segments.iter().filter(|one| !one.present && !one.gap);
            missing.extend(absent.map(|segment| Missing {
                track: index,
                what: MissingKind::Segment,
                start: segment.start,
                duration: segment.duration,
                url: segment.url.clone(),
            }));
        }
        missing
    }
}

/// Options without repetition, in the order of their first appearance.
#[derive(Default)]
struct Options {
    list: Vec<MediaOption>,
    tracks: HashSet<usize>,
    seen: HashSet<MediaOption>,
}

impl Options {
    fn add(&mut self, index: usize, track: &Track) {
        if !self.tracks.insert(index) {
            return;
        }
        let option = MediaOption {
            name: track.name.clone(),
            language: track.language.clone(),
            forced: track.forced,
            characteristics: track.characteristics.clone(),
        };
        if self.seen.insert(option.clone()) {
            self.list.push(option);
        }
    }
}

fn track_inspection(track: &Track, state: &TrackState) -> TrackInspection {
    TrackInspection {
        kind: track.kind,
        group: track.group.clone(),
        name: track.name.clone(),
        language: track.language.clone(),
        selected: track.selected,
        complete: state.is_complete(),
        segments: state.incomplete.segments,
        segments_present: state.present,
        bytes: 0,
        loaded_time_ranges: state.loaded.clone(),
    }
}
