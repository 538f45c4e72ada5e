//! What a player is offered of an asset: only what is complete, under local names, without keys it does not need.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use asset_store::{Asset, AssetId, Store};
use hls_parse::{DateRange, LocalEvent, LocalKey, LocalMedia, LocalMultivariant};

use super::content::{Content, is_unneeded};
use super::growth;
use super::interstitials::LocalInterstitials;
use crate::adapters::catalog;
use crate::session::artwork;
use crate::session::layout::TrackLayout;
use crate::session::presentation::{Presentation, StoredTrack};
use crate::{Error, ErrorKind, Result};

/// The name of every playlist that is offered.
pub(crate) const INDEX: &str = "index.m3u8";

/// An asset as it is offered to players.
#[derive(Debug)]
pub(crate) struct LocalAsset {
    pub(super) presentation: Presentation,
    /// Per track.
    offers: Vec<Offer>,
    /// Its playlists are ones that grow, or have grown while they were being served.
    pub(super) is_event: bool,
    /// Bits per second over the stored bytes, for an asset that never had a Multivariant Playlist.
    bandwidth: u64,
    interstitials: LocalInterstitials,
}

/// What is offered of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    /// Segments, from the first one on.
    listed: usize,
    /// Everything it needs is there.
    is_complete: bool,
}

impl LocalAsset {
    /// What is whole of an asset.
    pub(crate) fn load(store: &Store, id: &AssetId) -> Result<Self> {
        let presentation = Presentation::load(store, id)?;
        let interstitials = LocalInterstitials::load(store, id, &presentation);
        let asset = Self::of(store, id, presentation)?;
        Ok(Self {
            interstitials,
            ..asset
        })
    }

    /// What is offered of one presentation inside an asset.
    pub(super) fn of(store: &Store, id: &AssetId, presentation: Presentation) -> Result<Self> {
        let description = catalog::describe(store, id, &presentation)?;
        let inspection = cache_inspect::inspect(&description);
        // Tracks are described in the order of the presentation.
        let tracks = presentation.tracks.iter().zip(&inspection.tracks);
        let offer = |(track, found): (&StoredTrack, &cache_inspect::TrackInspection)| Offer {
            listed: track.timeline.segments().len(),
            is_complete: found.complete,
        };
        let asset = Self {
            bandwidth: bandwidth(&presentation),
            offers: tracks.map(offer).collect(),
            presentation,
            is_event: false,
            interstitials: LocalInterstitials::default(),
        };
        if asset.offered().is_none() {
            let why: Vec<String> = inspection.why_not.iter().map(ToString::to_string).collect();
            return Err(Error::new(
                ErrorKind::Incomplete,
                format!("{id} cannot be played offline: {}", why.join("; ")),
            )
            .hint("download it again to complete it; `offline inspect` lists what is missing"));
        }
        Ok(asset)
    }

    /// What there is of an asset now, whether it is whole or not; `None` when nothing of it can be played.
    ///
    /// What is whole is offered alone, if anything is. Otherwise everything that has begun is, in playlists that grow, as soon as all of it has. `before` is what was offered
    /// the last time: playlists that have grown stay such, and are there as long as they are served.
    pub(crate) fn load_growing(
        store: &Store,
        id: &AssetId,
        before: Option<&Self>,
    ) -> Result<Option<Self>> {
        let presentation = Presentation::load(store, id)?;
        let offer = |track: &StoredTrack| {
            let known = before.and_then(|before| {
                let mut tracks = before.presentation.tracks.iter().zip(&before.offers);
                let (_, offer) = tracks.find(|(known, _)| known.name == track.name)?;
                Some((&before.presentation, offer.listed))
            });
            let listed = growth::listed(store, &presentation, track, known);
            let has_media = (0..listed).any(|index| {
                let path = track.layout().segment(index);
                presentation.asset.entries().contains_key(&path)
            });
            Offer {
                listed: if has_media { listed } else { 0 },
                is_complete: has_media
                    && listed == track.timeline.segments().len()
                    && !(presentation.is_recorded && presentation.is_running),
            }
        };
        let mut asset = Self {
            bandwidth: bandwidth(&presentation),
            offers: presentation.tracks.iter().map(offer).collect(),
            presentation,
            is_event: false,
            interstitials: LocalInterstitials::default(),
        };
        asset.is_event = before.is_some_and(|before| before.is_event) || asset.offered().is_none();
        if !asset.is_event {
            // A playlist that grows may change in nothing else.
            asset.interstitials = LocalInterstitials::load(store, id, &asset.presentation);
        }
        let is_early = before.is_none() && asset.is_event && asset.is_beginning();
        Ok((asset.offered().is_some() && !is_early).then_some(asset))
    }

