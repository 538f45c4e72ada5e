//! Reading the tags of a Media Playlist, one after the other.

use crate::date;
use crate::diagnostic::{Diagnostics, Fix, LinePlace};
use crate::error::ErrorKind;
use crate::playlist::{
    Common, DateEntry, MediaPlaylist, PlaylistType, RangeEntry, SegmentEntry, Unfinished, Unfit,
};
use crate::room::make_room;
use crate::rule::Rule;
use crate::tag::TagName;
use crate::value::{self, Span};

/// Collects segments: the tags before a URI line belong to it.
#[derive(Debug, Default)]
pub(crate) struct SegmentReader {
    /// How many bytes the text has.
    length: usize,
    pending: Pending,
    segments: Vec<SegmentEntry>,
    ranges: Vec<RangeEntry>,
    dates: Vec<DateEntry>,
    target_seconds: Option<u64>,
    media_sequence: Option<u64>,
    discontinuity_sequence: Option<u64>,
    playlist_type: Option<PlaylistType>,
    end_list: bool,
    i_frames_only: bool,
    any_discontinuity: bool,
    unfit: Option<Unfit>,
}

/// What the tags since the last URI line said.
#[derive(Debug, Default)]
struct Pending {
    duration: Option<(u64, Span)>,
    range: Option<(u64, Option<u64>, u32)>,
    date: Option<jiff::Timestamp>,
    discontinuity: bool,
    gap: bool,
    /// Whether there was an `EXT-X-PART`.
    part: bool,
}

