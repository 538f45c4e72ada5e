//! Checks groups of renditions, and that the groups which variants name exist (sections 4.4.6.1 and 4.4.6.2).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::attribute_name::AttributeName;
use crate::attributes::{AttributeList, attributes};
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
    groups: Vec<Group<'t>>,
    /// The places in `groups`, by type and GROUP-ID.
    places: HashMap<(&'t str, &'t str), usize>,
    /// The place of the group that the rendition before is in: the next one most often is in it too.
    last: usize,
    uses: Vec<Use<'t>>,
    /// The places in `uses` of what the variant before said, by type.
    last_uses: [Option<usize>; GROUP_TYPES.len()],
    wanted: Vec<Wanted<'t>>,
}

/// The attributes of variants that name groups of that type.
const GROUP_TYPES: [AttributeName; 4] = [
    AttributeName::Audio,
    AttributeName::Video,
    AttributeName::Subtitles,
    AttributeName::ClosedCaptions,
];

#[derive(Debug)]
struct Group<'t> {
    kind: &'t str,
    id: &'t str,
    first: &'t TagEntry,
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
    tag: &'t TagEntry,
    name: &'t str,
    has_channels: bool,
    /// The attribute list.
    list: &'t str,
}

/// What variants say of a group; neighbours say the same most often.
#[derive(Debug)]
struct Use<'t> {
    kind: &'static str,
    group: &'t str,
    pathway: &'t str,
    codecs: &'t str,
}

impl Use<'_> {
    /// Whether another one of the same type says the same.
    fn says(&self, other: &Self) -> bool {
        self.group == other.group && self.codecs == other.codecs && self.pathway == other.pathway
    }
}

/// A variant that names a group.
#[derive(Debug)]
struct Wanted<'t> {
    tag: &'t TagEntry,
    /// The place in `uses`.
    place: usize,
}

impl<'t> GroupCheck<'t> {
    pub(crate) fn member(
        &mut self,
        tag: &'t TagEntry,
        text: &'t str,
        list: &AttributeList<'t>,
        diagnostics: &mut Diagnostics,
    ) {
        let (Some(kind), Some(id)) = (list.text("TYPE"), list.text("GROUP-ID")) else {
            return;
        };
        let mut report = |message: &str| {
            diagnostics.report(Rule::GroupMembers, tag.place(), tag.value.range(), message);
        };
        let before = self.groups.get(self.last);
        if before.is_none_or(|group| (group.kind, group.id) != (kind, id)) {
            let next = self.groups.len();
            self.last = *self.places.entry((kind, id)).or_insert(next);
            if self.last == next {
                self.groups.push(Group {
                    kind,
                    id,
                    first: tag,
                    has_default: false,
                    names: HashMap::new(),
                    members: Vec::new(),
                    pathways: BTreeSet::new(),
                    codecs: HashSet::new(),
                });
            }
        }
        let Some(group) = self.groups.get_mut(self.last) else {
            return;
        };
        if list.is_yes("DEFAULT") && std::mem::replace(&mut group.has_default, true) {
            report("the group has a default already");
        }
        let Some(name) = list.text("NAME") else {
            return;
        };
        match group.names.entry(name) {
            Entry::Occupied(_) => {
                report("NAME is that of another member of the group");
                return;
            }
            Entry::Vacant(entry) => {
                entry.insert(group.members.len());
            }
        }
        group.members.push(Member {
            tag,
            name,
            has_channels: list.has("CHANNELS"),
            list: tag.value.of(text),
        });
    }

    pub(crate) fn variant(&mut self, tag: &'t TagEntry, list: &AttributeList<'t>) {
        for (kind, last) in GROUP_TYPES.into_iter().zip(&mut self.last_uses) {
            let group = list
                .get_known(kind)
                .filter(|group| group.quoted || group.value != "NONE");
            if let Some(group) = group {
                let this = Use {
                    kind: kind.as_str(),
                    group: group.value,
                    pathway: list.text("PATHWAY-ID").unwrap_or("."),
                    codecs: list.text("CODECS").unwrap_or_default(),
                };
                let said = |at: &usize| self.uses.get(*at).is_some_and(|before| before.says(&this));
                let same = last.filter(said);
                let place = same.unwrap_or(self.uses.len());
                if same.is_none() {
                    self.uses.push(this);
                    *last = Some(place);
                }
                self.wanted.push(Wanted { tag, place });
            }
        }
    }

    pub(crate) fn finish(mut self, diagnostics: &mut Diagnostics) {
        let mut missing = Vec::with_capacity(self.uses.len());
        for this in &self.uses {
            let place = self.places.get(&(this.kind, this.group));
            let group = place.and_then(|place| self.groups.get_mut(*place));
            missing.push(group.is_none() && !this.group.contains("{$"));
            if let Some(group) = group {
                group.pathways.insert(this.pathway);
                let codecs = this.codecs.split(',').map(str::trim);
                let room = MOST_CODECS.saturating_sub(group.codecs.len());
                group
                    .codecs
                    .extend(codecs.filter(|codec| is_audio(codec)).take(room));
            }
        }
        for Wanted { tag, place } in &self.wanted {
            if let (Some(true), Some(this)) = (missing.get(*place), self.uses.get(*place)) {
                let message =
                    format_args!("there is no {} group {}", this.kind, excerpt(this.group));
                diagnostics.report(Rule::GroupExists, tag.place(), tag.value.range(), message);
            }
        }
        // The groups of each type are in the order of their first members.
        let mut by_type: BTreeMap<&str, Vec<&Group<'_>>> = BTreeMap::new();
        for group in &self.groups {
            by_type.entry(group.kind).or_default().push(group);
        }
        for (kind, groups) in by_type {
            check_alike(&groups, diagnostics);
            if kind == "AUDIO" {
                check_channels(&groups, diagnostics);
            }
        }
    }
}

impl<'t> Member<'t> {
    /// The attributes that have to be the same in every group, by name.
    fn fixed_attributes(&self) -> Vec<(&'t str, &'t str)> {
        let mut fixed: Vec<_> = attributes(self.list)
            .filter(|attribute| !MAY_DIFFER.contains(&attribute.name))
            .map(|attribute| (attribute.name, attribute.value))
            .collect();
        fixed.sort_unstable();
        fixed
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

fn difference<'t>(group: &Group<'t>, model: &Group<'_>) -> Option<(&'t TagEntry, &'static str)> {
    let odd = group.members.iter().find_map(|member| {
        let other = model.names.get(member.name);
        match other.and_then(|at| model.members.get(*at)) {
            None => Some((
                member.tag,
                "another group of the type has no member of this NAME",
            )),
            Some(other) if other.fixed_attributes() != member.fixed_attributes() => Some((
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
    let mut members = groups.iter().flat_map(|group| &group.members);
    if members.all(|member| member.has_channels) {
        return;
    }
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