    /// Whether tracks are about to come that a player would not know of if it began now: it might take another language for the default one.
    fn is_beginning(&self) -> bool {
        let selected = &self.presentation.selected;
        let tracks = self.presentation.tracks.iter().zip(&self.offers);
        let mut to_come =
            tracks.filter(|(track, offer)| offer.listed == 0 && selected.contains(&track.name));
        self.presentation.is_running && to_come.next().is_some()
    }

    /// Whether more of it may come.
    pub(crate) fn is_growing(&self) -> bool {
        self.is_event && self.offers.iter().any(|offer| !offer.is_complete)
    }

    /// Of a track that is offered while it is not whole, when a segment starts that is not there yet.
    pub(crate) fn ahead(&self, track: &str, name: &str) -> Option<Duration> {
        let (track, offer) = self.offer(track)?;
        let index = segment_index(track, name).filter(|index| *index >= offer.listed)?;
        Some(track.timeline.segments().get(index)?.start)
    }

    /// Whether a track is offered while it is not whole.
    pub(crate) fn is_growing_track(&self, track: &str) -> bool {
        self.offer(track)
            .is_some_and(|(_, offer)| !offer.is_complete)
    }

    /// The Multivariant Playlist.
    pub(crate) fn index(&self) -> String {
        if let (Some(multivariant), Some(offered)) =
            (&self.presentation.multivariant, self.offered())
        {
            return multivariant.write_local(&offered);
        }
        let uri = self
            .presentation
            .tracks
            .first()
            .map(uri)
            .unwrap_or_default();
        hls_parse::local_multivariant_for_media(&uri, self.bandwidth, None)
    }

    /// The interstitials that are offered.
    pub(crate) fn interstitials(&self) -> &LocalInterstitials {
        &self.interstitials
    }

    /// The length of the longest track that is offered.
    pub(super) fn duration(&self) -> Option<Duration> {
        let tracks = self.offered_tracks();
        tracks.map(|track| track.timeline.duration()).max()
    }

    /// The Media Playlist of a track. `interstitials` is where it finds those.
    pub(crate) fn playlist(&self, track: &str, interstitials: &str) -> Option<String> {
        let (track, offer) = self.offer(track)?;
        let names = Names {
            presentation: &self.presentation,
            layout: track.layout(),
            interstitials: self.interstitials.uris(&track.timeline, interstitials),
        };
        if !self.is_event {
            return Some(track.timeline.write_local(&names, true));
        }
        let event = LocalEvent {
            segments: offer.listed,
            longest: if self.presentation.is_recorded {
                track.timeline.target_duration()
            } else {
                Duration::ZERO
            },
            ended: offer.is_complete,
        };
        Some(track.timeline.write_local_event(&names, event))
    }

    /// A track that is offered.
    fn offer(&self, track: &str) -> Option<(&StoredTrack, Offer)> {
        let tracks = self.presentation.tracks.iter().zip(&self.offers);
        let mut offered = tracks.filter(|(_, offer)| self.is_offered(**offer));
        let (track, offer) = offered.find(|(offered, _)| offered.name == track)?;
        Some((track, *offer))
    }

    fn is_offered(&self, offer: Offer) -> bool {
        offer.is_complete || self.is_event && offer.listed > 0
    }

    /// The key systems of which a player needs a licence.
    fn key_systems(&self) -> impl Iterator<Item = &String> {
        let tracks = self.offered_tracks();
        tracks.flat_map(|track| &track.key_systems)
    }