impl SegmentReader {
    /// A reader for a text of that many bytes.
    pub(crate) fn new(length: usize) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.segments.len()).unwrap_or(u32::MAX)
    }

    /// Whether any segment has an `EXTINF`, so that it is more than a stray URI line.
    pub(crate) fn any_duration(&self) -> bool {
        self.segments.iter().any(|segment| segment.has_duration)
    }

    /// Ends a segment.
    pub(crate) fn uri(&mut self, uri: Span, line: u32) {
        let segment = self.count();
        let pending = std::mem::take(&mut self.pending);
        let read = uri.end as usize;
        if let Some((length, offset, line)) = pending.range {
            make_room(&mut self.ranges, read, self.length);
            self.ranges.push(RangeEntry {
                segment,
                line,
                length,
                offset,
            });
        }
        if let Some(date) = pending.date {
            make_room(&mut self.dates, read, self.length);
            self.dates.push(DateEntry { segment, date });
        }
        let (nanoseconds, title) = pending.duration.unwrap_or_default();
        make_room(&mut self.segments, read, self.length);
        self.segments.push(SegmentEntry {
            uri,
            title,
            nanoseconds,
            line,
            discontinuity: pending.discontinuity,
            gap: pending.gap,
            has_duration: pending.duration.is_some(),
        });
    }

    /// Takes one tag in; false when it is to be kept as it is.
    pub(crate) fn tag(
        &mut self,
        name: TagName,
        text: &str,
        span: Span,
        place: LinePlace,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        self.check_order(name, span, place, diagnostics);
        match name {
            TagName::Inf => {
                let (duration, title) = read_inf(text, span, place, diagnostics);
                if duration.is_none() {
                    let message = "the duration does not fit in 64 bits of nanoseconds";
                    self.does_not_fit(ErrorKind::Overflow, span, place, message);
                }
                self.pending.duration = Some((duration.unwrap_or(0), title));
                return true;
            }
            TagName::Part => self.pending.part = true,
            TagName::ProgramDateTime => match date::parse(text.as_bytes()) {
                Some(date) => {
                    if !date::is_complete(text.as_bytes()) {
                        diagnostics.report(
                            Rule::DateForm,
                            place,
                            span.range(),
                            "the date has no zone or is not ISO 8601, without a zone it is UTC",
                        );
                    }
                    self.pending.date = Some(date);
                    return true;
                }
                None => diagnostics.report(
                    Rule::TagValue,
                    place,
                    span.range(),
                    "the date cannot be read and is ignored",
                ),
            },
            TagName::ByteRange => {
                let range = value::exact_byte_range(text.as_bytes())
                    .or_else(|| self.inexact_byte_range(text, span, place, diagnostics));
                if let Some((length, offset)) = range {
                    self.pending.range = Some((length, offset, place.number));
                    return true;
                }
            }
            TagName::Discontinuity => {
                self.pending.discontinuity = true;
                self.any_discontinuity = true;
                return true;
            }
            TagName::Gap => {
                self.pending.gap = true;
                return true;
            }
            TagName::TargetDuration
            | TagName::MediaSequence
            | TagName::DiscontinuitySequence
            | TagName::PlaylistType
            | TagName::EndList
            | TagName::IFramesOnly => self.header_tag(name, text, span, place, diagnostics),
            TagName::Bitrate if value::decimal_integer(text.as_bytes()).is_none() => {
                diagnostics.report(
                    Rule::DecimalInteger,
                    place,
                    span.range(),
                    "the bit rate is not a number and is ignored",
                );
            }
            _ => {}
        }
        false
    }

    /// What describes one segment comes once, and before its partial segments when it applies to them too (section 4.4.4.9).
    fn check_order(
        &self,
        name: TagName,
        span: Span,
        place: LinePlace,
        diagnostics: &mut Diagnostics,
    ) {
        let pending = &self.pending;
        let repeated = match name {
            TagName::Inf => pending.duration.is_some(),
            TagName::ProgramDateTime => pending.date.is_some(),
            TagName::ByteRange => pending.range.is_some(),
            TagName::Discontinuity => pending.discontinuity,
            TagName::Gap => pending.gap,
            _ => false,
        };
        if repeated {
            diagnostics.report(
                Rule::RepeatedSegmentTag,
                place,
                span.range(),
                "the tag is repeated before one URI line, the last one counts",
            );
        }
        let precedes = matches!(
            name,
            TagName::Discontinuity | TagName::Key | TagName::Map | TagName::ProgramDateTime
        );
        if precedes && pending.part {
            diagnostics.report(
                Rule::PartPrecedence,
                place,
                span.range(),
                "the tag comes after a partial segment of the segment it applies to",
            );
        }
    }

    /// A byte range with more than it should have, or numbers of many digits.
    fn inexact_byte_range(
        &mut self,
        text: &str,
        span: Span,
        place: LinePlace,
        diagnostics: &mut Diagnostics,
    ) -> Option<(u64, Option<u64>)> {
        // Some writers quote the value, as it is in an attribute.
        let unquoted = text.trim_matches('"').as_bytes();
        let Some((length, offset)) = value::byte_range(unquoted) else {
            let (rule, message) = if value::is_byte_range_form(unquoted) {
                let message = "the byte range ends beyond 2^64 - 1";
                self.does_not_fit(ErrorKind::InvalidByteRange, span, place, message);
                (
                    Rule::DecimalInteger,
                    "the byte range ends beyond 2^64 - 1, so that the playlist cannot be resolved",
                )
            } else {
                (
                    Rule::TagValue,
                    "the byte range is not LENGTH or LENGTH@OFFSET and is ignored",
                )
            };
            diagnostics.report(rule, place, span.range(), message);
            return None;
        };
        if text.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'@')) {
            diagnostics.report_with(
                Rule::TagValue,
                place,
                span.range(),
                "there is more than a byte range, which is left out",
                || Some(Fix::new(span.range(), range_text(length, offset))),
            );
        }
        Some((length, offset))
    }

    fn does_not_fit(
        &mut self,
        kind: ErrorKind,
        span: Span,
        place: LinePlace,
        message: &'static str,
    ) {
        self.unfit.get_or_insert(Unfit {
            kind,
            line: place.number,
            column: place.column(span.start as usize),
            message,
        });
    }

    fn header_tag(
        &mut self,
        name: TagName,
        text: &str,
        span: Span,
        place: LinePlace,
        diagnostics: &mut Diagnostics,
    ) {
        let is_number = matches!(
            name,
            TagName::MediaSequence | TagName::DiscontinuitySequence
        );
        if is_number && value::is_too_large(text.trim().as_bytes()) {
            let message = "the sequence number does not fit in 64 bits";
            self.does_not_fit(ErrorKind::Overflow, span, place, message);
        }
        let mut report =
            |rule: Rule, message: &str| diagnostics.report(rule, place, span.range(), message);
        let repeated = match name {
            TagName::TargetDuration => {
                let seconds = whole_seconds(text, &mut report);
                set_once(&mut self.target_seconds, seconds)
            }
            TagName::MediaSequence => {
                if !self.segments.is_empty() {
                    report(
                        Rule::MediaSequencePlace,
                        "the media sequence comes after a segment, it counts from the first one all the same",
                    );
                }
                set_once(&mut self.media_sequence, integer(text, &mut report))
            }
            TagName::DiscontinuitySequence => {
                if !self.segments.is_empty() || self.any_discontinuity {
                    report(
                        Rule::DiscontinuitySequencePlace,
                        "the discontinuity sequence comes after a segment or discontinuity, it counts from the start all the same",
                    );
                }
                set_once(&mut self.discontinuity_sequence, integer(text, &mut report))
            }
            TagName::PlaylistType => {
                let playlist_type = match text {
                    "VOD" => Some(PlaylistType::Vod),
                    "EVENT" => Some(PlaylistType::Event),
                    _ => {
                        report(
                            Rule::TagValue,
                            "the playlist type is neither VOD nor EVENT and is ignored",
                        );
                        None
                    }
                };
                set_once(&mut self.playlist_type, playlist_type)
            }
            TagName::EndList => std::mem::replace(&mut self.end_list, true),
            _ => std::mem::replace(&mut self.i_frames_only, true),
        };
        if repeated {
            report(
                Rule::RepeatedMediaTag,
                "the tag is repeated, the first one counts",
            );
        }
    }

    pub(crate) fn finish(self, common: Common) -> MediaPlaylist {
        MediaPlaylist {
            common,
            target_seconds: self.target_seconds,
            media_sequence: self.media_sequence.unwrap_or(0),
            discontinuity_sequence: self.discontinuity_sequence.unwrap_or(0),
            playlist_type: self.playlist_type,
            end_list: self.end_list,
            i_frames_only: self.i_frames_only,
            segments: self.segments,
            ranges: self.ranges,
            dates: self.dates,
            unfinished: Unfinished {
                date: self.pending.date,
                discontinuity: self.pending.discontinuity,
                gap: self.pending.gap,
            },
            unfit: self.unfit,
        }
    }
}

