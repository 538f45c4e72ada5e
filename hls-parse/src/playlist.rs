//! What a parser returns: the two kinds of playlist, as their tags.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::attributes::AttributeList;
use crate::diagnostic::{Diagnostic, LinePlace};
use crate::entry_attributes::EntryAttributes;
use crate::error::ErrorKind;
use crate::tag::TagName;
use crate::value::{Span, signed_seconds};

/// A playlist that was read, and what was found wrong with it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parsed {
    /// The playlist.
    pub playlist: Playlist,
    /// What was found wrong, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more diagnostics there were than were asked for.
    pub suppressed_diagnostics: usize,
}

/// One of the two kinds of playlist (section 4.1), told by the class of its tags.
#[derive(Debug, Clone)]
pub enum Playlist {
    /// Lists variants and renditions.
    Multivariant(MultivariantPlaylist),
    /// Lists segments.
    Media(MediaPlaylist),
}

impl Playlist {
    /// The Multivariant Playlist, if it is one.
    pub fn as_multivariant(&self) -> Option<&MultivariantPlaylist> {
        match self {
            Self::Multivariant(playlist) => Some(playlist),
            Self::Media(_) => None,
        }
    }

    /// The Media Playlist, if it is one.
    pub fn as_media(&self) -> Option<&MediaPlaylist> {
        match self {
            Self::Media(playlist) => Some(playlist),
            Self::Multivariant(_) => None,
        }
    }
}

/// Where to start playing (section 4.4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Start {
    /// From the start of the playlist, or from its end when negative.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::signed_seconds")
    )]
    pub time_offset: SignedDuration,
    /// Whether to begin exactly there rather than with the segment that holds it.
    pub precise: bool,
}

impl Start {
    /// From the start of the playlist, or from its end when negative.
    pub fn new(time_offset: SignedDuration, precise: bool) -> Self {
        Self {
            time_offset,
            precise,
        }
    }

    pub(crate) fn parse(offset: &str, precise: bool) -> Option<Self> {
        Some(Self {
            time_offset: signed_seconds(offset)?,
            precise,
        })
    }
}

/// Whether and how a Media Playlist may change (section 4.4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum PlaylistType {
    /// Segments are only added at the end.
    Event,
    /// Nothing changes.
    Vod,
}

/// What a delta update leaves out (section 4.4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skip<'a> {
    /// How many segments, from the start of the playlist.
    pub skipped_segments: u64,
    /// When date ranges are left out too: the IDs, with tabs between, of those that have been removed.
    pub removed_date_ranges: Option<&'a str>,
}

/// A tag that was kept as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tag<'a> {
    /// Which tag it is.
    pub name: TagName,
    /// Its name as written, without `#`.
    pub raw_name: &'a str,
    /// What follows the `:`; empty without one.
    pub value: &'a str,
    /// Its line, counted from 1.
    pub line: u32,
    /// How many segments came before it (0 in a Multivariant Playlist).
    pub segments_before: usize,
}

/// A tag by place: everything but the tags that describe one segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagEntry {
    pub(crate) name: TagName,
    pub(crate) line: u32,
    pub(crate) segments_before: u32,
    pub(crate) raw_name: Span,
    pub(crate) value: Span,
    /// The URI line of `EXT-X-STREAM-INF`.
    pub(crate) uri: Option<Span>,
}

impl TagEntry {
    pub(crate) fn place(&self) -> LinePlace {
        LinePlace {
            number: self.line,
            start: (self.raw_name.start as usize).saturating_sub(1),
        }
    }

    fn to_tag(self, text: &str) -> Tag<'_> {
        Tag {
            name: self.name,
            raw_name: self.raw_name.of(text),
            value: self.value.of(text),
            line: self.line,
            segments_before: self.segments_before as usize,
        }
    }
}

/// A segment as its URI line and the tags right before it say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentEntry {
    pub(crate) uri: Span,
    pub(crate) title: Span,
    pub(crate) nanoseconds: u64,
    pub(crate) line: u32,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
    /// Whether an `EXTINF` came before it.
    pub(crate) has_duration: bool,
}

/// `EXT-X-BYTERANGE` of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeEntry {
    pub(crate) segment: u32,
    pub(crate) line: u32,
    pub(crate) length: u64,
    pub(crate) offset: Option<u64>,
}

/// `EXT-X-PROGRAM-DATE-TIME` of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DateEntry {
    pub(crate) segment: u32,
    pub(crate) date: Timestamp,
}

/// A number that does not fit its type, so that the playlist can be read but has no timeline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfit {
    pub(crate) kind: ErrorKind,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) message: &'static str,
}

