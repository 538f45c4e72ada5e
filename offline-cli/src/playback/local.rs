//! What a player is offered of an asset: only what is complete, under local names, without keys it does not need.

use std::borrow::Cow;

use asset_store::{Asset, AssetId, Store};
use hls_parse::{LocalKey, LocalMedia, LocalMultivariant};

use super::content::{Content, clear_key};
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
    presentation: Presentation,
    /// Per track: everything it needs is there.
    complete: Vec<bool>,
    /// Bits per second over the stored bytes, for an asset that never had a Multivariant Playlist.
    bandwidth: u64,
}

impl LocalAsset {
    pub(crate) fn load(store: &Store, id: &AssetId) -> Result<Self> {
        let presentation = Presentation::load(store, id)?;
        let description = catalog::describe(store, id, &presentation)?;
        let inspection = cache_inspect::inspect(&description);
        // Tracks are described in the order of the presentation.
        let complete = inspection
            .tracks
            .iter()
            .map(|track| track.complete)
            .collect();
        let asset = Self {
            bandwidth: bandwidth(&presentation),
            presentation,
            complete,
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

    /// The Media Playlist of a track.
    pub(crate) fn playlist(&self, track: &str) -> Option<String> {
        let track = self
            .offered_tracks()
            .find(|offered| offered.name == track)?;
        let names = Names {
            presentation: &self.presentation,
            layout: track.layout(),
        };
        Some(track.timeline.write_local(&names, true))
    }

    /// The tracks that are offered.
    pub(crate) fn offered_tracks(&self) -> impl Iterator<Item = &StoredTrack> {
        self.presentation
            .tracks
            .iter()
            .zip(&self.complete)
            .filter(|(_, complete)| **complete)
            .map(|(track, _)| track)
    }

    /// The names of a track's files, for export.
    pub(crate) fn names(&self, track: &StoredTrack) -> Vec<String> {
        let layout = track.layout();
        let names = Names {
            presentation: &self.presentation,
            layout: layout.clone(),
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
        let track = self
            .offered_tracks()
            .find(|offered| offered.name == track)?;
        let (asset, layout) = (&self.presentation.asset, track.layout());
        let index = |prefix| usize::try_from(number(name, prefix)?).ok();
        let content = if let Some(number) = number(name, "segment-") {
            let first = track.timeline.media_sequence();
            let index = usize::try_from(number.checked_sub(first)?).ok()?;
            // The name is the number and the ending that belongs to it.
            (index < track.timeline.segments().len() && layout.segment_name(index) == name)
                .then(|| Content::of_segment(asset, &layout, index))
        } else if let Some(index) = index("init-") {
            (TrackLayout::map_name(index) == name).then(|| Content::of_map(asset, &layout, index))
        } else if let Some(index) = index("key-") {
            (TrackLayout::key_name(index) == name).then(|| Content::of_key(asset, &layout, index))
        } else {
            None
        };
        content?
    }

    /// Variants and renditions that are whole, with their local playlists; `None` when nothing can be played.
    fn offered(&self) -> Option<LocalMultivariant> {
        let is_complete = |track: usize| self.complete.get(track).copied().unwrap_or(false);
        let Some(multivariant) = &self.presentation.multivariant else {
            return is_complete(0).then(LocalMultivariant::default);
        };
        let mut offered = LocalMultivariant::default();
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
    format!("{}/{INDEX}", track.name)
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
        if clear_key(timeline, &[index]).is_some() {
            return Some(LocalKey::Decrypted);
        }
        let path = self.layout.key(index);
        self.presentation
            .asset
            .entries()
            .contains_key(&path)
            .then(|| LocalKey::At(TrackLayout::key_name(index)))
    }
}
