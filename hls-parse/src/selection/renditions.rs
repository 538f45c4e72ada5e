//! Choosing renditions of the groups that a variant names.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::language::distance;
use super::{
    AuxiliaryRequest, MediaSelectionCriteria, RenditionRequest, Selection, SelectionOptions,
    SelectionRequest, Unmatched, UnmatchedCharacteristic,
};
use crate::variant::{Multivariant, Rendition, RenditionKind, Variant};

type Member<'a> = (usize, &'a Rendition);

/// The members of each group, so that a group is looked up once however many variants name it.
pub(super) struct Groups<'a>(HashMap<(&'a RenditionKind, &'a str), Vec<Member<'a>>>);

impl<'a> Groups<'a> {
    pub(super) fn of(multivariant: &'a Multivariant) -> Self {
        let mut groups: HashMap<_, Vec<Member<'a>>> = HashMap::new();
        for member in multivariant.renditions.iter().enumerate() {
            let group = (&member.1.kind, member.1.group_id());
            groups.entry(group).or_default().push(member);
        }
        Self(groups)
    }

    fn members(&self, kind: &'a RenditionKind, group: Option<&'a str>) -> &[Member<'a>] {
        let members = group.and_then(|group| self.0.get(&(kind, group)));
        members.map(Vec::as_slice).unwrap_or_default()
    }
}

/// What is wanted of one kind.
#[derive(Clone, Copy)]
struct Wish<'a> {
    request: &'a RenditionRequest,
    /// Decide in the place of the request.
    criteria: Option<&'a MediaSelectionCriteria>,
}

/// What is wanted of each kind that there is something to want of.
#[derive(Clone, Copy)]
pub(super) struct Wishes<'a> {
    audio: Wish<'a>,
    subtitles: Wish<'a>,
}

impl<'a> Wishes<'a> {
    pub(super) fn primary(request: &'a SelectionRequest, options: &'a SelectionOptions) -> Self {
        Self::of(request, options.audio.as_ref(), options.subtitles.as_ref())
    }

    pub(super) fn auxiliary(wanted: &'a AuxiliaryRequest) -> Self {
        let criteria = (wanted.audio.as_ref(), wanted.subtitles.as_ref());
        Self::of(&wanted.request, criteria.0, criteria.1)
    }

    fn of(
        request: &'a SelectionRequest,
        audio: Option<&'a MediaSelectionCriteria>,
        subtitles: Option<&'a MediaSelectionCriteria>,
    ) -> Self {
        Self {
            audio: Wish {
                request: &request.audio,
                criteria: audio,
            },
            subtitles: Wish {
                request: &request.subtitles,
                criteria: subtitles,
            },
        }
    }
}

/// What was wanted and is not there.
#[derive(Default)]
struct Missing {
    languages: Vec<String>,
    characteristics: Vec<String>,
}

impl Missing {
    fn len(&self) -> usize {
        self.languages.len() + self.characteristics.len()
    }

    /// Leaves what is missing here and there.
    fn intersect(&mut self, other: &Self) {
        self.languages
            .retain(|language| other.languages.contains(language));
        self.characteristics
            .retain(|wanted| other.characteristics.contains(wanted));
    }
}

impl Wish<'_> {
    fn wants_none(self) -> bool {
        self.criteria.is_none() && *self.request == RenditionRequest::None
    }

    /// The members that are wanted.
    fn choose(
        self,
        kind: &RenditionKind,
        members: &[Member<'_>],
        missing: &mut Missing,
    ) -> Vec<usize> {
        match (self.criteria, self.request) {
            (Some(criteria), _) => best(criteria, kind, members, missing).into_iter().collect(),
            (None, RenditionRequest::None) => Vec::new(),
            (None, RenditionRequest::All) => members.iter().map(|(index, _)| *index).collect(),
            (None, RenditionRequest::Automatic) => automatic(kind, members).into_iter().collect(),
            (None, RenditionRequest::Languages(languages)) => {
                in_languages(languages, members, missing)
            }
        }
    }
}

/// How much of what is wanted the groups of a variant lack; each group is looked at once.
pub(super) struct Lacking<'a> {
    groups: &'a Groups<'a>,
    wishes: Wishes<'a>,
    known: HashMap<(&'a RenditionKind, Option<&'a str>), usize>,
}

