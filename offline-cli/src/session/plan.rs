//! What has to be fetched: every resource of every track once, in the order of media time.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use hls_parse::{Key, Multivariant, Rendition, Resource, ResourceKind, Timeline, Variant};
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::layout::{TrackLayout, role};
use super::source;

/// Caps of DESIGN §5.
const SEGMENT_LIMIT: u64 = 512 * 1024 * 1024;
const INITIALIZATION_LIMIT: u64 = 8 * 1024 * 1024;
const KEY_LIMIT: u64 = 64 * 1024;
const KEY_LENGTH: u64 = 16;
const KEY_TIMEOUT: Duration = Duration::from_secs(30);

/// A track to be stored: named after its pinned playlist, fetched from the addresses of today's.
#[derive(Debug)]
pub(crate) struct PlannedTrack {
    pub(crate) name: String,
    pub(crate) subtitles: bool,
    /// The playlist as it was when the download began; entries are named after it.
    pub(crate) pinned: Timeline,
    /// The playlist as it is now; its addresses are the ones that are still signed.
    pub(crate) fresh: Timeline,
}

/// One resource: fetched once, stored under every path that needs it.
#[derive(Clone, Debug)]
pub(crate) struct PlannedResource {
    pub(crate) url: Url,
    pub(crate) range: Option<Range<u64>>,
    pub(crate) identity: String,
    pub(crate) role: &'static str,
    /// Whether it is text by nature, as subtitles are.
    pub(crate) text: bool,
    pub(crate) paths: Vec<String>,
    /// When in the presentation it is first needed.
    pub(crate) start: Duration,
    /// Media time of the segments it makes, over all tracks.
    pub(crate) media_time: Duration,
}

impl PlannedResource {
    pub(crate) fn request(&self, reach: Reach) -> Request {
        let mut request = Request::get(self.url.clone());
        request.range.clone_from(&self.range);
        request.reach = reach;
        request.expect = match self.role {
            role::KEY => Expect {
                max_length: KEY_LIMIT,
                exact_length: Some(KEY_LENGTH),
                total_timeout: Some(KEY_TIMEOUT),
                ..Expect::default()
            },
            role::INITIALIZATION => Expect {
                max_length: INITIALIZATION_LIMIT,
                refuse_html: true,
                refuse_text: true,
                ..Expect::default()
            },
            _ => Expect {
                max_length: SEGMENT_LIMIT,
                refuse_html: true,
                refuse_text: !self.text,
                ..Expect::default()
            },
        };
        request
    }
}

/// Whether two readings of a Multivariant Playlist offer the same, whatever signs their addresses.
pub(crate) fn same_presentation(one: &Multivariant, other: &Multivariant) -> bool {
    let variant = |a: &Variant, b: &Variant| {
        source::identity(&a.url) == source::identity(&b.url)
            && (a.bandwidth, a.resolution) == (b.bandwidth, b.resolution)
            && (a.audio(), a.subtitles(), a.video()) == (b.audio(), b.subtitles(), b.video())
    };
    let rendition = |a: &Rendition, b: &Rendition| {
        a.url.as_deref().map(source::identity) == b.url.as_deref().map(source::identity)
            && (&a.kind, a.group_id(), a.name(), a.language())
                == (&b.kind, b.group_id(), b.name(), b.language())
    };
    one.variants.len() == other.variants.len()
        && one.renditions.len() == other.renditions.len()
        && one
            .variants
            .iter()
            .zip(&other.variants)
            .all(|(a, b)| variant(a, b))
        && one
            .renditions
            .iter()
            .zip(&other.renditions)
            .all(|(a, b)| rendition(a, b))
}

