//! Checks the tags of low-latency playlists.

use crate::attributes::AttributeList;
use crate::diagnostic::Diagnostics;
use crate::playlist::{MediaPlaylist, TagEntry};
use crate::rule::Rule;
use crate::tag::TagName;

/// What the tags have to agree with.
#[derive(Debug)]
pub(crate) struct LowLatencyCheck {
    target: u64,
    part_target: Option<u64>,
    has_part_inf: bool,
    end_list: bool,
    missing_part_inf: bool,
}

impl LowLatencyCheck {
    pub(crate) fn new(media: &MediaPlaylist) -> Self {
        let text = &media.common.text;
        let part_inf = media
            .common
            .tags
            .iter()
            .find(|tag| tag.name == TagName::PartInf);
        Self {
            target: media
                .target_seconds
                .unwrap_or(0)
                .saturating_mul(1_000_000_000),
            part_target: part_inf
                .and_then(|tag| AttributeList::new(tag.value.of(text)).billionths("PART-TARGET")),
            has_part_inf: part_inf.is_some(),
            end_list: media.end_list,
            missing_part_inf: false,
        }
    }

    pub(crate) fn tag(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        match tag.name {
            TagName::Part => {
                if !self.has_part_inf && !std::mem::replace(&mut self.missing_part_inf, true) {
                    report(
                        Rule::PartInfPresent,
                        "there are partial segments but no EXT-X-PART-INF",
                    );
                }
                if let (Some(duration), Some(target)) =
                    (list.billionths("DURATION"), self.part_target)
                    && duration > target
                {
                    report(
                        Rule::PartDuration,
                        "the partial segment is longer than PART-TARGET",
                    );
                }
            }
            TagName::ServerControl => self.server_control(list, &mut report),
            TagName::PreloadHint if self.end_list => report(
                Rule::HintAfterEnd,
                "a playlist that has ended has nothing to hint at",
            ),
            TagName::RenditionReport if list.text("URI").is_some_and(|uri| uri.contains("://")) => {
                report(Rule::ReportUri, "the URI is not relative");
            }
            _ => {}
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
