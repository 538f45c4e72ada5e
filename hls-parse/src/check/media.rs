//! Checks a Media Playlist.

use jiff::{SignedDuration, Timestamp};

use crate::attributes::AttributeList;
use crate::check::date_range::DateRangeCheck;
use crate::check::keys::KeyCheck;
use crate::check::low_latency::LowLatencyCheck;
use crate::check::variables::VariableCheck;
use crate::check::version::VersionCheck;
use crate::check::{attributes, repeated, set_tag, top};
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::error::Error;
use crate::options::ParseOptions;
use crate::part_fields::PartFields;
use crate::playlist::{MediaPlaylist, SegmentEntry};
use crate::rule::Rule;
use crate::tag::TagName;
use crate::value;

pub(crate) fn check(
    media: &MediaPlaylist,
    options: &ParseOptions,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let text: &str = &media.common.text;
    let mut version = VersionCheck::new(media.common.version, media.i_frames_only);
    let mut variables = VariableCheck::default();
    let mut keys = KeyCheck::default();
    let mut dates = DateRangeCheck::default();
    let mut low_latency = LowLatencyCheck::new(media);
    let mut segments = media.segments.iter().enumerate().peekable();
    let mut skips = 0;
    let has_references = media.common.has_references;
    let mut list = AttributeList::empty();
    for tag in &media.common.tags {
        while has_references
            && let Some((_, segment)) =
                segments.next_if(|(index, _)| *index < tag.segments_before as usize)
        {
            variables.uses(
                segment.uri.of(text),
                place(segment),
                segment.uri.range(),
                diagnostics,
            );
        }
        if tag.name == TagName::Part && options.max_attributes >= PartFields::KNOWN {
            let value = tag.value.of(text);
            if let Some(fields) = PartFields::exact(value) {
                if has_references {
                    variables.uses(value, tag.place(), tag.value.range(), diagnostics);
                }
                low_latency.part(tag, &fields, diagnostics);
                continue;
            }
        }
        let has_list = attributes::check(tag, text, options, &mut list, diagnostics)?;
        version.tag(tag, has_list.then_some(&list));
        if !has_list {
            if tag.name == TagName::Bitrate {
                low_latency.bitrate(tag, diagnostics);
            }
            continue;
        }
        if list.has_requirement() {
            let message = match tag.name {
                TagName::Key | TagName::Map | TagName::Skip => {
                    "a REQ- attribute asks for what is not known, so that the playlist cannot be resolved"
                }
                _ => "a REQ- attribute asks for what is not known, the tag is ignored",
            };
            diagnostics.report(Rule::IgnoredTag, tag.place(), tag.value.range(), message);
        }
        if has_references {
            variables.uses(
                tag.value.of(text),
                tag.place(),
                tag.value.range(),
                diagnostics,
            );
        }
        match tag.name {
            TagName::Define => variables.define(tag, &list, true, diagnostics),
            TagName::Key => keys.key(tag, &list, diagnostics),
            TagName::Map => keys.map(tag, &list, diagnostics),
            TagName::DateRange => dates.tag(tag, &list, text, diagnostics),
            TagName::Skip => {
                skips += 1;
                if skips == 2 {
                    repeated(Rule::RepeatedSkip, tag, text, diagnostics);
                }
            }
            _ => low_latency.tag(tag, &list, diagnostics),
        }
    }
    for (_, segment) in segments.filter(|_| has_references) {
        variables.uses(
            segment.uri.of(text),
            place(segment),
            segment.uri.range(),
            diagnostics,
        );
    }
    low_latency.finish(diagnostics);
    if let (true, false, Some(tag)) = (media.dates.is_empty(), skips > 0, dates.first()) {
        diagnostics.report(
            Rule::DateRangeWithoutDate,
            tag.place(),
            tag.value.range(),
            "there is no EXT-X-PROGRAM-DATE-TIME to place the date range by",
        );
    }
    dates.finish(diagnostics);
    check_segments(media, &mut version, diagnostics);
    check_ranges(media, &mut version, diagnostics);
    check_dates(media, diagnostics);
    if media.i_frames_only {
        check_i_frames(media, diagnostics);
    }
    version.finish(&media.common, diagnostics);
    Ok(())
}