impl<'a> Lacking<'a> {
    pub(super) fn new(groups: &'a Groups<'a>, wishes: Wishes<'a>) -> Self {
        Self {
            groups,
            wishes,
            known: HashMap::new(),
        }
    }

    pub(super) fn of(&mut self, variant: &'a Variant) -> usize {
        let wishes = [
            (&RenditionKind::Audio, self.wishes.audio),
            (&RenditionKind::Subtitles, self.wishes.subtitles),
        ];
        let lacking = wishes.into_iter().map(|(kind, wish)| {
            let group = variant.group(kind);
            *self.known.entry((kind, group)).or_insert_with(|| {
                let mut missing = Missing::default();
                wish.choose(kind, self.groups.members(kind, group), &mut missing);
                missing.len()
            })
        });
        lacking.sum()
    }
}

impl Multivariant {
    /// Adds the renditions that go with some variants.
    pub(super) fn select_renditions(
        &self,
        variants: &[usize],
        wishes: Wishes<'_>,
        groups: &Groups<'_>,
        chosen: &mut BTreeSet<usize>,
        selection: &mut Selection,
    ) {
        let automatic_video = Wish {
            request: &RenditionRequest::Automatic,
            criteria: None,
        };
        for (kind, wish) in [
            (&RenditionKind::Video, automatic_video),
            (&RenditionKind::Audio, wishes.audio),
            (&RenditionKind::Subtitles, wishes.subtitles),
        ] {
            let spoken = match kind {
                RenditionKind::Subtitles => self.spoken(chosen),
                _ => HashSet::new(),
            };
            let mut seen = HashSet::new();
            let mut missing_everywhere: Option<Missing> = None;
            for variant in variants.iter().filter_map(|&at| self.variants.get(at)) {
                let group = variant.group(kind);
                if !seen.insert(group) {
                    continue;
                }
                let members = groups.members(kind, group);
                let mut missing = Missing::default();
                let mut taken = wish.choose(kind, members, &mut missing);
                match &mut missing_everywhere {
                    Some(everywhere) => everywhere.intersect(&missing),
                    None => missing_everywhere = Some(missing),
                }
                let is_silent = || !members.iter().any(|(index, _)| chosen.contains(index));
                if taken.is_empty()
                    && *kind == RenditionKind::Audio
                    && !wish.wants_none()
                    && is_silent()
                {
                    taken.extend(automatic(kind, members));
                }
                if *kind == RenditionKind::Subtitles && !wish.wants_none() {
                    taken.extend(forced(members, &spoken));
                }
                let inside = members
                    .iter()
                    .filter(|(_, rendition)| rendition.url.is_none());
                taken.extend(inside.map(|(index, _)| *index));
                chosen.extend(taken);
            }
            selection.report(kind, missing_everywhere.unwrap_or_default());
        }
    }

    /// The languages of the audio among what was chosen.
    fn spoken(&self, chosen: &BTreeSet<usize>) -> HashSet<&str> {
        chosen
            .iter()
            .filter_map(|&index| self.renditions.get(index))
            .filter(|rendition| rendition.kind == RenditionKind::Audio)
            .filter_map(|rendition| rendition.language())
            .collect()
    }
}

