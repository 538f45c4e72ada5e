//! Checks a Multivariant Playlist.

use std::collections::HashSet;

use crate::attributes::AttributeList;
use crate::check::groups::GroupCheck;
use crate::check::keys::{check_key, remove_attribute, replace_value};
use crate::check::variables::VariableCheck;
use crate::check::version::VersionCheck;
use crate::check::{attributes, repeated};
use crate::diagnostic::{Diagnostics, Fix, LinePlace};
use crate::entry_attributes::EntryAttributes;
use crate::error::Error;
use crate::multivariant::requirements_are_known;
use crate::options::ParseOptions;
use crate::playlist::{MediaPlaylist, TagEntry};
use crate::rule::Rule;
use crate::tag::TagName;
use crate::value;

/// Checks what was read, and keeps what its resolution needs; URI lines that no `EXT-X-STREAM-INF` claimed are the segments of `read`.
pub(crate) fn check(
    read: &MediaPlaylist,
    options: &ParseOptions,
    diagnostics: &mut Diagnostics,
) -> Result<EntryAttributes, Error> {
    let text: &str = &read.common.text;
    let mut entries = EntryAttributes::with_capacity(read.common.tags.len());
    let mut version = VersionCheck::new(read.common.version, false);
    let mut variables = VariableCheck::default();
    let mut groups = GroupCheck::default();
    let mut captions = CaptionsCheck::default();
    let mut sessions = SessionCheck::default();
    let mut steering = 0;
    let mut pathways = PathwayCheck::default();
    let mut list = AttributeList::empty();
    for tag in &read.common.tags {
        let has_list = attributes::check(tag, text, options, &mut list, diagnostics)?;
        version.tag(tag, has_list.then_some(&list));
        if !has_list {
            continue;
        }
        if read.common.has_references {
            variables.uses(
                tag.value.of(text),
                tag.place(),
                tag.value.range(),
                diagnostics,
            );
            if let Some(uri) = tag.uri {
                variables.uses(uri.of(text), tag.place(), uri.range(), diagnostics);
            }
        }
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        if !requirements_are_known(&list) {
            report(
                Rule::IgnoredTag,
                "a REQ- attribute asks for what is not known, the tag is ignored",
            );
        }
        match tag.name {
            TagName::Define => variables.define(tag, &list, false, diagnostics),
            TagName::Media => {
                entries.push(&list, text);
                check_media(tag, &list, diagnostics);
                groups.member(tag, text, &list, diagnostics);
            }
            TagName::StreamInf => {
                entries.push(&list, text);
                if tag.uri.is_none() {
                    report(
                        Rule::StreamInf,
                        "no URI line follows, the variant is ignored",
                    );
                }
                check_variant(&list, &mut report);
                captions.variant(tag, &list);
                groups.variant(tag, &list);
                pathways.variant(tag, &list, diagnostics);
            }
            TagName::IFrameStreamInf => {
                entries.push(&list, text);
                check_variant(&list, &mut report);
            }
            TagName::SessionData => sessions.data(&list, &mut report),
            TagName::SessionKey => sessions.key(tag, &list, text, diagnostics),
            TagName::ContentSteering => {
                steering += 1;
                if steering == 2 {
                    repeated(Rule::RepeatedContentSteering, tag, text, diagnostics);
                } else {
                    pathways.steering = Some((*tag, list.text("PATHWAY-ID")));
                }
            }
            _ => {}
        }
    }
    groups.finish(diagnostics);
    captions.finish(diagnostics);
    pathways.finish(diagnostics);
    version.finish(&read.common, diagnostics);
    for segment in &read.segments {
        let place = LinePlace {
            number: segment.line,
            start: segment.uri.start as usize,
        };
        diagnostics.report(
            Rule::UnclaimedUri,
            place,
            segment.uri.range(),
            "the URI belongs to no variant and is ignored",
        );
    }
    entries.shrink();
    Ok(entries)
}

