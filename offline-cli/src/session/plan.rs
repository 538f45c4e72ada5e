//! What has to be fetched: every resource of every track once, in the order of media time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hls_parse::{ByteRange, ResourceKind, Timeline};
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::layout::{TrackLayout, role};
use super::source;

/// Caps of DESIGN §5.
const SEGMENT_LIMIT: u64 = 512 * 1024 * 1024;
const INITIALIZATION_LIMIT: u64 = 8 * 1024 * 1024;
const KEY_LIMIT: u64 = 64 * 1024;
/// Bytes of a key of AES-128.
pub(super) const KEY_LENGTH: u64 = 16;
const KEY_TIMEOUT: Duration = Duration::from_secs(30);

/// A track to be stored: named after its pinned playlist, fetched from the addresses of today's.
#[derive(Debug)]
pub(crate) struct PlannedTrack {
    pub(crate) name: String,
    pub(crate) subtitles: bool,
    /// The playlist as it was when the download began; entries are named after it.
    pub(crate) pinned: Arc<Timeline>,
    /// The playlist as it is now; its addresses are the ones that are still signed.
    pub(crate) fresh: Arc<Timeline>,
    /// Media time before the first segment, where the track is a part of a whole.
    pub(crate) offset: Duration,
}

impl PlannedTrack {
    pub(crate) fn layout(&self) -> TrackLayout<'_> {
        TrackLayout {
            track: &self.name,
            timeline: &self.pinned,
            subtitles: self.subtitles,
        }
    }
}

/// One resource: fetched once, stored under every [path](Plan::paths) that needs it.
#[derive(Clone, Debug)]
pub(crate) struct PlannedResource {
    pub(crate) url: Url,
    pub(crate) range: Option<Range<u64>>,
    pub(crate) identity: String,
    pub(crate) role: &'static str,
    /// Whether it is text by nature, as subtitles are.
    pub(crate) text: bool,
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

/// Every resource that some tracks need, once, in the order of media time.
///
/// Resources are numbers here: their addresses and names are made from the playlists when they are
/// asked for, so that a hundred thousand of them take some megabytes.
#[derive(Debug)]
pub(crate) struct Plan {
    tracks: Vec<PlannedTrack>,
    rows: Vec<Row>,
}

/// What is noted of a resource.
#[derive(Debug)]
struct Row {
    start: Duration,
    first: Need,
    /// What else the same bytes are needed for.
    others: Vec<Need>,
    /// Whether another resource would have the same identity.
    is_ambiguous: bool,
}

/// What a resource is needed for: a track by number, and something in its playlist.
#[derive(Clone, Copy, Debug)]
struct Need {
    track: usize,
    kind: ResourceKind,
}

impl Row {
    fn needs(&self) -> impl Iterator<Item = Need> + '_ {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

impl Plan {
    /// Within one reading resources are told apart by their whole address, since a parameter that looks
    /// like a signature may be what tells them apart. Between readings they are matched without it.
    pub(crate) fn new(tracks: Vec<PlannedTrack>) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        let mut by_address: HashMap<blake3::Hash, usize> = HashMap::new();
        let mut by_identity: HashMap<blake3::Hash, usize> = HashMap::new();
        for (track, PlannedTrack { fresh, .. }) in tracks.iter().enumerate() {
            let mut start = Duration::ZERO;
            for kind in fresh.needs() {
                let Some((url, range)) = fresh.address(kind) else {
                    continue;
                };
                if let ResourceKind::Segment(index) = kind
                    && let Some(segment) = fresh.segments().get(index)
                {
                    start = segment.start;
                }
                let need = Need { track, kind };
                let next = rows.len();
                let known = *by_address.entry(key(url.as_str(), range)).or_insert(next);
                if let Some(row) = rows.get_mut(known) {
                    row.others.push(need);
                    row.start = row.start.min(start);
                    continue;
                }
                let identity = key(&source::identity(&url), range);
                let namesake = *by_identity.entry(identity).or_insert(next);
                if let Some(namesake) = rows.get_mut(namesake) {
                    namesake.is_ambiguous = true;
                }
                rows.push(Row {
                    start,
                    first: need,
                    others: Vec::new(),
                    is_ambiguous: namesake != next,
                });
            }
        }
        // Stable: within one instant the order of the playlists stays, keys and maps before their segments.
        rows.sort_by_key(|row| row.start);
        rows.shrink_to_fit();
        Self { tracks, rows }
    }

