//! What low-latency playlists add to a timeline: partial segments, what comes next, other renditions (appendix B).

use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::date_range::DateRange;
use crate::foreign::ForeignEntry;
use crate::parts::{PartStore, Parts};
use crate::timeline::Timeline;
use crate::value::{ByteRange, Span};

/// A Partial Segment (section 4.4.4.9).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Part {
    /// The Media Sequence Number of the parent segment, which may not be listed yet.
    pub media_sequence_number: u64,
    /// Its Part Index: which of the parts of its parent it is, counted from 0.
    pub index: u64,
    /// When it starts, from the start of the playlist.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::seconds"))]
    pub start: Duration,
    /// How long it is.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::seconds"))]
    pub duration: Duration,
    /// The part of the resource that it is; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// The index of its Media Initialization Section in [`Timeline::maps`].
    pub map: Option<usize>,
    /// Whether it holds an independent frame.
    pub independent: bool,
    /// Whether it is not available and not to be loaded.
    pub gap: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) key_set: u32,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) uri: Span,
}

/// What a server can do for its clients (section 4.4.3.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ServerControl {
    /// The Skip Boundary: a delta update may skip what is further from the end than this.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub can_skip_until: Option<Duration>,
    /// Whether a delta update may skip date ranges too.
    pub can_skip_date_ranges: bool,
    /// How far from the end playback is to stay, as stated; see [`Timeline::hold_back`].
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub hold_back: Option<Duration>,
    /// The same when partial segments are played; see [`Timeline::part_hold_back`].
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub part_hold_back: Option<Duration>,
    /// Whether a request may be held until the playlist has what it asks for.
    pub can_block_reload: bool,
}

/// What a [`PreloadHint`] hints at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum HintKind {
    /// The next Partial Segment.
    Part,
    /// A Media Initialization Section.
    Map,
}

/// A resource that will be needed soon and may be requested before it is there (section 4.4.5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PreloadHint {
    /// What it is.
    pub kind: HintKind,
    /// Where it will be.
    pub url: Url,
    /// The offset of its first byte.
    pub start: u64,
    /// How many bytes it has; `None` when it goes on to the end of the resource.
    pub length: Option<u64>,
}

/// How far another rendition has come (section 4.4.5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RenditionReport {
    /// The Media Playlist of that rendition.
    pub url: Url,
    /// The Media Sequence Number of its last segment or partial segment; what this playlist has, when the report leaves it out.
    pub last_media_sequence_number: u64,
    /// The Part Index of its last partial segment, likewise.
    pub last_part: Option<u64>,
}

/// What is known of the segment that comes after the last one: the parent of the parts at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Pending {
    /// Its Media Sequence Number.
    pub media_sequence_number: u64,
    /// Its Discontinuity Sequence Number.
    pub discontinuity_number: u64,
    /// How many parts of it are listed, which is the Part Index of the next one.
    pub part_count: u64,
    /// When it starts, from the start of the playlist.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::seconds"))]
    pub start: Duration,
    /// The wall-clock time of its start: stated, or counted on from a stated one.
    pub program_date_time: Option<Timestamp>,
    /// The index of its Media Initialization Section in [`Timeline::maps`].
    pub map: Option<usize>,
    /// `EXT-X-BITRATE` in kilobits per second.
    pub bitrate: Option<u64>,
    /// Whether there is a discontinuity right before it.
    pub discontinuity: bool,
    /// Whether it is said to be absent by intent.
    pub gap: bool,
    /// Whether [`program_date_time`](Self::program_date_time) is stated at it.
    pub has_stated_date: bool,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) key_set: u32,
}

/// The things that most playlists lack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    pub(crate) epoch: u64,
    /// The first segment whose date is known from an earlier copy.
    pub(crate) dates_inherited_from: Option<usize>,
    pub(crate) part_target: Option<Duration>,
    pub(crate) server_control: ServerControl,
    pub(crate) parts: PartStore,
    pub(crate) hints: Vec<PreloadHint>,
    pub(crate) reports: Vec<RenditionReport>,
    pub(crate) pending: Pending,
    /// The values of `EXT-X-BITRATE`, each with the index of the first segment it is for.
    pub(crate) bitrates: Vec<(u32, u64)>,
    pub(crate) foreign_tags: Vec<ForeignEntry>,
    pub(crate) date_ranges: Vec<DateRange>,
}

impl Timeline {
    /// The target duration of partial segments (`EXT-X-PART-INF`).
    pub fn part_target(&self) -> Option<Duration> {
        self.details.part_target
    }

    /// What the server can do; nothing when it does not say.
    pub fn server_control(&self) -> &ServerControl {
        &self.details.server_control
    }

