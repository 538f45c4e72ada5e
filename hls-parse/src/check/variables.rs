//! Checks definitions, and that references come after them.

use std::collections::HashSet;
use std::ops::Range;

use crate::attributes::AttributeList;
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::error::excerpt;
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::variables::{is_name, references};

/// The names that are defined so far.
#[derive(Debug, Default)]
pub(crate) struct VariableCheck<'t> {
    defined: HashSet<&'t str>,
}

impl<'t> VariableCheck<'t> {
    /// Looks at an `EXT-X-DEFINE`.
    pub(crate) fn define(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        is_media: bool,
        diagnostics: &mut Diagnostics,
    ) {
        if list.has_requirement() {
            return;
        }
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        let sources = ["NAME", "IMPORT", "QUERYPARAM"].map(|source| list.text(source));
        let mut names = sources.iter().flatten();
        let Some(name) = names.next() else {
            report(
                Rule::DefineOneSource,
                "there is none of NAME, IMPORT and QUERYPARAM, the tag defines nothing",
            );
            return;
        };
        if names.next().is_some() {
            report(
                Rule::DefineOneSource,
                "there is more than one of NAME, IMPORT and QUERYPARAM, the first of them in this order counts",
            );
        }
        if list.has("NAME") && !list.has("VALUE") {
            report(Rule::DefineValue, "VALUE is missing and counts as empty");
        }
        if list.has("IMPORT") && !is_media {
            report(
                Rule::ImportInMultivariant,
                "a Multivariant Playlist has nothing to import from",
            );
        }
        if !is_name(name) {
            report(
                Rule::DefineName,
                "the name has other characters than A-Z, a-z, 0-9, _ and -",
            );
        }
        if !self.defined.insert(name) {
            report(
                Rule::DuplicateVariable,
                "the variable is defined again, the first definition counts",
            );
        }
    }

    /// Looks at a text that may hold references.
    pub(crate) fn uses(
        &self,
        text: &str,
        place: LinePlace,
        span: Range<usize>,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(name) = references(text).find(|name| !self.defined.contains(name)) {
            let message = format_args!(
                "the variable {} is not defined before it is used, so that the playlist cannot be resolved",
                excerpt(name)
            );
            diagnostics.report(Rule::UndefinedVariable, place, span, message);
        }
    }
}