    pub(crate) fn tracks(&self) -> &[PlannedTrack] {
        &self.tracks
    }

    /// How many resources there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What a resource is needed for first.
    pub(super) fn need(&self, index: usize) -> Option<(&PlannedTrack, ResourceKind)> {
        let need = self.rows.get(index)?.first;
        Some((self.tracks.get(need.track)?, need.kind))
    }

    /// What a resource is needed for: tracks by number, and things in their playlists.
    pub(super) fn needs(&self, index: usize) -> impl Iterator<Item = (usize, ResourceKind)> + '_ {
        let needs = self.rows.get(index).into_iter().flat_map(Row::needs);
        needs.map(|need| (need.track, need.kind))
    }

    /// When a resource is needed first.
    pub(super) fn start(&self, index: usize) -> Duration {
        self.rows.get(index).map_or(Duration::ZERO, |row| row.start)
    }

    /// A resource, spelled out.
    pub(crate) fn get(&self, index: usize) -> Option<PlannedResource> {
        let row = self.rows.get(index)?;
        let track = self.tracks.get(row.first.track)?;
        let (url, range) = track.fresh.address(row.first.kind)?;
        Some(PlannedResource {
            identity: if row.is_ambiguous {
                // Otherwise resources would share it.
                url.to_string()
            } else {
                source::identity(&url)
            },
            role: role_of(row.first.kind),
            text: track.subtitles,
            url,
            range: range.map(|range| range.start..range.start.saturating_add(range.length)),
        })
    }

    /// Under which names a resource is stored, at least one.
    pub(crate) fn paths(&self, index: usize) -> impl Iterator<Item = String> + '_ {
        let needs = self.rows.get(index).into_iter().flat_map(Row::needs);
        needs.filter_map(|need| Some(path(&self.tracks.get(need.track)?.layout(), need.kind)))
    }

    /// The media time that a resource makes, in tracks by number.
    pub(crate) fn times(&self, index: usize) -> impl Iterator<Item = (usize, Range<Duration>)> {
        let needs = self.rows.get(index).into_iter().flat_map(Row::needs);
        needs.filter_map(|need| match need.kind {
            ResourceKind::Segment(index) => {
                let track = self.tracks.get(need.track)?;
                let segment = track.fresh.segments().get(index)?;
                let start = track.offset.saturating_add(segment.start);
                Some((need.track, start..start.saturating_add(segment.duration)))
            }
            ResourceKind::Key(_) | ResourceKind::Map(_) => None,
        })
    }

    /// Media time of the segments that a resource makes, over all tracks.
    pub(crate) fn media_time(&self, index: usize) -> Duration {
        let needs = self.rows.get(index).into_iter().flat_map(Row::needs);
        let durations = needs.filter_map(|need| match need.kind {
            ResourceKind::Segment(index) => {
                let segments = self.tracks.get(need.track)?.fresh.segments();
                Some(segments.get(index)?.duration)
            }
            ResourceKind::Key(_) | ResourceKind::Map(_) => None,
        });
        durations.sum()
    }
}

/// Tells addresses, or identities, with their ranges apart in little space.
fn key(text: &str, range: Option<ByteRange>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let (start, length) = range.map_or((0, 0), |range| (range.start, range.length));
    hasher.update(&[u8::from(range.is_some())]);
    hasher.update(&start.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(text.as_bytes());
    hasher.finalize()
}

fn role_of(kind: ResourceKind) -> &'static str {
    match kind {
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
