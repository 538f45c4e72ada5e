//! Checks the tags of low-latency playlists.

use crate::attributes::AttributeList;
use crate::check::media::check_bitrate;
use crate::diagnostic::{Diagnostics, Fix};
use crate::part_fields::PartFields;
use crate::playlist::{MediaPlaylist, TagEntry};
use crate::rule::Rule;
use crate::tag::TagName;
use crate::value;

/// What the tags have to agree with, and what was seen of them.
#[derive(Debug)]
pub(crate) struct LowLatencyCheck<'t> {
    media: &'t MediaPlaylist,
    target: u64,
    part_target: Option<u64>,
    has_part_inf: bool,
    is_delta: bool,
    has_hint: bool,
    first_part: Option<TagEntry>,
    last_part: Option<TagEntry>,
    parent: Parent<'t>,
    bitrate: Option<u64>,
}

/// The partial segments of one parent so far.
#[derive(Debug, Default)]
struct Parent<'t> {
    segment: u32,
    /// A short part that is fine only when nothing but a gap follows.
    short: Option<TagEntry>,
    /// The resource that all parts so far are ranges of, from its start without holes, and its size so far.
    whole: Option<(&'t str, u64)>,
    has_parts: bool,
}

impl<'t> LowLatencyCheck<'t> {
    pub(crate) fn new(media: &'t MediaPlaylist) -> Self {
        let text = &media.common.text;
        let find = |name| media.common.tags.iter().find(|tag| tag.name == name);
        let part_inf = find(TagName::PartInf);
        Self {
            media,
            target: media
                .target_seconds
                .unwrap_or(0)
                .saturating_mul(1_000_000_000),
            part_target: part_inf
                .and_then(|tag| AttributeList::new(tag.value.of(text)).billionths("PART-TARGET")),
            has_part_inf: part_inf.is_some(),
            is_delta: find(TagName::Skip).is_some(),
            has_hint: false,
            first_part: None,
            last_part: None,
            parent: Parent::default(),
            bitrate: None,
        }
    }

    pub(crate) fn tag(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        diagnostics: &mut Diagnostics,
    ) {
        let text: &'t str = &self.media.common.text;
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        match tag.name {
            TagName::Part => self.part(tag, &PartFields::of_list(list), diagnostics),
            TagName::ServerControl => self.server_control(list, &mut report),
            TagName::PreloadHint => {
                self.has_hint = true;
                if self.media.end_list {
                    diagnostics.report_with(
                        Rule::HintAfterEnd,
                        tag.place(),
                        tag.value.range(),
                        "a playlist that has ended has nothing to hint at",
                        || Fix::delete_line(text, tag.value.start as usize),
                    );
                }
            }
            TagName::RenditionReport if list.text("URI").is_some_and(|uri| uri.contains("://")) => {
                report(Rule::ReportUri, "the URI is not relative");
            }
            _ => {}
        }
    }

    /// Takes in `EXT-X-BITRATE`, which parts can be measured by.
    pub(crate) fn bitrate(&mut self, tag: &TagEntry, diagnostics: &mut Diagnostics) {
        self.leave_parent(diagnostics);
        let value = tag.value.of(&self.media.common.text);
        self.bitrate = value::decimal_integer(value.as_bytes()).or(self.bitrate);
    }

    /// Takes in `EXT-X-PART`.
    pub(crate) fn part(
        &mut self,
        tag: &TagEntry,
        fields: &PartFields<'t>,
        diagnostics: &mut Diagnostics,
    ) {
        if self.first_part.is_none() {
            self.first_part = Some(*tag);
            if !self.has_part_inf {
                diagnostics.report(
                    Rule::PartInfPresent,
                    tag.place(),
                    tag.value.range(),
                    "there are partial segments but no EXT-X-PART-INF",
                );
            }
        }
        self.last_part = Some(*tag);
        if self.parent.segment != tag.segments_before || !self.parent.has_parts {
            self.leave_parent(diagnostics);
            self.parent = Parent {
                segment: tag.segments_before,
                short: None,
                whole: fields.uri.map(|uri| (uri, 0)),
                has_parts: true,
            };
        }
        let parent = &mut self.parent;
        parent.whole = parent.whole.and_then(|(uri, size)| {
            let (length, offset) = value::byte_range(fields.range?.as_bytes())?;
            let continues = fields.uri == Some(uri) && offset.unwrap_or(size) == size;
            continues.then_some((uri, size.checked_add(length)?))
        });
        if let Some(short) = parent.short.take().filter(|_| !fields.gap) {
            diagnostics.report(
                Rule::PartTooShort,
                short.place(),
                short.value.range(),
                "the partial segment is shorter than 85 percent of PART-TARGET and others follow it",
            );
        }
        let (Some(duration), Some(target)) = (fields.nanoseconds, self.part_target) else {
            return;
        };
        if duration > target {
            diagnostics.report(
                Rule::PartDuration,
                tag.place(),
                tag.value.range(),
                "the partial segment is longer than PART-TARGET",
            );
        }
        let is_short = u128::from(duration) * 100 < u128::from(target) * 85;
        if is_short && !fields.gap && !fields.independent {
            parent.short = Some(*tag);
        }
    }

    /// Looks at the parent that is left: when its parts are all of it, its size is known.
    fn leave_parent(&mut self, diagnostics: &mut Diagnostics) {
        let whole = self.parent.whole.take();
        let segment = self.media.segments.get(self.parent.segment as usize);
        if let (Some((uri, size)), Some(segment), Some(bitrate)) = (whole, segment, self.bitrate)
            && segment.uri.of(&self.media.common.text) == uri
        {
            check_bitrate(segment, size, bitrate, diagnostics);
        }
    }

    /// Reports what a low-latency playlist lacks as a whole (appendix B.1).
    pub(crate) fn finish(mut self, diagnostics: &mut Diagnostics) {
        self.leave_parent(diagnostics);
        let (Some(first), Some(last)) = (self.first_part, self.last_part) else {
            return;
        };
        if !self.has_hint && !self.media.end_list {
            diagnostics.report(
                Rule::HintPresent,
                last.place(),
                last.value.range(),
                "there are partial segments but no EXT-X-PRELOAD-HINT",
            );
        }
        if self.media.dates.is_empty() && !self.is_delta {
            diagnostics.report(
                Rule::LowLatencyDate,
                first.place(),
                first.value.range(),
                "there are partial segments but no EXT-X-PROGRAM-DATE-TIME",
            );
        }
    }

    fn server_control(&self, list: &AttributeList<'_>, report: &mut impl FnMut(Rule, &str)) {
        match list.billionths("CAN-SKIP-UNTIL") {
            Some(until) if until < self.target.saturating_mul(6) => report(
                Rule::SkipHorizon,
                "CAN-SKIP-UNTIL is below six target durations",
            ),
            None if list.has("CAN-SKIP-DATERANGES") => report(
                Rule::SkipDateRanges,
                "CAN-SKIP-DATERANGES is there without CAN-SKIP-UNTIL",
            ),
            _ => {}
        }
        if list
            .billionths("HOLD-BACK")
            .is_some_and(|back| back < self.target.saturating_mul(3))
        {
            report(Rule::HoldBack, "HOLD-BACK is below three target durations");
        }
        let Some(part_target) = self.part_target else {
            return;
        };
        if list
            .billionths("PART-HOLD-BACK")
            .is_none_or(|back| back < part_target.saturating_mul(2))
        {
            report(
                Rule::PartHoldBack,
                "PART-HOLD-BACK is missing or below twice PART-TARGET",
            );
        }
    }
}
