//! Choosing renditions of the groups that a variant names.

use std::cmp::Reverse;

use super::language::distance;
use super::{
    MediaSelectionCriteria, RenditionRequest, Selection, Unmatched, UnmatchedCharacteristic,
};
use crate::variant::{Multivariant, Rendition, RenditionKind};

type Member<'a> = (usize, &'a Rendition);

/// What is wanted of one kind.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) request: &'a RenditionRequest,
    /// Decide in the place of the request.
    pub(super) criteria: Option<&'a MediaSelectionCriteria>,
}

/// What was wanted and is not there.
#[derive(Default)]
struct Missing {
    languages: Vec<String>,
    characteristics: Vec<String>,
}

impl Multivariant {
    /// Adds the renditions of one kind that go with a variant.
    pub(super) fn select_renditions(
        &self,
        kind: &RenditionKind,
        wish: Wish<'_>,
        variant: usize,
        selection: &mut Selection,
    ) {
        let group = self
            .variants
            .get(variant)
            .and_then(|variant| variant.group(kind));
        let members: Vec<Member<'_>> = self
            .renditions
            .iter()
            .enumerate()
            .filter(|(_, rendition)| rendition.kind == *kind && Some(rendition.group_id()) == group)
            .collect();
        let mut missing = Missing::default();
        let wants_none = wish.criteria.is_none() && *wish.request == RenditionRequest::None;
        let mut chosen = match (wish.criteria, wish.request) {
            (Some(criteria), _) => best(criteria, kind, &members, &mut missing)
                .into_iter()
                .collect(),
            (None, RenditionRequest::None) => Vec::new(),
            (None, RenditionRequest::All) => members.iter().map(|(index, _)| *index).collect(),
            (None, RenditionRequest::Automatic) => automatic(kind, &members).into_iter().collect(),
            (None, RenditionRequest::Languages(languages)) => {
                in_languages(languages, &members, &mut missing)
            }
        };
        selection.report(kind, missing);
        if chosen.is_empty() && *kind == RenditionKind::Audio && !wants_none {
            chosen.extend(automatic(kind, &members));
        }
        if *kind == RenditionKind::Subtitles && !wants_none {
            chosen.extend(self.forced(&members, selection));
        }
        let inside = members
            .iter()
            .filter(|(_, rendition)| rendition.url.is_none());
        chosen.extend(inside.map(|(index, _)| *index));
        selection.renditions.extend(chosen);
    }

    /// Forced subtitles go with the sound: those in a language of the audio that was chosen, and a forced default.
    fn forced(&self, members: &[Member<'_>], selection: &Selection) -> Vec<usize> {
        let spoken: Vec<&str> = selection
            .renditions
            .iter()
            .filter_map(|&index| self.renditions.get(index))
            .filter(|rendition| rendition.kind == RenditionKind::Audio)
            .filter_map(|rendition| rendition.language())
            .collect();
        let is_spoken = |rendition: &Rendition| {
            rendition
                .language()
                .is_some_and(|tag| spoken.iter().any(|spoken| distance(spoken, tag).is_some()))
        };
        members
            .iter()
            .filter(|(_, rendition)| {
                rendition.forced && (rendition.default || is_spoken(rendition))
            })
            .map(|(index, _)| *index)
            .collect()
    }
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