/// What the tags after the last URI line say of the segment to come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unfinished {
    pub(crate) date: Option<Timestamp>,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
}

/// What both kinds of playlist have.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) text: Arc<str>,
    pub(crate) version: Option<u64>,
    pub(crate) independent_segments: bool,
    pub(crate) start: Option<Start>,
    pub(crate) tags: Vec<TagEntry>,
    /// Whether `{$` appears anywhere, so that variables must be looked for.
    pub(crate) has_references: bool,
}

/// A playlist of variants and renditions, before [resolution](MultivariantPlaylist::resolve).
#[derive(Debug, Clone)]
pub struct MultivariantPlaylist {
    pub(crate) common: Common,
    pub(crate) entries: Arc<EntryAttributes>,
}

/// A playlist of segments, before [resolution](MediaPlaylist::resolve).
#[derive(Debug, Clone)]
pub struct MediaPlaylist {
    pub(crate) common: Common,
    pub(crate) target_seconds: Option<u64>,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) playlist_type: Option<PlaylistType>,
    pub(crate) end_list: bool,
    pub(crate) i_frames_only: bool,
    pub(crate) segments: Vec<SegmentEntry>,
    pub(crate) ranges: Vec<RangeEntry>,
    pub(crate) dates: Vec<DateEntry>,
    pub(crate) unfinished: Unfinished,
    pub(crate) unfit: Option<Unfit>,
}

/// `SKIPPED-SEGMENTS`, or `NUM`, which it was called before it was part of the specification.
pub(crate) fn skipped_segments(list: &AttributeList<'_>) -> Option<u64> {
    let name = if list.has("SKIPPED-SEGMENTS") {
        "SKIPPED-SEGMENTS"
    } else {
        "NUM"
    };
    list.integer(name)
}

impl MultivariantPlaylist {
    /// How many variants there are, I-frame variants and those without URI line not counted.
    pub fn variant_count(&self) -> usize {
        self.common
            .tags
            .iter()
            .filter(|tag| tag.uri.is_some())
            .count()
    }

    /// The value of `EXT-X-VERSION`; 1 without one.
    pub fn version(&self) -> u64 {
        self.common.version.unwrap_or(1)
    }

    /// Every tag in order, unknown ones included, `EXTM3U` left out.
    pub fn tags(&self) -> impl Iterator<Item = Tag<'_>> {
        self.common
            .tags
            .iter()
            .map(|tag| tag.to_tag(&self.common.text))
    }
}

impl MediaPlaylist {
    /// The value of `EXT-X-VERSION`; 1 without one.
    pub fn version(&self) -> u64 {
        self.common.version.unwrap_or(1)
    }

    /// Every tag in order, unknown ones and those after the last segment included, but for `EXTM3U` and those that [`Timeline`](crate::Timeline) segments
    /// hold: `EXTINF`, `EXT-X-BYTERANGE`, `EXT-X-DISCONTINUITY`, `EXT-X-GAP` and `EXT-X-PROGRAM-DATE-TIME`.
    pub fn tags(&self) -> impl Iterator<Item = Tag<'_>> {
        self.common
            .tags
            .iter()
            .map(|tag| tag.to_tag(&self.common.text))
    }

    /// How many segments there are.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// How long all segments are together, gaps included; the longest time there is when the sum exceeds it.
    pub fn duration(&self) -> Duration {
        let nanoseconds = self
            .segments
            .iter()
            .fold(0u64, |sum, segment| sum.saturating_add(segment.nanoseconds));
        Duration::from_nanos(nanoseconds)
    }

    /// What `EXT-X-SKIP` leaves out, when the playlist is a delta update (section 4.4.5.2). Only
    /// [`Timeline::update`](crate::Timeline::update) can make sense of those.
    pub fn skip(&self) -> Option<Skip<'_>> {
        let tag = self
            .common
            .tags
            .iter()
            .find(|tag| tag.name == TagName::Skip)?;
        let list = AttributeList::new(tag.value.of(&self.common.text));
        Some(Skip {
            skipped_segments: skipped_segments(&list)?,
            removed_date_ranges: list
                .get("RECENTLY-REMOVED-DATERANGES")
                .map(|removed| removed.value),
        })
    }

    /// Whether the playlist may still change: neither `EXT-X-ENDLIST` nor `EXT-X-PLAYLIST-TYPE:VOD`.
    pub fn is_live(&self) -> bool {
        !self.end_list && self.playlist_type != Some(PlaylistType::Vod)
    }
}