fn check_media(tag: &TagEntry, list: &AttributeList<'_>, diagnostics: &mut Diagnostics) {
    let mut report = |rule: Rule, message: &str, fix: Option<Fix>| {
        diagnostics.report_with(rule, tag.place(), tag.value.range(), message, || fix);
    };
    let kind = list.text("TYPE").unwrap_or_default();
    match kind {
        "SUBTITLES" if !list.has("URI") => report(Rule::MediaUri, "subtitles have no URI", None),
        "CLOSED-CAPTIONS" if list.has("URI") => report(
            Rule::MediaUri,
            "closed captions have a URI, it is ignored",
            remove_attribute(tag, list, "URI"),
        ),
        _ => {}
    }
    match list.text("INSTREAM-ID") {
        None if kind == "CLOSED-CAPTIONS" => {
            report(
                Rule::InstreamId,
                "closed captions have no INSTREAM-ID",
                None,
            );
        }
        Some(id) if !id.contains("{$") && !is_instream_id(kind, id) => {
            report(
                Rule::InstreamId,
                "the INSTREAM-ID is none of its TYPE",
                None,
            );
        }
        _ => {}
    }
    if kind != "SUBTITLES" && list.has("FORCED") {
        report(
            Rule::MediaAttributeScope,
            "FORCED is only for subtitles",
            remove_attribute(tag, list, "FORCED"),
        );
    }
    for name in ["BIT-DEPTH", "SAMPLE-RATE", "CHANNELS"] {
        if kind != "AUDIO" && list.has(name) {
            report(
                Rule::MediaAttributeScope,
                &format!("{name} is only for audio"),
                remove_attribute(tag, list, name),
            );
        }
    }
    if let (true, Some(autoselect)) = (list.is_yes("DEFAULT"), list.get("AUTOSELECT"))
        && autoselect.value == "NO"
    {
        report(
            Rule::DefaultAutoselect,
            "DEFAULT=YES does not go with AUTOSELECT=NO, it counts as YES",
            replace_value(tag, autoselect, "YES"),
        );
    }
}

fn is_instream_id(kind: &str, id: &str) -> bool {
    if kind != "CLOSED-CAPTIONS" {
        return id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    }
    let service = id
        .strip_prefix("SERVICE")
        .and_then(|number| value::decimal_integer(number.as_bytes()));
    matches!(id, "CC1" | "CC2" | "CC3" | "CC4")
        || service.is_some_and(|number| (1..=63).contains(&number))
}

fn check_variant(list: &AttributeList<'_>, report: &mut impl FnMut(Rule, &str)) {
    let layouts = list.get("REQ-VIDEO-LAYOUT").map(|layout| layout.value);
    if layouts.is_some_and(|layout| layout.split(',').any(|entry| entry.trim().is_empty())) {
        report(
            Rule::VideoLayout,
            "REQ-VIDEO-LAYOUT has an entry that is empty",
        );
    }
    let (Some(supplemental), codecs) = (
        list.text("SUPPLEMENTAL-CODECS"),
        list.text("CODECS").unwrap_or_default(),
    ) else {
        return;
    };
    if supplemental.contains("{$") || codecs.contains("{$") {
        return;
    }
    let has_base = |entry: &str| {
        let sample_entry = entry.trim().get(..4).unwrap_or_default();
        let bases = base_layers(sample_entry);
        let mut listed = codecs.split(',').map(str::trim);
        listed.any(|codec| bases.is_empty() || bases.iter().any(|base| codec.starts_with(base)))
    };
    if codecs.is_empty() || !supplemental.split(',').all(has_base) {
        report(
            Rule::SupplementalCodecs,
            "the base layer of SUPPLEMENTAL-CODECS is not in CODECS",
        );
    }
}

