//! How far the server's playlists have moved on from what is stored.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::catalog::{AssetDescription, Track, TrackKind};
use crate::inspection::optional_seconds;

/// How the server's playlists differ from those of an asset. Without any difference, what is stored is what the server
/// would give today.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// Variants that the server has and the asset does not, by their ids on the server.
    pub variants_added: Vec<String>,
    /// Variants that the asset has and the server does not.
    pub variants_removed: Vec<String>,
    /// Tracks of the asset whose playlist has changed, or is there no more.
    pub tracks: Vec<TrackDrift>,
}

/// How the server's playlist of a track differs from that of the asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrackDrift {
    /// Index into [`AssetDescription::tracks`] of the asset.
    pub track: usize,
    /// What it is.
    pub kind: TrackKind,
    /// NAME, for renditions.
    pub name: Option<String>,
    /// LANGUAGE, for renditions.
    pub language: Option<String>,
    /// The server has no such track.
    pub gone: bool,
    /// Segments that only the server has.
    pub segments_added: usize,
    /// Segments that only the asset has.
    pub segments_removed: usize,
    /// When the first segment that differs starts.
    #[serde(serialize_with = "optional_seconds")]
    pub first_difference: Option<Duration>,
}

impl Drift {
    /// Nothing differs.
    pub fn is_none(&self) -> bool {
        self.variants_added.is_empty() && self.variants_removed.is_empty() && self.tracks.is_empty()
    }
}

/// Compares an asset with a description of what the server has of it today. Segments are told apart by their addresses,
/// variants by bandwidth, resolution and codecs, renditions by group, name and language. Tracks that only the server has
/// are nothing new: a selection need not have them.
///
/// ```
/// use cache_inspect::{AssetDescription, SegmentDescription, Track, drift};
///
/// let film = |ending: &str| AssetDescription {
///     tracks: vec![Track {
///         segments: vec![SegmentDescription { url: format!("https://media.example/1.{ending}"), ..SegmentDescription::default() }],
///         ..Track::default()
///     }],
///     ..AssetDescription::default()
/// };
/// assert!(drift(&film("ts"), &film("ts")).is_none());
/// assert_eq!(drift(&film("ts"), &film("m4s")).tracks[0].segments_added, 1);
/// ```
pub fn drift(asset: &AssetDescription, server: &AssetDescription) -> Drift {
    let variants = |of: &AssetDescription, other: &AssetDescription| -> Vec<String> {
        let mut left = HashMap::new();
        for variant in &other.variants {
            let key = (
                variant.bandwidth,
                variant.resolution,
                variant.codecs.clone(),
            );
            *left.entry(key).or_insert(0_usize) += 1;
        }
        let is_lacking = |variant: &&crate::VariantDescription| {
            let key = (
                variant.bandwidth,
                variant.resolution,
                variant.codecs.clone(),
            );
            match left.get_mut(&key) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            }
        };
        (of.variants.iter())
            .filter(is_lacking)
            .map(|variant| variant.id.clone())
            .collect()
    };
    let mut theirs: HashMap<_, Vec<&Track>> = HashMap::new();
    for track in server.tracks.iter().rev() {
        theirs.entry(name(server, track)).or_default().push(track);
    }
    let mut tracks = Vec::new();
    for (index, track) in asset.tracks.iter().enumerate() {
        let their = theirs.get_mut(&name(asset, track)).and_then(Vec::pop);
        tracks.extend(track_drift(index, track, their));
    }
    Drift {
        variants_added: variants(server, asset),
        variants_removed: variants(asset, server),
        tracks,
    }
}

type Name<'a> = (
    TrackKind,
    Option<&'a str>,
    Option<&'a str>,
    Option<&'a str>,
    Option<(Option<u64>, Option<(u64, u64)>)>,
);

/// What is the same of a track in both descriptions.
fn name<'a>(asset: &AssetDescription, track: &'a Track) -> Name<'a> {
    let variant = (asset.variants.iter()).find(|variant| {
        let own = variant
            .tracks
            .first()
            .and_then(|index| asset.tracks.get(*index));
        own.is_some_and(|own| std::ptr::eq(own, track))
    });
    (
        track.kind,
        track.group.as_deref(),
        track.name.as_deref(),
        track.language.as_deref(),
        variant.map(|variant| (variant.bandwidth, variant.resolution)),
    )
}

fn track_drift(index: usize, track: &Track, server: Option<&Track>) -> Option<TrackDrift> {
    let mut found = TrackDrift {
        track: index,
        kind: track.kind,
        name: track.name.clone(),
        language: track.language.clone(),
        gone: server.is_none(),
        ..TrackDrift::default()
    };
    let Some(server) = server else {
        found.segments_removed = track.segments.len();
        found.first_difference = track.segments.first().map(|segment| segment.start);
        return Some(found);
    };
    let mut left: HashMap<&str, usize> = HashMap::new();
    for segment in &server.segments {
        *left.entry(&segment.url).or_default() += 1;
    }
    for segment in &track.segments {
        match left.get_mut(&*segment.url) {
            Some(count) if *count > 0 => *count -= 1,
            _ => found.segments_removed += 1,
        }
    }
    found.segments_added = left.values().sum();
    let same = (track.segments.iter().zip(&server.segments))
        .take_while(|(own, their)| own.url == their.url && own.duration == their.duration)
        .count();
    if same == track.segments.len().max(server.segments.len()) {
        return None;
    }
    found.first_difference = (track.segments.get(same))
        .or_else(|| server.segments.get(same))
        .map(|segment| segment.start);
    Some(found)
}