    /// What a player needs beside the network's absence, in words: `a licence of Widevine`; `None` when nothing.
    pub(crate) fn licence(&self) -> Option<String> {
        let mut systems: Vec<&str> = Vec::new();
        for system in self.key_systems() {
            if !systems.contains(&system.as_str()) {
                systems.push(system);
            }
        }
        (!systems.is_empty()).then(|| format!("a licence of {}", systems.join(" or ")))
    }

    /// The tracks that are offered.
    pub(crate) fn offered_tracks(&self) -> impl Iterator<Item = &StoredTrack> {
        self.presentation
            .tracks
            .iter()
            .zip(&self.offers)
            .filter(|(_, offer)| self.is_offered(**offer))
            .map(|(track, _)| track)
    }

    /// The names of a track's files, for export.
    pub(crate) fn names(&self, track: &StoredTrack) -> Vec<String> {
        let layout = track.layout();
        let names = Names {
            presentation: &self.presentation,
            layout: layout.clone(),
            interstitials: HashMap::new(),
        };
        let segments =
            (0..track.timeline.segments().len()).filter_map(|index| names.segment(index));
        let maps = (0..track.timeline.maps().len()).filter_map(|index| names.map(index));
        let media = segments.chain(maps).map(Cow::into_owned);
        let keys = (0..track.timeline.keys().len()).filter_map(|index| match names.key(index) {
            Some(LocalKey::At(name)) => Some(name),
            _ => None,
        });
        media.chain(keys).collect()
    }

    /// Its picture.
    pub(crate) fn artwork(&self, store: &Store) -> Option<Content> {
        picture(store, &self.presentation.asset)
    }

    /// What a local name stands for; names are looked up, never used as paths.
    pub(crate) fn content(&self, track: &str, name: &str) -> Option<Content> {
        let (track, offer) = self.offer(track)?;
        let (asset, layout) = (&self.presentation.asset, track.layout());
        let index = |prefix| usize::try_from(number(name, prefix)?).ok();
        let content = if name.starts_with("segment-") {
            let index = segment_index(track, name).filter(|index| *index < offer.listed);
            index.map(|index| Content::of_segment(asset, &layout, index))
        } else if let Some(index) = index("init-") {
            (TrackLayout::map_name(index) == name).then(|| Content::of_map(asset, &layout, index))
        } else if let Some(index) = index("key-") {
            (TrackLayout::key_name(index) == name).then(|| Content::of_key(asset, &layout, index))
        } else {
            None
        };
        content?
    }

    /// Variants and renditions with their local playlists, those that are whole if there are any; `None` when nothing can be played.
    pub(super) fn offered(&self) -> Option<LocalMultivariant> {
        let whole = self.offered_of(|offer| offer.is_complete);
        whole.or_else(|| self.offered_of(|offer| self.is_offered(offer)))
    }

    fn offered_of(&self, is_enough: impl Fn(Offer) -> bool) -> Option<LocalMultivariant> {
        let is_complete = |track: usize| {
            self.offers
                .get(track)
                .is_some_and(|offer| is_enough(*offer))
        };
        let Some(multivariant) = &self.presentation.multivariant else {
            return is_complete(0).then(LocalMultivariant::default);
        };
        let mut offered = LocalMultivariant {
            session_keys: self.key_systems().next().is_some(),
            ..LocalMultivariant::default()
        };
        for (index, rendition) in multivariant.renditions.iter().enumerate() {
            let Some(url) = rendition.url() else {
                offered.renditions.push((index, None));
                continue;
            };
            let track = self
                .presentation
                .track_of(url)
                .filter(|&track| is_complete(track));
            if let Some(track) = track {
                offered
                    .renditions
                    .push((index, self.presentation.tracks.get(track).map(uri)));
            }
        }
        let has_audio = |group: &str| {
            let is_member = |index: usize| {
                multivariant.renditions.get(index).is_some_and(|member| {
                    member.kind == hls_parse::RenditionKind::Audio && member.group_id() == group
                })
            };
            let declared = (0..multivariant.renditions.len()).any(is_member);
            !declared
                || self.presentation.silent
                || offered
                    .renditions
                    .iter()
                    .any(|(index, _)| is_member(*index))
        };
        for (index, variant) in multivariant.variants.iter().enumerate() {
            let playable = variant.audio().is_none_or(has_audio);
            if let Some(track) = self
                .presentation
                .variant_track(index)
                .filter(|&track| playable && is_complete(track))
            {
                offered.variants.push((
                    index,
                    self.presentation
                        .tracks
                        .get(track)
                        .map(uri)
                        .unwrap_or_default(),
                ));
            }
        }
        for (index, variant) in multivariant.i_frame_variants.iter().enumerate() {
            let track = self.presentation.track_of(variant.url());
            if let Some(track) = track.filter(|&track| is_complete(track))
                && let Some(track) = self.presentation.tracks.get(track)
            {
                offered.i_frame_variants.push((index, uri(track)));
            }
        }
        (!offered.variants.is_empty()).then_some(offered)
    }
}

