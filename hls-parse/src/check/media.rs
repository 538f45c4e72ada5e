//! Checks a Media Playlist.

use std::collections::HashSet;

use crate::attributes::AttributeList;
use crate::check::variables::VariableCheck;
use crate::check::version::VersionCheck;
use crate::check::{attributes, low_latency};
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::error::Error;
use crate::options::ParseOptions;
use crate::playlist::{MediaPlaylist, SegmentEntry, TagEntry};
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
    let mut low_latency = low_latency::LowLatencyCheck::new(media);
    let mut segments = media.segments.iter().enumerate().peekable();
    let mut skips = 0;
    let has_references = media.common.has_references;
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
        let list = attributes::check(tag, text, options, diagnostics)?;
        version.tag(tag, list.as_ref(), diagnostics);
        let Some(list) = list else { continue };
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
            TagName::DateRange => dates.tag(tag, &list, diagnostics),
            TagName::Skip => {
                skips += 1;
                if skips == 2 {
                    diagnostics.report(
                        Rule::RepeatedSkip,
                        tag.place(),
                        tag.value.range(),
                        "the tag is repeated",
                    );
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
    if let (true, Some(tag)) = (media.dates.is_empty(), dates.first) {
        diagnostics.report(
            Rule::DateRangeWithoutDate,
            tag.place(),
            tag.value.range(),
            "there is no EXT-X-PROGRAM-DATE-TIME to place the date range by",
        );
    }
    check_segments(media, &mut version, diagnostics);
    check_ranges(media, &mut version, diagnostics);
    Ok(())
}

fn place(segment: &SegmentEntry) -> LinePlace {
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
    if media.target_seconds.is_none_or(|seconds| seconds == 0) {
        let top = LinePlace {
            number: 1,
            start: 0,
        };
        diagnostics.report(
            Rule::TargetDuration,
            top,
            0..0,
            "there is no target duration of at least 1",
        );
    }
    let declared = media.common.version.unwrap_or(1);
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
            diagnostics.report(
                Rule::DurationAboveTarget,
                place(segment),
                segment.uri.range(),
                message,
            );
        }
        if declared < 3 && segment.nanoseconds % 1_000_000_000 != 0 {
            version.need(
                3,
                Rule::VersionForFractionalDuration,
                place(segment),
                segment.uri.range(),
                diagnostics,
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
            diagnostics,
        );
        // References may make different texts the same; resolution knows.
        let uri = segment.uri.of(text);
        let follows = previous == Some((range.segment, uri));
        if range.offset.is_none() && !follows && !media.common.has_references {
            diagnostics.report(
                Rule::ImplicitByteRange,
                place(segment),
                segment.uri.range(),
                "the byte range has no offset and does not follow a range of the same resource",
            );
        }
        previous = Some((range.segment + 1, uri));
    }
}

/// Checks `EXT-X-KEY` and what it means for `EXT-X-MAP`.
#[derive(Debug, Default)]
struct KeyCheck {
    /// Whether an identity AES-128 key without IV is in force.
    without_iv: bool,
}

impl KeyCheck {
    fn key(&mut self, tag: &TagEntry, list: &AttributeList<'_>, diagnostics: &mut Diagnostics) {
        check_key(tag, list, diagnostics);
        let method = list.text("METHOD");
        if method == Some("NONE") {
            self.without_iv = false;
        } else if list
            .text("KEYFORMAT")
            .is_none_or(|format| format == "identity")
        {
            self.without_iv = method == Some("AES-128") && !list.has("IV");
        }
    }

    fn map(&mut self, tag: &TagEntry, list: &AttributeList<'_>, diagnostics: &mut Diagnostics) {
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        if let Some(range) = list.text("BYTERANGE").filter(|range| !range.contains("{$")) {
            match value::byte_range(range.as_bytes()) {
                Some((_, None)) => report(Rule::MapByteRangeOffset, "the byte range has no offset"),
                Some(_) => {}
                None => report(Rule::AttributeForm, "the byte range is not LENGTH@OFFSET"),
            }
        }
        if self.without_iv {
            report(Rule::MapKeyIv, "the AES-128 key in force has no IV");
        }
    }
}

/// The rules that `EXT-X-KEY` and `EXT-X-SESSION-KEY` share (section 4.4.4.4).
pub(crate) fn check_key(tag: &TagEntry, list: &AttributeList<'_>, diagnostics: &mut Diagnostics) {
    let mut report = |rule: Rule, message: &str| {
        diagnostics.report(rule, tag.place(), tag.value.range(), message);
    };
    let method = list.text("METHOD");
    if method == Some("NONE") {
        if list.iter().any(|attribute| attribute.name != "METHOD") {
            report(
                Rule::KeyNoneAlone,
                "METHOD=NONE has other attributes beside it, they are ignored",
            );
        }
        return;
    }
    if !list.has("URI") {
        report(Rule::KeyUri, "URI is missing");
    }
    if let Some(iv) = list.text("IV").filter(|iv| !iv.contains("{$")) {
        if matches!(method, Some("SAMPLE-AES-CTR" | "AES-256-GCM")) {
            report(Rule::KeyIvForbidden, "the method has no IV");
        }
        match value::hexadecimal_128(iv) {
            Some((_, true)) => report(
                Rule::KeyIvLength,
                "the IV is shorter than 128 bits and is filled with zeros on the left",
            ),
            Some(_) => {}
            None => report(
                Rule::KeyIvLength,
                "the IV is not 128 bits in hexadecimal and cannot be used",
            ),
        }
    }
    if let Some(versions) = list
        .text("KEYFORMATVERSIONS")
        .filter(|versions| !versions.contains("{$"))
    {
        let legal =
            |part: &str| value::decimal_integer(part.as_bytes()).is_some_and(|number| number > 0);
        if !versions.split('/').all(legal) {
            report(
                Rule::KeyFormatVersions,
                "KEYFORMATVERSIONS is not integers with / between",
            );
        }
    }
}

/// Checks `EXT-X-DATERANGE` (section 4.4.5.1).
#[derive(Debug, Default)]
struct DateRangeCheck<'t> {
    first: Option<TagEntry>,
    ids: HashSet<&'t str>,
}

impl<'t> DateRangeCheck<'t> {
    fn tag(&mut self, tag: &TagEntry, list: &AttributeList<'t>, diagnostics: &mut Diagnostics) {
        self.first.get_or_insert(*tag);
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        if let Some(id) = list.text("ID")
            && self.ids.insert(id)
            && !list.has("START-DATE")
        {
            report(
                Rule::DateRangeStart,
                "START-DATE is missing on the first date range of its ID",
            );
        }
        if list.has("END-ON-NEXT")
            && (!list.is_yes("END-ON-NEXT")
                || !list.has("CLASS")
                || list.has("DURATION")
                || list.has("END-DATE"))
        {
            report(
                Rule::DateRangeEndOnNext,
                "END-ON-NEXT is not YES with CLASS and without DURATION and END-DATE",
            );
        }
    }
}