/// Whether two readings of a Media Playlist name the same media, whatever signs their addresses.
///
/// Compared per segment: Media Sequence Number, duration, address without its signature, byte range,
/// discontinuity, and the key and map in force.
pub(crate) fn same_media(one: &Timeline, other: &Timeline) -> bool {
    let address = source::identity;
    let key_address = |key: &Key| {
        let url = key.url.as_deref();
        url.map_or_else(|| key.uri.to_string(), address)
    };
    one.segments().len() == other.segments().len()
        && one.keys().len() == other.keys().len()
        && one.maps().len() == other.maps().len()
        && one
            .keys()
            .iter()
            .zip(other.keys())
            .all(|(a, b)| key_address(a) == key_address(b) && a.iv == b.iv)
        && one
            .maps()
            .iter()
            .zip(other.maps())
            .all(|(a, b)| address(&a.url) == address(&b.url) && a.byte_range == b.byte_range)
        && one
            .segments()
            .iter()
            .zip(other.segments())
            .enumerate()
            .all(|(index, (a, b))| {
                a.media_sequence_number == b.media_sequence_number
                    && a.duration == b.duration
                    && a.byte_range == b.byte_range
                    && a.discontinuity == b.discontinuity
                    && a.map == b.map
                    && one.segment_keys(index) == other.segment_keys(index)
                    && address(&one.segment_url(index)) == address(&other.segment_url(index))
            })
}

/// Every resource that the tracks need.
///
/// Within one reading resources are told apart by their whole address, since a parameter that looks
/// like a signature may be what tells them apart. Between readings they are matched without it.
pub(crate) fn resources(tracks: &[PlannedTrack]) -> Vec<PlannedResource> {
    let mut planned: Vec<PlannedResource> = Vec::new();
    let mut known: HashMap<(Url, Option<Range<u64>>), usize> = HashMap::new();
    for track in tracks {
        let layout = TrackLayout {
            track: &track.name,
            timeline: &track.pinned,
            subtitles: track.subtitles,
        };
        let mut start = Duration::ZERO;
        for resource in track.fresh.resources() {
            let range = resource
                .byte_range
                .map(|range| range.start..range.start.saturating_add(range.length));
            let mut paths = Vec::with_capacity(1);
            let mut media_time = Duration::ZERO;
            for user in &resource.users {
                paths.push(path(&layout, *user));
                if let ResourceKind::Segment(index) = user
                    && let Some(segment) = track.fresh.segments().get(*index)
                {
                    media_time += segment.duration;
                }
            }
            if let ResourceKind::Segment(index) = resource.kind
                && let Some(segment) = track.fresh.segments().get(index)
            {
                start = segment.start;
            }
            let key = (resource.url.clone(), range.clone());
            if let Some(existing) = known.get(&key).and_then(|&index| planned.get_mut(index)) {
                existing.paths.append(&mut paths);
                existing.media_time += media_time;
                existing.start = existing.start.min(start);
                continue;
            }
            known.insert(key, planned.len());
            planned.push(PlannedResource {
                identity: source::identity(&resource.url),
                role: role_of(&resource),
                text: track.subtitles,
                url: resource.url,
                range,
                paths,
                start,
                media_time,
            });
        }
    }
    tell_apart(&mut planned);
    // Stable: within one instant the order of the playlists stays, keys and maps before their segments.
    planned.sort_by_key(|resource| resource.start);
    planned
}

/// Gives resources that would share an identity their whole address as one.
fn tell_apart(planned: &mut [PlannedResource]) {
    let mut holders: HashMap<(String, Option<Range<u64>>), u32> = HashMap::new();
    for resource in &*planned {
        *holders
            .entry((resource.identity.clone(), resource.range.clone()))
            .or_default() += 1;
    }
    for resource in planned {
        let key = (resource.identity.clone(), resource.range.clone());
        if holders.get(&key).is_some_and(|&count| count > 1) {
            resource.identity = resource.url.to_string();
        }
    }
}

fn role_of(resource: &Resource) -> &'static str {
    match resource.kind {
        ResourceKind::Key(_) => role::KEY,
        ResourceKind::Map(_) => role::INITIALIZATION,
        ResourceKind::Segment(_) => role::SEGMENT,
    }
}

fn path(layout: &TrackLayout<'_>, user: ResourceKind) -> String {
    match user {
        ResourceKind::Key(index) => layout.key(index),
        ResourceKind::Map(index) => layout.map(index),
        ResourceKind::Segment(index) => layout.segment(index),
    }
}
