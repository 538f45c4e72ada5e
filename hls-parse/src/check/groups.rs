//! Checks groups of renditions, and that the groups which variants name exist (sections 4.4.6.1 and 4.4.6.2).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::attributes::AttributeList;
use crate::diagnostic::Diagnostics;
use crate::error::excerpt;
use crate::playlist::TagEntry;
use crate::rule::Rule;

/// Attributes in which the members of groups with the same content may differ.
const MAY_DIFFER: [&str; 8] = [
    "URI",
    "GROUP-ID",
    "CHANNELS",
    "BIT-DEPTH",
    "STABLE-RENDITION-ID",
    "INSTREAM-ID",
    "SAMPLE-RATE",
    "PATHWAY-ID",
];

/// More formats than any group has; each is looked at for every member.
const MOST_CODECS: usize = 16;

/// Collects renditions and the variants that name their groups.
#[derive(Debug, Default)]
pub(crate) struct GroupCheck<'t> {
    groups: HashMap<(&'t str, &'t str), Group<'t>>,
    /// The groups by type, in the order of their first members.
    by_type: BTreeMap<&'t str, Vec<&'t str>>,
    wanted: Vec<Wanted<'t>>,
}

#[derive(Debug)]
struct Group<'t> {
    first: TagEntry,
    has_default: bool,
    /// The places in `members`, by NAME.
    names: HashMap<&'t str, usize>,
    members: Vec<Member<'t>>,
    pathways: BTreeSet<&'t str>,
    /// The audio formats of the variants that name the group.
    codecs: HashSet<&'t str>,
}

#[derive(Debug)]
struct Member<'t> {
    tag: TagEntry,
    name: &'t str,
    has_channels: bool,
    /// The attributes that have to be the same in every group, by name.
    attributes: Vec<(&'t str, &'t str)>,
}

#[derive(Debug)]
struct Wanted<'t> {
    tag: TagEntry,
    kind: &'static str,
    group: &'t str,
    pathway: &'t str,
    codecs: &'t str,
}

impl<'t> GroupCheck<'t> {
    pub(crate) fn member(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        diagnostics: &mut Diagnostics,
    ) {
        let (Some(kind), Some(id)) = (list.text("TYPE"), list.text("GROUP-ID")) else {
            return;
        };
        let mut report = |message: &str| {
            diagnostics.report(Rule::GroupMembers, tag.place(), tag.value.range(), message);
        };
        let group = self.groups.entry((kind, id)).or_insert_with(|| {
            self.by_type.entry(kind).or_default().push(id);
            Group {
                first: *tag,
                has_default: false,
                names: HashMap::new(),
                members: Vec::new(),
                pathways: BTreeSet::new(),
                codecs: HashSet::new(),
            }
        });
        if list.is_yes("DEFAULT") && std::mem::replace(&mut group.has_default, true) {
            report("the group has a default already");
        }
        let Some(name) = list.text("NAME") else {
            return;
        };
        if group.names.contains_key(name) {
            report("NAME is that of another member of the group");
            return;
        }
        group.names.insert(name, group.members.len());
        let mut attributes: Vec<_> = list
            .iter()
            .filter(|attribute| !MAY_DIFFER.contains(&attribute.name))
            .map(|attribute| (attribute.name, attribute.value))
            .collect();
        attributes.sort_unstable();
        group.members.push(Member {
            tag: *tag,
            name,
            has_channels: list.has("CHANNELS"),
            attributes,
        });
    }