/// The picture of an asset, which has it before there is anything to play.
pub(crate) fn picture(store: &Store, asset: &Asset) -> Option<Content> {
    let (entry, media_type) = artwork::stored(store, asset)?;
    Some(Content {
        entry,
        decryption: None,
        media_type,
    })
}

fn uri(track: &StoredTrack) -> String {
    // The Multivariant Playlist of an interstitial is in the folder that its tracks are in.
    let name = track.name.rsplit('/').next().unwrap_or_default();
    format!("{name}/{INDEX}")
}

/// The segment of a name: its number, and the ending that belongs to it.
fn segment_index(track: &StoredTrack, name: &str) -> Option<usize> {
    let first = track.timeline.media_sequence();
    let index = usize::try_from(number(name, "segment-")?.checked_sub(first)?).ok()?;
    let is_it =
        index < track.timeline.segments().len() && track.layout().segment_name(index) == name;
    is_it.then_some(index)
}

fn number(name: &str, prefix: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.split('.').next()?.parse().ok()
}

fn bandwidth(presentation: &Presentation) -> u64 {
    let Some(track) = presentation.tracks.first() else {
        return 0;
    };
    let layout = track.layout();
    let rate = |(index, segment): (usize, hls_parse::Segment)| {
        let length = presentation
            .asset
            .entries()
            .get(&layout.segment(index))?
            .length;
        let milliseconds = u64::try_from(segment.duration.as_millis())
            .ok()
            .filter(|&time| time > 0)?;
        length.checked_mul(8000)?.checked_div(milliseconds)
    };
    track
        .timeline
        .segments()
        .iter()
        .enumerate()
        .filter_map(rate)
        .max()
        .unwrap_or(0)
}

/// Local names of a track's resources, for the playlist writer.
struct Names<'a> {
    presentation: &'a Presentation,
    layout: TrackLayout<'a>,
    /// Addresses by the IDs of date ranges.
    interstitials: HashMap<String, String>,
}

impl LocalMedia for Names<'_> {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        let path = self.layout.segment(index);
        self.presentation
            .asset
            .entries()
            .contains_key(&path)
            .then(|| self.layout.segment_name(index).into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        let path = self.layout.map(index);
        self.presentation
            .asset
            .entries()
            .contains_key(&path)
            .then(|| TrackLayout::map_name(index).into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        let timeline = self.layout.timeline;
        let key = timeline.keys().get(index)?;
        if is_unneeded(key) {
            return Some(LocalKey::Decrypted);
        }
        if !key.is_identity() {
            return Some(LocalKey::Kept);
        }
        let path = self.layout.key(index);
        self.presentation
            .asset
            .entries()
            .contains_key(&path)
            .then(|| LocalKey::At(TrackLayout::key_name(index)))
    }

    fn interstitial(&self, range: &DateRange) -> Option<Cow<'_, str>> {
        let uri = self.interstitials.get(range.id.as_str())?;
        Some(uri.as_str().into())
    }
}