pub(crate) fn place(segment: &SegmentEntry) -> LinePlace {
    LinePlace {
        number: segment.line,
        start: segment.uri.start as usize,
    }
}

fn check_segments(
    media: &MediaPlaylist,
    version: &mut VersionCheck,
    diagnostics: &mut Diagnostics,
) {
    let declared = media.common.version.unwrap_or(1);
    let fix = || {
        let longest = media
            .segments
            .iter()
            .map(|segment| segment.nanoseconds)
            .max();
        let longest = longest.unwrap_or(0);
        let seconds = if declared <= 5 {
            longest.div_ceil(1_000_000_000)
        } else {
            longest.saturating_add(500_000_000) / 1_000_000_000
        };
        let name = TagName::TargetDuration;
        set_tag(&media.common, name, "EXT-X-TARGETDURATION", seconds.max(1))
    };
    if media.target_seconds.is_none_or(|seconds| seconds == 0) {
        let (place, span) = top();
        diagnostics.report_with(
            Rule::TargetDuration,
            place,
            span,
            "there is no target duration of at least 1",
            fix,
        );
    }
    let mut is_first = true;
    // Durations up to this many nanoseconds round to the target duration or less.
    let longest = media.target_seconds.map_or(u64::MAX, |seconds| {
        let nanoseconds = seconds.saturating_mul(1_000_000_000);
        if declared <= 5 {
            nanoseconds
        } else {
            nanoseconds.saturating_add(499_999_999)
        }
    });
    for segment in &media.segments {
        if !segment.has_duration {
            diagnostics.report(
                Rule::SegmentDuration,
                place(segment),
                segment.uri.range(),
                "there is no EXTINF before the URI, the duration counts as 0",
            );
        }
        if segment.nanoseconds > longest {
            let message = format_args!(
                "the duration {} is above the target duration",
                value::billionths_to_text(segment.nanoseconds)
            );
            diagnostics.report_with(
                Rule::DurationAboveTarget,
                place(segment),
                segment.uri.range(),
                message,
                // One fix is for all segments, and looks at all of them.
                || std::mem::take(&mut is_first).then(fix).flatten(),
            );
        }
        if declared < 3 && segment.nanoseconds % 1_000_000_000 != 0 {
            version.need(
                3,
                Rule::VersionForFractionalDuration,
                place(segment),
                segment.uri.range(),
            );
        }
    }
}

fn check_ranges(media: &MediaPlaylist, version: &mut VersionCheck, diagnostics: &mut Diagnostics) {
    let text: &str = &media.common.text;
    let mut previous = None;
    for range in &media.ranges {
        let Some(segment) = media.segments.get(range.segment as usize) else {
            continue;
        };
        version.need(
            4,
            Rule::VersionForByteRange,
            place(segment),
            segment.uri.range(),
        );
        // References may make different texts the same; resolution knows.
        let uri = segment.uri.of(text);
        let follows = previous == Some((range.segment, uri));
        if range.offset.is_none() && !follows && !media.common.has_references {
            diagnostics.report(
                Rule::ImplicitByteRange,
                place(segment),
                segment.uri.range(),
                "the byte range has no offset and does not follow a range of the same resource, so that the playlist cannot be resolved",
            );
        }
        previous = Some((range.segment + 1, uri));
    }
}

/// A stretch of segments that are dated from one stated date.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: Timestamp,
    end: Timestamp,
    segment: u32,
}

