//! Building low-latency playlists (appendix B).

use std::time::Duration;

use super::header::Header;
use super::{MediaPlaylistBuilder, Text};
use crate::error::{Error, ErrorKind};
use crate::low_latency::{HintKind, ServerControl};
use crate::rule::Rule;
use crate::value::ByteRange;

/// A Partial Segment of a playlist to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPart {
    /// Where it is, absolute or relative to the playlist.
    pub uri: String,
    /// How long it is.
    pub duration: Duration,
    /// The part of the resource that it is; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// Whether it holds an independent frame.
    pub independent: bool,
    /// Whether it is not available.
    pub gap: bool,
}

impl NewPart {
    /// A part with nothing but a URI and a duration.
    pub fn new(uri: impl Into<String>, duration: Duration) -> Self {
        Self {
            uri: uri.into(),
            duration,
            byte_range: None,
            independent: false,
            gap: false,
        }
    }
}

/// What low-latency playlists have more than others.
#[derive(Debug, Clone, Default)]
pub(super) struct LowLatency {
    /// The parts of the next segment, and what was given after the first of them.
    pub(super) parts: Text,
    pub(super) skip: Text,
    removes_date_ranges: bool,
    hints: Text,
    hinted: Vec<HintKind>,
    reports: Text,
    longest: Duration,
    /// The end of the byte range of the last part, and its URI.
    range_end: Option<(u64, String)>,
}

impl LowLatency {
    pub(super) fn texts(&self) -> [&Text; 4] {
        [&self.parts, &self.skip, &self.hints, &self.reports]
    }

    pub(super) fn take_parts(&mut self) -> String {
        self.range_end = None;
        std::mem::take(&mut self.parts.out)
    }

    /// The parts of the segment to come, hints and reports.
    pub(super) fn push_tail(&self, tail: &mut String) {
        for text in [&self.parts, &self.hints, &self.reports] {
            tail.push_str(&text.out);
        }
    }

    /// The header with the part target that the parts need.
    pub(super) fn header(&self, given: &Header) -> Result<Header, Error> {
        let mut header = given.clone();
        if header.part_target.is_none() && !self.longest.is_zero() {
            header.part_target = Some(self.longest);
        }
        let control = &header.server_control;
        let broken = |rule: Rule, message: &str| {
            let message = format!("{message} ({rule}, section {})", rule.section());
            Err(Error::new(ErrorKind::RuleViolation, message).with_rule(rule))
        };
        if header.part_target.is_some() && control.part_hold_back.is_none() {
            return broken(
                Rule::PartHoldBack,
                "a playlist with partial segments needs a part hold back",
            );
        }
        if !self.skip.out.is_empty() && control.can_skip_until.is_none() {
            return broken(
                Rule::SkipHorizon,
                "segments are skipped, but the server does not say that it can",
            );
        }
        if self.removes_date_ranges && !control.can_skip_date_ranges {
            return broken(
                Rule::SkipDateRanges,
                "date ranges are skipped, but the server does not say that it can",
            );
        }
        Ok(header)
    }
}

impl MediaPlaylistBuilder {
    /// Sets what the server can do. A playlist with parts needs a part hold back of at least twice, better three times, the part target.
    pub fn server_control(&mut self, control: ServerControl) -> &mut Self {
        self.header.server_control = control;
        self
    }

    /// Sets the target duration of parts, which is that of the longest one otherwise. Live playlists need it from the start, since it must not change.
    pub fn part_target(&mut self, target: Duration) -> &mut Self {
        self.header.part_target = Some(target);
        self
    }