    pub(crate) fn variant(&mut self, tag: &TagEntry, list: &AttributeList<'t>) {
        for kind in ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"] {
            let group = list
                .get(kind)
                .filter(|group| group.quoted || group.value != "NONE");
            if let Some(group) = group {
                self.wanted.push(Wanted {
                    tag: *tag,
                    kind,
                    group: group.value,
                    pathway: list.text("PATHWAY-ID").unwrap_or("."),
                    codecs: list.text("CODECS").unwrap_or_default(),
                });
            }
        }
    }

    pub(crate) fn finish(mut self, diagnostics: &mut Diagnostics) {
        for wanted in std::mem::take(&mut self.wanted) {
            if let Some(group) = self.groups.get_mut(&(wanted.kind, wanted.group)) {
                group.pathways.insert(wanted.pathway);
                let codecs = wanted.codecs.split(',').map(str::trim);
                let room = MOST_CODECS.saturating_sub(group.codecs.len());
                group
                    .codecs
                    .extend(codecs.filter(|codec| is_audio(codec)).take(room));
            } else if !wanted.group.contains("{$") {
                let message = format_args!(
                    "there is no {} group {}",
                    wanted.kind,
                    excerpt(wanted.group)
                );
                let tag = wanted.tag;
                diagnostics.report(Rule::GroupExists, tag.place(), tag.value.range(), message);
            }
        }
        for (kind, ids) in &self.by_type {
            let groups: Vec<&Group<'_>> = ids
                .iter()
                .filter_map(|id| self.groups.get(&(*kind, *id)))
                .collect();
            check_alike(&groups, diagnostics);
            if *kind == "AUDIO" {
                check_channels(&groups, diagnostics);
            }
        }
    }
}

/// Groups of a type have the same members. Each is compared with the first one of its pathway: between pathways names may differ.
fn check_alike(groups: &[&Group<'_>], diagnostics: &mut Diagnostics) {
    let mut models: HashMap<Option<&str>, &Group<'_>> = HashMap::new();
    for group in groups {
        let mut pathways: Vec<Option<&str>> = group.pathways.iter().copied().map(Some).collect();
        if pathways.is_empty() {
            pathways.push(None);
        }
        let model = pathways.iter().find_map(|pathway| models.get(pathway));
        if let Some((tag, message)) = model.and_then(|model| difference(group, model)) {
            diagnostics.report(Rule::GroupsAlike, tag.place(), tag.value.range(), message);
        }
        for pathway in pathways {
            models.entry(pathway).or_insert(group);
        }
    }
}

fn difference(group: &Group<'_>, model: &Group<'_>) -> Option<(TagEntry, &'static str)> {
    let odd = group.members.iter().find_map(|member| {
        let other = model.names.get(member.name);
        match other.and_then(|at| model.members.get(*at)) {
            None => Some((
                member.tag,
                "another group of the type has no member of this NAME",
            )),
            Some(other) if other.attributes != member.attributes => Some((
                member.tag,
                "the member of this NAME in another group of the type has other attributes",
            )),
            Some(_) => None,
        }
    });
    let lacks = group.names.len() < model.names.len();
    odd.or_else(|| lacks.then_some((group.first, "another group of the type has more members")))
}

/// Renditions of the same name and format that differ in channels say how many they have; it shows when only some of them do.
fn check_channels(groups: &[&Group<'_>], diagnostics: &mut Diagnostics) {
    let mut with_channels = HashSet::new();
    let each = || {
        groups.iter().flat_map(|group| {
            let codecs = group.codecs.iter();
            codecs.flat_map(|codec| group.members.iter().map(move |member| (*codec, member)))
        })
    };
    for (codec, member) in each().filter(|(_, member)| member.has_channels) {
        with_channels.insert((codec, member.name));
    }
    let mut reported = HashSet::new();
    for (codec, member) in each() {
        if !member.has_channels
            && with_channels.contains(&(codec, member.name))
            && reported.insert(member.tag.line)
        {
            diagnostics.report(
                Rule::ChannelsPresent,
                member.tag.place(),
                member.tag.value.range(),
                "CHANNELS is missing, while audio of the same NAME and format has it",
            );
        }
    }
}

fn is_audio(codec: &str) -> bool {
    let formats = [
        "mp4a", "ac-3", "ec-3", "ac-4", "opus", "Opus", "fLaC", "flac", "alac", "apac", "iamf",
    ];
    formats.iter().any(|format| codec.starts_with(format))
}