/// Stretches that overlap by a second or more give a date to two places (section 6.2.1).
fn check_dates(media: &MediaPlaylist, diagnostics: &mut Diagnostics) {
    let overlap = |end: Timestamp, next: Stretch| {
        next.start.duration_since(end) <= -SignedDuration::from_secs(1)
    };
    let in_order = {
        let mut end = Timestamp::MIN;
        stretches(media).all(|stretch| {
            let fits = stretch.start >= end || !overlap(end, stretch);
            end = end.max(stretch.end);
            fits
        })
    };
    if in_order {
        return;
    }
    // Dates that go back and forth, as in a rerun, are fine as long as each is there once.
    let mut sorted: Vec<Stretch> = stretches(media)
        .filter(|stretch| stretch.end > stretch.start)
        .collect();
    sorted.sort_by_key(|stretch| (stretch.start, stretch.segment));
    let mut latest: Option<Stretch> = None;
    for stretch in sorted {
        if let Some(other) = latest.filter(|other| overlap(other.end.min(stretch.end), stretch)) {
            let later = media
                .segments
                .get(stretch.segment.max(other.segment) as usize);
            if let Some(segment) = later {
                diagnostics.report(
                    Rule::AmbiguousDate,
                    place(segment),
                    segment.uri.range(),
                    "the dates from this segment on are also those of other segments, the later ones count",
                );
            }
        }
        if latest.is_none_or(|other| other.end < stretch.end) {
            latest = Some(stretch);
        }
    }
}

fn stretches(media: &MediaPlaylist) -> impl Iterator<Item = Stretch> {
    let mut dates = media.dates.iter().peekable();
    std::iter::from_fn(move || {
        let date = dates.next()?;
        let end = dates
            .peek()
            .map_or(media.segments.len(), |next| next.segment as usize);
        let segments = media.segments.get(date.segment as usize..end);
        let nanoseconds = segments
            .unwrap_or_default()
            .iter()
            .fold(0u64, |sum, segment| sum.saturating_add(segment.nanoseconds));
        let length = SignedDuration::from_nanos(i64::try_from(nanoseconds).unwrap_or(i64::MAX));
        Some(Stretch {
            start: date.date,
            end: date.date.checked_add(length).unwrap_or(Timestamp::MAX),
            segment: date.segment,
        })
    })
}

/// The byte range of an I-frame does not include its initialization section (section 4.4.3.6).
fn check_i_frames(media: &MediaPlaylist, diagnostics: &mut Diagnostics) {
    let text: &str = &media.common.text;
    let mut maps = media
        .common
        .tags
        .iter()
        .filter(|tag| tag.name == TagName::Map)
        .peekable();
    let mut map = None;
    for range in &media.ranges {
        while let Some(tag) = maps.next_if(|tag| tag.segments_before <= range.segment) {
            let list = AttributeList::new(tag.value.of(text));
            let bytes = list
                .text("BYTERANGE")
                .and_then(|range| value::byte_range(range.as_bytes()));
            map = list.text("URI").zip(bytes);
        }
        let (Some((uri, (length, offset))), Some(segment), Some(start)) = (
            map,
            media.segments.get(range.segment as usize),
            range.offset,
        ) else {
            continue;
        };
        let map_start = offset.unwrap_or(0);
        let overlaps = start < map_start.saturating_add(length)
            && map_start < start.saturating_add(range.length);
        if overlaps && segment.uri.of(text) == uri {
            diagnostics.report(
                Rule::RangeWithoutMap,
                place(segment),
                segment.uri.range(),
                "the byte range of the I-frame overlaps its initialization section",
            );
        }
    }
}

/// `EXT-X-BITRATE` is within a tenth of what the size and duration of a segment make (section 4.4.4.8).
pub(crate) fn check_bitrate(
    segment: &SegmentEntry,
    bytes: u64,
    kilobits: u64,
    diagnostics: &mut Diagnostics,
) {
    // Bits times nanoseconds, so that nothing is divided: kilobits/s * duration against bits.
    let stated = u128::from(kilobits) * 1000 * u128::from(segment.nanoseconds);
    let real = u128::from(bytes) * 8 * 1_000_000_000;
    if segment.nanoseconds > 0 && (stated * 10 < real * 9 || stated * 10 > real * 11) {
        diagnostics.report(
            Rule::Bitrate,
            place(segment),
            segment.uri.range(),
            "EXT-X-BITRATE differs by more than a tenth from what the byte ranges of its partial segments make",
        );
    }
}