/// Forced subtitles go with the sound: those in a language of the audio that was chosen, and a forced default.
fn forced(members: &[Member<'_>], spoken: &HashSet<&str>) -> Vec<usize> {
    let is_spoken = |rendition: &Rendition| {
        rendition
            .language()
            .is_some_and(|tag| spoken.iter().any(|spoken| distance(spoken, tag).is_some()))
    };
    members
        .iter()
        .filter(|(_, rendition)| rendition.forced && (rendition.default || is_spoken(rendition)))
        .map(|(index, _)| *index)
        .collect()
}

impl Selection {
    /// Notes what is missing, once.
    fn report(&mut self, kind: &RenditionKind, missing: Missing) {
        for language in missing.languages {
            let kind = kind.clone();
            let entry = Unmatched { kind, language };
            if !self.unmatched.contains(&entry) {
                self.unmatched.push(entry);
            }
        }
        for characteristic in missing.characteristics {
            let kind = kind.clone();
            let entry = UnmatchedCharacteristic {
                kind,
                characteristic,
            };
            if !self.unmatched_characteristics.contains(&entry) {
                self.unmatched_characteristics.push(entry);
            }
        }
    }
}

/// The default member, else the first that may be chosen without the user; of audio else the first. Forced subtitles are not for choosing.
fn automatic(kind: &RenditionKind, members: &[Member<'_>]) -> Option<usize> {
    let first = |wanted: fn(&Rendition) -> bool| {
        members
            .iter()
            .find(|(_, rendition)| !rendition.forced && wanted(rendition))
    };
    first(|rendition| rendition.default)
        .or_else(|| first(|rendition| rendition.autoselect))
        .or_else(|| members.first().filter(|_| *kind == RenditionKind::Audio))
        .map(|(index, _)| *index)
}

/// For each language the members in it, else those in what is closest to it.
fn in_languages(languages: &[String], members: &[Member<'_>], missing: &mut Missing) -> Vec<usize> {
    let mut chosen = Vec::new();
    for language in languages {
        let found: Vec<(usize, usize)> = members
            .iter()
            .filter_map(|(index, rendition)| {
                // What the range covers counts the same, whether it says more or not.
                let steps = distance(language, rendition.language()?)? / 2;
                Some((steps, *index))
            })
            .collect();
        let Some(least) = found.iter().map(|(steps, _)| *steps).min() else {
            missing.languages.push(language.clone());
            continue;
        };
        let closest = found.into_iter().filter(|(steps, _)| *steps == least);
        chosen.extend(closest.map(|(_, index)| index));
    }
    chosen
}

/// The member that fits best, if any does.
fn best(
    criteria: &MediaSelectionCriteria,
    kind: &RenditionKind,
    members: &[Member<'_>],
    missing: &mut Missing,
) -> Option<usize> {
    let has = |rendition: &Rendition, wanted: &String| {
        rendition.characteristic_list().any(|own| own == wanted)
    };
    let fitting: Vec<&Member<'_>> = members
        .iter()
        .filter(|(_, rendition)| !rendition.forced)
        .filter(|(_, rendition)| {
            let mut required = criteria.required_characteristics.iter();
            required.all(|wanted| has(rendition, wanted))
        })
        .filter(|(_, rendition)| {
            let too_many = criteria
                .max_channels
                .zip(rendition.channel_count())
                .is_some_and(|(most, count)| count > most);
            !too_many
        })
        .collect();
    if fitting.is_empty() {
        let required = criteria.required_characteristics.iter();
        missing.characteristics.extend(required.cloned());
    }
    let languages = |rendition: &Rendition| {
        let tag = rendition.language()?;
        let ranges = criteria.languages.iter().enumerate();
        ranges
            .filter_map(|(index, range)| Some((index, distance(range, tag)?)))
            .min()
    };
    let none_in_language = fitting
        .iter()
        .all(|(_, rendition)| languages(rendition).is_none());
    if none_in_language {
        missing.languages.extend(criteria.languages.iter().cloned());
        // Sound in another language is better than none; text in another language is not.
        if !criteria.languages.is_empty() && *kind != RenditionKind::Audio {
            return None;
        }
    }
    let rank = |rendition: &Rendition| {
        let preferred = criteria.preferred_characteristics.iter();
        let lacks: Vec<bool> = preferred.map(|wanted| !has(rendition, wanted)).collect();
        let asked = |own: &str| {
            let required = criteria.required_characteristics.iter();
            required
                .chain(&criteria.preferred_characteristics)
                .any(|wanted| wanted == own)
        };
        let aids = rendition
            .characteristic_list()
            .filter(|own| own.starts_with("public.accessibility.") && !asked(own))
            .count();
        let language = languages(rendition).unwrap_or((criteria.languages.len(), 0));
        let channels = criteria.max_channels.and(rendition.channel_count());
        (
            language,
            lacks,
            aids,
            Reverse(channels),
            !rendition.default,
            !rendition.autoselect,
        )
    };
    fitting
        .into_iter()
        .min_by_key(|(_, rendition)| rank(rendition))
        .map(|(index, _)| *index)
}