/// The sample entries that an enhancement may be decoded as without it; empty when it is not known.
fn base_layers(sample_entry: &str) -> &'static [&'static str] {
    match sample_entry {
        "dvh1" | "dvhe" | "lhv1" | "lhe1" => &["hvc1", "hev1"],
        "dva1" | "dvav" => &["avc1", "avc3"],
        "dav1" => &["av01"],
        _ => &[],
    }
}

/// Checks what is said about the whole presentation, once each (sections 4.4.6.4 and 4.4.6.5).
#[derive(Debug, Default)]
struct SessionCheck<'t> {
    data: HashSet<(Option<&'t str>, Option<&'t str>)>,
    keys: HashSet<&'t str>,
}

impl<'t> SessionCheck<'t> {
    fn data(&mut self, list: &AttributeList<'t>, report: &mut impl FnMut(Rule, &str)) {
        if list.has("VALUE") == list.has("URI") {
            report(
                Rule::SessionData,
                "there is not exactly one of VALUE and URI",
            );
        }
        if !self
            .data
            .insert((list.text("DATA-ID"), list.text("LANGUAGE")))
        {
            report(
                Rule::SessionData,
                "DATA-ID and LANGUAGE are those of another tag",
            );
        }
    }

    fn key(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        text: &'t str,
        diagnostics: &mut Diagnostics,
    ) {
        if list.text("METHOD") == Some("NONE") {
            diagnostics.report(
                Rule::SessionKey,
                tag.place(),
                tag.value.range(),
                "METHOD is NONE",
            );
        }
        if !self.keys.insert(tag.value.of(text)) {
            repeated(Rule::SessionKey, tag, text, diagnostics);
        }
        check_key(tag, list, diagnostics);
    }
}

/// Checks that steering begins on a pathway that there is.
#[derive(Debug, Default)]
struct PathwayCheck<'t> {
    known: HashSet<&'t str>,
    /// The one before, which most often is that of the next variant too.
    last: Option<&'t str>,
    steering: Option<(TagEntry, Option<&'t str>)>,
}

impl<'t> PathwayCheck<'t> {
    fn variant(&mut self, tag: &TagEntry, list: &AttributeList<'t>, diagnostics: &mut Diagnostics) {
        let pathway = list.text("PATHWAY-ID").unwrap_or(".");
        if self.last.replace(pathway) != Some(pathway) {
            self.known.insert(pathway);
        }
        if !is_pathway(pathway) {
            diagnostics.report(
                Rule::Steering,
                tag.place(),
                tag.value.range(),
                "PATHWAY-ID has other characters than A-Z, a-z, 0-9 and .-_",
            );
        }
    }

    fn finish(self, diagnostics: &mut Diagnostics) {
        if let Some((tag, Some(pathway))) = self.steering
            && !self.known.contains(pathway)
            && !pathway.contains("{$")
        {
            diagnostics.report(
                Rule::Steering,
                tag.place(),
                tag.value.range(),
                "no variant is on the pathway that steering begins with",
            );
        }
    }
}

fn is_pathway(pathway: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    pathway.bytes().all(legal) || pathway.contains("{$")
}

/// Checks that all variants or none say that there are no closed captions.
#[derive(Debug, Default)]
struct CaptionsCheck {
    with: Option<TagEntry>,
    without: bool,
}

impl CaptionsCheck {
    fn variant(&mut self, tag: &TagEntry, list: &AttributeList<'_>) {
        let none = list
            .get("CLOSED-CAPTIONS")
            .is_some_and(|value| !value.quoted && value.value == "NONE");
        if none {
            self.without = true;
        } else {
            self.with.get_or_insert(*tag);
        }
    }

    fn finish(self, diagnostics: &mut Diagnostics) {
        if let (Some(tag), true) = (self.with, self.without) {
            diagnostics.report(
                Rule::CaptionsNoneEverywhere,
                tag.place(),
                tag.value.range(),
                "other variants have CLOSED-CAPTIONS=NONE, this one has not",
            );
        }
    }
}