    /// Adds a part of the next segment; when no segment follows, of the one that is to come. Keys, maps and bitrates come before the first part of a segment.
    ///
    /// A playlist with parts needs a date, and until it ends a hint at the next one.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use hls_parse::{HintKind, MediaPlaylistBuilder, NewPart, NewSegment, ServerControl};
    ///
    /// let mut control = ServerControl::default();
    /// control.can_block_reload = true;
    /// control.part_hold_back = Some(Duration::from_secs(3));
    /// let mut segment = NewSegment::new("1.mp4", Duration::from_secs(2));
    /// segment.program_date_time = Some("2026-01-01T00:00:00Z".parse()?);
    /// let mut builder = MediaPlaylistBuilder::new();
    /// builder
    ///     .server_control(control)
    ///     .part_target(Duration::from_secs(1))
    ///     .map("init.mp4", None)
    ///     .part(NewPart::new("1.0.mp4", Duration::from_secs(1)))
    ///     .part(NewPart::new("1.1.mp4", Duration::from_secs(1)))
    ///     .segment(segment)
    ///     .preload_hint(HintKind::Part, "2.0.mp4", 0, None)
    ///     .rendition_report("../audio/live.m3u8", Some(0), Some(1));
    /// assert_eq!(builder.build()?, "#EXTM3U
    /// ##EXT-X-VERSION:6
    /// ##EXT-X-TARGETDURATION:2
    /// ##EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3
    /// ##EXT-X-PART-INF:PART-TARGET=1
    /// ##EXT-X-MAP:URI=\"init.mp4\"
    /// ##EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
    /// ##EXT-X-PART:DURATION=1,URI=\"1.0.mp4\"
    /// ##EXT-X-PART:DURATION=1,URI=\"1.1.mp4\"
    /// ##EXTINF:2,
    /// 1.mp4
    /// ##EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2.0.mp4\"
    /// ##EXT-X-RENDITION-REPORT:URI=\"../audio/live.m3u8\",LAST-MSN=0,LAST-PART=1
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn part(&mut self, part: NewPart) -> &mut Self {
        let LowLatency {
            parts: text,
            longest,
            range_end,
            ..
        } = &mut self.low_latency;
        text.begin("#EXT-X-PART");
        text.duration("DURATION", Some(part.duration));
        text.quoted("URI", &part.uri);
        if let Some(ByteRange { start, length }) = part.byte_range {
            let follows = range_end
                .as_ref()
                .is_some_and(|(end, uri)| *end == start && *uri == part.uri);
            let offset = if follows {
                String::new()
            } else {
                format!("@{start}")
            };
            text.plain("BYTERANGE", format_args!("\"{length}{offset}\""));
        }
        text.yes("INDEPENDENT", part.independent);
        text.yes("GAP", part.gap);
        text.end();
        let end = |range: ByteRange| range.start.checked_add(range.length);
        *range_end = part.byte_range.and_then(end).zip(Some(part.uri));
        *longest = part.duration.max(*longest);
        self
    }

    /// Hints at a resource that will be needed soon: its first byte, and how many bytes it has, when that is known. One hint of each kind.
    pub fn preload_hint(
        &mut self,
        kind: HintKind,
        uri: &str,
        start: u64,
        length: Option<u64>,
    ) -> &mut Self {
        let text = &mut self.low_latency.hints;
        let name = match kind {
            HintKind::Part => "PART",
            HintKind::Map => "MAP",
        };
        if self.low_latency.hinted.contains(&kind) {
            text.refuse("a second preload hint", name);
        }
        self.low_latency.hinted.push(kind);
        text.begin("#EXT-X-PRELOAD-HINT");
        text.plain("TYPE", name);
        text.quoted("URI", uri);
        text.plain_option("BYTERANGE-START", Some(start).filter(|start| *start > 0));
        text.plain_option("BYTERANGE-LENGTH", length);
        text.end();
        self
    }

    /// Says how far another rendition has come: its Media Playlist, relative to this one, and its last segment and part where they are not those of this one.
    pub fn rendition_report(
        &mut self,
        uri: &str,
        last_media_sequence_number: Option<u64>,
        last_part: Option<u64>,
    ) -> &mut Self {
        let text = &mut self.low_latency.reports;
        text.begin("#EXT-X-RENDITION-REPORT");
        text.quoted("URI", uri);
        text.plain_option("LAST-MSN", last_media_sequence_number);
        text.plain_option("LAST-PART", last_part);
        text.end();
        self
    }

    /// Makes it a delta update that leaves out so many segments from the start; the Media Sequence Number stays that of the first one left out. With
    /// `removed_date_ranges` date ranges are left out too, and these are the IDs of those that have been removed.
    ///
    /// The server control has to say that it can.
    pub fn skip(&mut self, segments: u64, removed_date_ranges: Option<&[&str]>) -> &mut Self {
        let text = &mut self.low_latency.skip;
        text.begin("#EXT-X-SKIP");
        text.plain("SKIPPED-SEGMENTS", segments);
        if let Some(ids) = removed_date_ranges {
            let breaks_out = |id: &&&str| id.contains(|c: char| c.is_control() || c == '"');
            if let Some(id) = ids.iter().find(breaks_out) {
                text.refuse("RECENTLY-REMOVED-DATERANGES", id);
            }
            let ids = ids.join("\t");
            text.plain("RECENTLY-REMOVED-DATERANGES", format_args!("\"{ids}\""));
        }
        text.end();
        self.low_latency.removes_date_ranges |= removed_date_ranges.is_some();
        self
    }
}
