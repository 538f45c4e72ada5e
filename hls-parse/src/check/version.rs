//! Whether `EXT-X-VERSION` is high enough for what is used (section 8).

use std::ops::Range;

use crate::attributes::AttributeList;
use crate::check::set_tag;
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::playlist::{Common, TagEntry};
use crate::rule::Rule;
use crate::tag::TagName;

/// Finds the first use of each feature that the version does not allow.
#[derive(Debug)]
pub(crate) struct VersionCheck {
    declared: u64,
    i_frames_only: bool,
    needs: Vec<Need>,
}

#[derive(Debug)]
struct Need {
    version: u64,
    rule: Rule,
    place: LinePlace,
    span: Range<usize>,
}

impl VersionCheck {
    pub(crate) fn new(declared: Option<u64>, i_frames_only: bool) -> Self {
        Self {
            declared: declared.unwrap_or(1),
            i_frames_only,
            needs: Vec::new(),
        }
    }

    pub(crate) fn need(&mut self, version: u64, rule: Rule, place: LinePlace, span: Range<usize>) {
        if self.declared >= version || self.needs.iter().any(|need| need.rule == rule) {
            return;
        }
        self.needs.push(Need {
            version,
            rule,
            place,
            span,
        });
    }

    /// Reports what was found; the way to put it right is the version that all of it needs.
    pub(crate) fn finish(self, common: &Common, diagnostics: &mut Diagnostics) {
        let highest = self.needs.iter().map(|need| need.version).max();
        let highest = highest.unwrap_or(self.declared);
        for need in self.needs {
            let message = format_args!(
                "{}, the playlist declares {}",
                need.rule.summary(),
                self.declared
            );
            diagnostics.report_with(need.rule, need.place, need.span, message, || {
                set_tag(common, TagName::Version, "EXT-X-VERSION", highest)
            });
        }
    }

    /// Looks at one tag with its attributes.
    pub(crate) fn tag(&mut self, tag: &TagEntry, list: Option<&AttributeList<'_>>) {
        let i_frames_only = self.i_frames_only;
        let mut need = |version, rule| self.need(version, rule, tag.place(), tag.value.range());
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
                if !i_frames_only {
                    need(6, Rule::VersionForMap);
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
        if list.is_some_and(AttributeList::has_requirement) {
            need(12, Rule::VersionForRequirement);
        }
    }
}