    /// How far from the end playback is to stay: `HOLD-BACK`, else three target durations.
    pub fn hold_back(&self) -> Duration {
        let stated = self.details.server_control.hold_back;
        stated.unwrap_or_else(|| self.target_duration.saturating_mul(3))
    }

    /// How far from the end playback of partial segments is to stay: `PART-HOLD-BACK`, else three part target durations; `None` without
    /// `EXT-X-PART-INF`.
    pub fn part_hold_back(&self) -> Option<Duration> {
        let target = self.details.part_target?;
        let stated = self.details.server_control.part_hold_back;
        Some(stated.unwrap_or_else(|| target.saturating_mul(3)))
    }

    /// Every partial segment, in order. Those without `URI` or `DURATION` are left out, but have their Part Index.
    pub fn parts(&self) -> Parts<'_> {
        Parts::new(&self.details.parts)
    }

    /// The indices in [`parts`](Self::parts) of the parts of a segment.
    pub fn segment_parts(&self, index: usize) -> Range<usize> {
        self.parts_of(self.segments.number(index))
    }

    /// The indices in [`parts`](Self::parts) of those after the last segment, whose parent is not complete yet.
    pub fn unfinished_parts(&self) -> Range<usize> {
        self.parts_of(self.details.pending.media_sequence_number)
    }

    fn parts_of(&self, number: u64) -> Range<usize> {
        let parts = &self.details.parts;
        let end = match number.checked_add(1) {
            Some(next) => parts.count_before(next, 0),
            None => parts.len(),
        };
        parts.count_before(number, 0)..end
    }

    /// The URI of a part as written, variables replaced.
    pub fn part_uri(&self, part: usize) -> &str {
        self.details.parts.uri(part).of(&self.text)
    }

    /// The absolute URL of a part, without fragment.
    pub fn part_url(&self, part: usize) -> Url {
        self.absolute(self.part_uri(part))
    }

    /// The indices in [`Timeline::keys`] of the keys that apply to a part.
    pub fn part_keys(&self, part: usize) -> &[usize] {
        self.key_sets.get(self.details.parts.key_set(part))
    }

    /// The initialization vector for a part and a key; the Media Sequence Number that counts is that of the parent. See [`Timeline::segment_iv`].
    pub fn part_iv(&self, part: usize, key: usize) -> Option<[u8; 16]> {
        self.keys[key].iv_for(self.details.parts.number(part))
    }

    /// What is known of the segment that comes next.
    pub fn pending(&self) -> &Pending {
        &self.details.pending
    }

    /// The indices in [`Timeline::keys`] of the keys that apply to what comes next. A hinted part may turn out to have others (section 4.4.5.3).
    pub fn pending_keys(&self) -> &[usize] {
        self.key_sets.get(self.details.pending.key_set)
    }

    /// The first hint of each kind, which are the ones that count; none once the playlist has ended.
    pub fn preload_hints(&self) -> &[PreloadHint] {
        &self.details.hints
    }

    /// How far the other renditions have come.
    pub fn rendition_reports(&self) -> &[RenditionReport] {
        &self.details.reports
    }

    /// The Media Sequence Number and Part Index of the last thing listed: the last part when parts are last. `None` when nothing is.
    pub fn last_position(&self) -> Option<(u64, Option<u64>)> {
        let segment = self
            .segments()
            .last()
            .map(|segment| segment.media_sequence_number);
        let part = self
            .parts()
            .last()
            .map(|part| (part.media_sequence_number, Some(part.index)));
        match (segment, part) {
            (Some(segment), Some(part)) if part.0 < segment => Some((segment, None)),
            (_, Some(part)) => Some(part),
            (segment, None) => segment.map(|segment| (segment, None)),
        }
    }

    /// The wall-clock time at a place, counted from the start of the segment it is in; `None` after the end or where no date is known.
    pub fn date_at(&self, time: Duration) -> Option<Timestamp> {
        if time > self.duration() {
            return None;
        }
        let pending = &self.details.pending;
        let (start, date) = if time == self.duration() {
            (pending.start, pending.program_date_time)
        } else {
            let index = self.segments.started_at(time).checked_sub(1)?;
            let segment = self.segments().get(index)?;
            (segment.start, segment.program_date_time)
        };
        let offset = SignedDuration::try_from(time.checked_sub(start)?).ok()?;
        date?.checked_add(offset).ok()
    }

    /// The place of a wall-clock time, from the start of the playlist. Where dates overlap, the later segment counts (section 6.2.1); `None` where no segment
    /// is.
    pub fn time_at(&self, date: Timestamp) -> Option<Duration> {
        self.segments().iter().rev().find_map(|segment| {
            let offset =
                Duration::try_from(date.duration_since(segment.program_date_time?)).ok()?;
            (offset < segment.duration)
                .then(|| segment.start.checked_add(offset))
                .flatten()
        })
    }
}
