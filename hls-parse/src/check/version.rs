//! Whether `EXT-X-VERSION` is high enough for what is used (section 8).

use crate::attributes::AttributeList;
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::tag::TagName;

/// Reports the first use of each feature that the version does not allow.
#[derive(Debug)]
pub(crate) struct VersionCheck {
    declared: u64,
    i_frames_only: bool,
    reported: Vec<Rule>,
}

impl VersionCheck {
    pub(crate) fn new(declared: Option<u64>, i_frames_only: bool) -> Self {
        Self {
            declared: declared.unwrap_or(1),
            i_frames_only,
            reported: Vec::new(),
        }
    }

    pub(crate) fn need(
        &mut self,
        version: u64,
        rule: Rule,
        place: LinePlace,
        span: std::ops::Range<usize>,
        diagnostics: &mut Diagnostics,
    ) {
        if self.declared >= version || self.reported.contains(&rule) {
            return;
        }
        self.reported.push(rule);
        let message = format_args!(
            "{}, the playlist declares {}",
            rule.summary(),
            self.declared
        );
        diagnostics.report(rule, place, span, message);
    }

    /// Looks at one tag with its attributes.
    pub(crate) fn tag(
        &mut self,
        tag: &TagEntry,
        list: Option<&AttributeList<'_>>,
        diagnostics: &mut Diagnostics,
    ) {
        let mut need =
            |version, rule| self.need(version, rule, tag.place(), tag.value.range(), diagnostics);
        let has = |name: &str| list.is_some_and(|list| list.has(name));
        match tag.name {
            TagName::Key | TagName::SessionKey => {
                if has("IV") {
                    need(2, Rule::VersionForIv);
                }
                let sample = list.and_then(|list| list.text("METHOD")) == Some("SAMPLE-AES");
                if sample || has("KEYFORMAT") || has("KEYFORMATVERSIONS") {
                    need(5, Rule::VersionForKeyFormat);
                }
            }
            TagName::IFramesOnly => need(4, Rule::VersionForByteRange),
            TagName::Map => {
                need(5, Rule::VersionForKeyFormat);
                if !self.i_frames_only {
                    self.need(
                        6,
                        Rule::VersionForMap,
                        tag.place(),
                        tag.value.range(),
                        diagnostics,
                    );
                }
            }
            TagName::Define => {
                need(8, Rule::VersionForVariables);
                if has("QUERYPARAM") {
                    need(11, Rule::VersionForQueryParameter);
                }
            }
            TagName::Skip => {
                need(9, Rule::VersionForSkip);
                if has("RECENTLY-REMOVED-DATERANGES") {
                    need(10, Rule::VersionForRemovedDateRanges);
                }
            }
            TagName::Media => {
                let captions = list.and_then(|list| list.text("TYPE")) == Some("CLOSED-CAPTIONS");
                match list.and_then(|list| list.text("INSTREAM-ID")) {
                    Some(_) if !captions => need(13, Rule::VersionForInstreamId),
                    Some(id) if id.starts_with("SERVICE") => need(7, Rule::VersionForService),
                    _ => {}
                }
            }
            _ => {}
        }
        let requires =
            list.is_some_and(|list| list.iter().any(|item| item.name.starts_with("REQ-")));
        if requires {
            self.need(
                12,
                Rule::VersionForRequirement,
                tag.place(),
                tag.value.range(),
                diagnostics,
            );
        }
    }
}
