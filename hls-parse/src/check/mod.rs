//! What is checked once a playlist has been read.

pub(crate) mod attributes;
pub(crate) mod date_range;
pub(crate) mod delivery;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod low_latency;
pub(crate) mod media;
pub(crate) mod multivariant;
pub(crate) mod presentation;
pub(crate) mod schema;
pub(crate) mod text;
pub(crate) mod update;
pub(crate) mod variables;
pub(crate) mod version;

use std::ops::Range;

use crate::diagnostic::{Diagnostics, Fix, LinePlace};
use crate::playlist::{Common, TagEntry};
use crate::rule::Rule;
use crate::tag::{TagClass, TagName};

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

/// How many diagnostics are kept by checks that look at more than one text.
pub(crate) const MAX_FINDINGS: usize = 1000;

/// The start of a playlist, for what is nowhere in particular.
pub(crate) fn top() -> (LinePlace, Range<usize>) {
    let place = LinePlace {
        number: 1,
        start: 0,
    };
    (place, 0..0)
}

/// The place of the first tag of a name, else the start of the playlist.
pub(crate) fn place_of(common: &Common, name: TagName) -> (LinePlace, Range<usize>) {
    let tag = common.tags.iter().find(|tag| tag.name == name);
    tag.map_or_else(top, |tag| (tag.place(), tag.value.range()))
}

/// Gives a header tag another number, or puts the tag after the first line.
pub(crate) fn set_tag(common: &Common, name: TagName, written: &str, number: u64) -> Option<Fix> {
    let text = &common.text;
    if let Some(tag) = common.tags.iter().find(|tag| tag.name == name) {
        let before = text.get(..tag.value.start as usize)?;
        let fix = || Fix::new(tag.value.range(), number.to_string());
        return before.ends_with(':').then(fix);
    }
    let first_line = text.find('\n')? + 1;
    let starts = text.trim_start_matches('\u{feff}').starts_with("#EXTM3U");
    starts.then(|| Fix::new(first_line..first_line, format!("#{written}:{number}\n")))
}
