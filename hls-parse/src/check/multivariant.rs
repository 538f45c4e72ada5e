//! Checks a Multivariant Playlist.

use std::collections::{HashMap, HashSet};

use crate::attributes::AttributeList;
use crate::check::attributes;
use crate::check::media::check_key;
use crate::check::variables::VariableCheck;
use crate::check::version::VersionCheck;
use crate::diagnostic::{Diagnostics, LinePlace};
use crate::error::{Error, excerpt};
use crate::multivariant::requirements_are_known;
use crate::options::ParseOptions;
use crate::playlist::{MediaPlaylist, TagEntry};
use crate::rule::Rule;
use crate::tag::TagName;

/// Checks what was read; URI lines that no `EXT-X-STREAM-INF` claimed are the segments of `read`.
pub(crate) fn check(
    read: &MediaPlaylist,
    options: &ParseOptions,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let text: &str = &read.common.text;
    let mut version = VersionCheck::new(read.common.version, false);
    let mut variables = VariableCheck::default();
    let mut groups = GroupCheck::default();
    let mut captions = CaptionsCheck::default();
    let mut session_data = HashSet::new();
    let mut session_keys = HashSet::new();
    let mut steering = 0;
    for tag in &read.common.tags {
        let list = attributes::check(tag, text, options, diagnostics)?;
        version.tag(tag, list.as_ref(), diagnostics);
        let Some(list) = list else { continue };
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
                check_media(&list, &mut report);
                groups.member(tag, &list, diagnostics);
            }
            TagName::StreamInf => {
                if tag.uri.is_none() {
                    report(
                        Rule::StreamInf,
                        "no URI line follows, the variant is ignored",
                    );
                }
                captions.variant(tag, &list);
                groups.variant(tag, &list);
            }
            TagName::SessionData => {
                if list.has("VALUE") == list.has("URI") {
                    report(
                        Rule::SessionData,
                        "there is not exactly one of VALUE and URI",
                    );
                }
                if !session_data.insert((list.text("DATA-ID"), list.text("LANGUAGE"))) {
                    report(
                        Rule::SessionData,
                        "DATA-ID and LANGUAGE are those of another tag",
                    );
                }
            }
            TagName::SessionKey => {
                if list.text("METHOD") == Some("NONE") {
                    report(Rule::SessionKey, "METHOD is NONE");
                }
                if !session_keys.insert(tag.value.of(text)) {
                    report(Rule::SessionKey, "the tag is repeated");
                }
                check_key(tag, &list, diagnostics);
            }
            TagName::ContentSteering => {
                steering += 1;
                if steering == 2 {
                    report(
                        Rule::RepeatedContentSteering,
                        "the tag is repeated, the first one counts",
                    );
                }
            }
            _ => {}
        }
    }
    groups.finish(diagnostics);
    captions.finish(diagnostics);
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
    Ok(())
}

fn check_media(list: &AttributeList<'_>, report: &mut impl FnMut(Rule, &str)) {
    let kind = list.text("TYPE").unwrap_or_default();
    match kind {
        "SUBTITLES" if !list.has("URI") => report(Rule::MediaUri, "subtitles have no URI"),
        "CLOSED-CAPTIONS" if list.has("URI") => {
            report(Rule::MediaUri, "closed captions have a URI");
        }
        _ => {}
    }
    if kind == "CLOSED-CAPTIONS" && !list.has("INSTREAM-ID") {
        report(Rule::InstreamId, "closed captions have no INSTREAM-ID");
    }
    if kind != "SUBTITLES" && list.has("FORCED") {
        report(Rule::MediaAttributeScope, "FORCED is only for subtitles");
    }
    let audio_only = ["BIT-DEPTH", "SAMPLE-RATE", "CHANNELS"];
    if kind != "AUDIO" && audio_only.iter().any(|name| list.has(name)) {
        report(
            Rule::MediaAttributeScope,
            "BIT-DEPTH, SAMPLE-RATE and CHANNELS are only for audio",
        );
    }
    if list.is_yes("DEFAULT") && list.text("AUTOSELECT") == Some("NO") {
        report(
            Rule::DefaultAutoselect,
            "DEFAULT=YES does not go with AUTOSELECT=NO, it counts as YES",
        );
    }
}

/// Checks groups of renditions, and that the groups which variants name exist.
#[derive(Debug, Default)]
struct GroupCheck<'t> {
    names: HashSet<(&'t str, &'t str, &'t str)>,
    /// Whether a group has a default, by type and group.
    groups: HashMap<(&'t str, &'t str), bool>,
    wanted: Vec<(TagEntry, &'static str, &'t str)>,
}

impl<'t> GroupCheck<'t> {
    fn member(&mut self, tag: &TagEntry, list: &AttributeList<'t>, diagnostics: &mut Diagnostics) {
        let (Some(kind), Some(group)) = (list.text("TYPE"), list.text("GROUP-ID")) else {
            return;
        };
        let mut report = |message: &str| {
            diagnostics.report(Rule::GroupMembers, tag.place(), tag.value.range(), message);
        };
        if let Some(name) = list.text("NAME")
            && !self.names.insert((kind, group, name))
        {
            report("NAME is that of another member of the group");
        }
        let has_default = self.groups.entry((kind, group)).or_insert(false);
        if list.is_yes("DEFAULT") && std::mem::replace(has_default, true) {
            report("the group has a default already");
        }
    }

    fn variant(&mut self, tag: &TagEntry, list: &AttributeList<'t>) {
        for kind in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            let group = list
                .get(kind)
                .filter(|group| group.quoted || group.value != "NONE");
            if let Some(group) = group {
                self.wanted.push((*tag, kind, group.value));
            }
        }
    }

    fn finish(self, diagnostics: &mut Diagnostics) {
        for (tag, kind, group) in self.wanted {
            if !self.groups.contains_key(&(kind, group)) && !group.contains("{$") {
                let message = format_args!("there is no {kind} group {}", excerpt(group));
                diagnostics.report(Rule::GroupExists, tag.place(), tag.value.range(), message);
            }
        }
    }
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