/// Sets what is not set yet; true when there were two.
fn set_once<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    match (slot.is_some(), value) {
        (true, value) => value.is_some(),
        (false, value) => {
            *slot = value;
            false
        }
    }
}

fn range_text(length: u64, offset: Option<u64>) -> String {
    match offset {
        Some(offset) => format!("{length}@{offset}"),
        None => length.to_string(),
    }
}

fn integer(text: &str, report: &mut impl FnMut(Rule, &str)) -> Option<u64> {
    let trimmed = text.trim();
    let number = value::decimal_integer(trimmed.as_bytes());
    if value::is_too_large(trimmed.as_bytes()) {
        report(
            Rule::DecimalInteger,
            "the value is above 2^64 - 1, so that the playlist cannot be resolved",
        );
    } else if number.is_none() {
        report(
            Rule::DecimalInteger,
            "the value is not an integer and is ignored",
        );
    } else if trimmed.len() != text.len() {
        report(
            Rule::StrayWhiteSpace,
            "there is white space around the value",
        );
    }
    number
}

/// A target duration; a fractional one is rounded up so that it stays an upper bound.
fn whole_seconds(text: &str, report: &mut impl FnMut(Rule, &str)) -> Option<u64> {
    if let Some(seconds) = value::decimal_integer(text.as_bytes()) {
        return Some(seconds);
    }
    let billionths = value::decimal_billionths(text.trim().as_bytes());
    report(
        Rule::DecimalInteger,
        match billionths {
            Some(_) => "the target duration is not an integer and is rounded up",
            None => "the target duration is not a number and is ignored",
        },
    );
    billionths.map(|billionths| billionths.div_ceil(1_000_000_000))
}

/// Reads `6.006,title`: the duration in nanoseconds, unless it is too long for that, and where the title is.
fn read_inf(
    text: &str,
    span: Span,
    place: LinePlace,
    diagnostics: &mut Diagnostics,
) -> (Option<u64>, Span) {
    let bytes = text.as_bytes();
    let spaces = bytes.len() - bytes.trim_ascii_start().len();
    let body = bytes.get(spaces..).unwrap_or_default();
    let length = body
        .iter()
        .position(|byte| matches!(byte, b',' | b' ' | b'\t'))
        .unwrap_or(body.len());
    let number = body.get(..length).unwrap_or_default();
    let after = spaces + length;
    let duration = value::decimal_billionths(number).or_else(|| {
        let (duration, rule, message) = if number.is_empty() {
            let message = "EXTINF has no duration, it counts as 0";
            (Some(0), Rule::SegmentDuration, message)
        } else if value::is_decimal_form(number) {
            let message = "the duration does not fit in 64 bits of nanoseconds, so that the playlist cannot be resolved";
            (None, Rule::DecimalFloatingPoint, message)
        } else {
            let message = "the duration is not an unsigned decimal number, it counts as 0";
            (Some(0), Rule::DecimalFloatingPoint, message)
        };
        diagnostics.report(rule, place, span.range(), message);
        duration
    });
    let title = match bytes.get(after) {
        Some(b',') => Some(after + 1),
        Some(_) => comma_outside_quotes(bytes, after).map(|comma| comma + 1),
        None => None,
    };
    let Some(title) = title else {
        diagnostics.report_with(
            Rule::DurationComma,
            place,
            span.range(),
            "there is no comma after the duration",
            || {
                let end = span.start as usize + after;
                (after == bytes.len()).then(|| Fix::new(end..end, ","))
            },
        );
        return (duration, Span::default());
    };
    if spaces > 0 || bytes.get(after) != Some(&b',') {
        diagnostics.report(
            Rule::StrayWhiteSpace,
            place,
            span.range(),
            "there is white space around the duration",
        );
    }
    (
        duration,
        Span::new(span.start as usize + title, bytes.len() - title),
    )
}

/// Television lists put `key="a,b"` pairs between the duration and the comma before the title.
fn comma_outside_quotes(bytes: &[u8], from: usize) -> Option<usize> {
    let mut quoted = false;
    let rest = bytes.get(from..)?;
    let at = rest.iter().position(|&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    })?;
    Some(from + at)
}
