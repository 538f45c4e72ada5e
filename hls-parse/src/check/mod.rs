//! What is checked once a playlist has been read.

pub(crate) mod attributes;
pub(crate) mod date_range;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod low_latency;
pub(crate) mod media;
pub(crate) mod multivariant;
pub(crate) mod schema;
pub(crate) mod text;
pub(crate) mod variables;
pub(crate) mod version;

use crate::diagnostic::{Diagnostics, Fix};
use crate::playlist::{Common, TagEntry};
use crate::rule::Rule;
use crate::tag::TagClass;

/// Reports the first tag of the kind that lost.
pub(crate) fn mixed_kinds(common: &Common, is_media: bool, diagnostics: &mut Diagnostics) {
    let (other, message) = if is_media {
        (
            TagClass::Multivariant,
            "a tag of a Multivariant Playlist is in a Media Playlist and is ignored",
        )
    } else {
        (
            TagClass::Media,
            "a tag of a Media Playlist is in a Multivariant Playlist and is ignored",
        )
    };
    if let Some(tag) = common.tags.iter().find(|tag| tag.name.class() == other) {
        diagnostics.report(Rule::MixedKinds, tag.place(), tag.value.range(), message);
    }
}

/// Reports a tag that is there again.
pub(crate) fn repeated(rule: Rule, tag: &TagEntry, text: &str, diagnostics: &mut Diagnostics) {
    diagnostics.report_with(
        rule,
        tag.place(),
        tag.value.range(),
        "the tag is repeated, the first one counts",
        || Fix::delete_line(text, tag.place().start),
    );
}
