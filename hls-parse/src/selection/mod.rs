//! Choosing variants and renditions.

mod language;
mod renditions;
mod request;

use std::collections::{BTreeSet, HashSet};

use url::Url;

pub use language::language_covers;
pub use request::{
    AuxiliaryRequest, MediaSelectionCriteria, RenditionRequest, SelectionOptions, SelectionRequest,
};

use self::renditions::{Groups, Lacking, Wishes};
use crate::error::{Error, ErrorKind, excerpt};
use crate::qualifier::Qualifier;
use crate::variant::{Multivariant, RenditionKind, Variant};

/// What was chosen, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Selection {
    /// The chosen entries of [`Multivariant::variants`], each once: the primary one first, those of [`SelectionOptions::auxiliary`] last.
    pub variants: Vec<usize>,
    /// The chosen entries of [`Multivariant::i_frame_variants`].
    pub i_frame_variants: Vec<usize>,
    /// The chosen entries of [`Multivariant::renditions`], in order; those without URL are inside the variants and need no loading.
    pub renditions: Vec<usize>,
    /// The qualifier that decided, by index; `None` when the choice was automatic.
    pub qualifier: Option<usize>,
    /// For each entry of [`SelectionOptions::auxiliary`] its variant; `None` where there is nothing of the kind.
    pub auxiliary: Vec<Option<usize>>,
    /// The pathway that the choice was restricted to.
    pub pathway: Option<String>,
    /// The languages that were wanted and are not there.
    pub unmatched: Vec<Unmatched>,
    /// The characteristics that were required and that nothing has.
    pub unmatched_characteristics: Vec<UnmatchedCharacteristic>,
}

/// A language that was wanted and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Unmatched {
    /// Of which kind a rendition was wanted.
    pub kind: RenditionKind,
    /// The language tag, as wanted.
    pub language: String,
}

/// A characteristic that was required when no rendition has all that were.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UnmatchedCharacteristic {
    /// Of which kind a rendition was wanted.
    pub kind: RenditionKind,
    /// The characteristic.
    pub characteristic: String,
}

/// A Media Playlist that a [`Selection`] needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SelectedPlaylist {
    /// Where it is.
    pub url: Url,
    /// Everything it is needed for.
    pub users: Vec<PlaylistUser>,
}

/// What a [`SelectedPlaylist`] is for, by index in the [`Multivariant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PlaylistUser {
    /// An entry of [`Multivariant::variants`].
    Variant(usize),
    /// An entry of [`Multivariant::i_frame_variants`].
    IFrameVariant(usize),
    /// An entry of [`Multivariant::renditions`].
    Rendition(usize),
}

impl Multivariant {
    /// Chooses a variant, and renditions of the groups they name.
    ///
    /// The variant: the first qualifier that matches any decides which ones may be chosen; without one, all may. Of those, the highest `BANDWIDTH`, then the
    /// highest resolution, then the first. With content steering only the variants of one pathway may be chosen. Audio and subtitles: as the
    /// [`RenditionRequest`]s say; automatic video. A language matches by RFC 4647 lookup: `en` takes `en` and `en-GB`, and `en-GB` takes `en` when there is
    /// nothing closer. When no wanted audio is there, audio is chosen automatically. Renditions inside the variant come with it and are always part of the
    /// answer. Forced subtitles come with the audio in their language, unless no subtitles are wanted.
    ///
    /// # Errors
    /// [`ErrorKind::NoVariant`] when there is no variant, or none on the wanted pathway.
    pub fn select(&self, request: &SelectionRequest) -> Result<Selection, Error> {
        self.select_with(request, &SelectionOptions::default())
    }

    /// Chooses as [`Multivariant::select`] does, and what the options ask for beside.
    ///
    /// # Errors
    /// [`ErrorKind::NoVariant`] when there is no variant, or none on the wanted pathway.
    pub fn select_with(
        &self,
        request: &SelectionRequest,
        options: &SelectionOptions,
    ) -> Result<Selection, Error> {
        let pathway = self.wanted_pathway(options.pathway.as_deref())?;
        let allowed: Vec<usize> = (0..self.variants.len())
            .filter(|&index| {
                let variant = self.variants.get(index);
                pathway.is_none_or(|wanted| variant.map(Variant::pathway) == Some(wanted))
            })
            .collect();
        let matched = self.first_match(&request.variants, &allowed);
        let qualifier = matched.as_ref().map(|(index, _)| *index);
        let candidates = matched.map_or_else(|| allowed.clone(), |(_, matches)| matches);
        let Some(primary) = self.best_variant(&candidates) else {
            let message = "the playlist has no variant to choose";
            return Err(Error::new(ErrorKind::NoVariant, message));
        };
        let mut selection = Selection {
            variants: vec![primary],
            qualifier,
            pathway: pathway.map(str::to_owned),
            ..Selection::default()
        };
        if options.every_match {
            let others = candidates.into_iter().filter(|&index| index != primary);
            let all = std::iter::once(primary).chain(others);
            selection.variants = self.without_redundant(all);
        }
        let groups = Groups::of(self);
        let mut renditions = BTreeSet::new();
        let variants = selection.variants.clone();
        let wishes = Wishes::primary(request, options);
        self.select_renditions(&variants, wishes, &groups, &mut renditions, &mut selection);
        for wanted in &options.auxiliary {
            let wishes = Wishes::auxiliary(wanted);
            let lacking = Lacking::new(&groups, wishes);
            let variant = self.auxiliary_variant(wanted, &allowed, &selection.variants, lacking);
            if let Some(variant) = variant {
                if !selection.variants.contains(&variant) {
                    selection.variants.push(variant);
                }
                self.select_renditions(
                    &[variant],
                    wishes,
                    &groups,
                    &mut renditions,
                    &mut selection,
                );
            }
            selection.auxiliary.push(variant);
        }
        if options.i_frames {
            let chosen = self.i_frame_variant(primary, pathway);
            selection.i_frame_variants.extend(chosen);
        }
        selection.renditions = renditions.into_iter().collect();
        Ok(selection)
    }

    /// The Media Playlists that a selection needs, each URL once, variants first. Entries that do not exist are passed over.
    ///
    /// What each of them needs in turn is told by [`Timeline::resources`](crate::Timeline::resources), for all together by
    /// [`selection_resources`](crate::selection_resources).
    pub fn media_playlists(&self, selection: &Selection) -> Vec<SelectedPlaylist> {
        let variants = selection.variants.iter().filter_map(|&index| {
            Some((
                &*self.variants.get(index)?.url,
                PlaylistUser::Variant(index),
            ))
        });
        let i_frames = selection.i_frame_variants.iter().filter_map(|&index| {
            let variant = self.i_frame_variants.get(index)?;
            Some((&*variant.url, PlaylistUser::IFrameVariant(index)))
        });
        let renditions = selection.renditions.iter().filter_map(|&index| {
            let url = self.renditions.get(index)?.url.as_deref()?;
            Some((url, PlaylistUser::Rendition(index)))
        });
        let mut playlists: Vec<SelectedPlaylist> = Vec::new();
        let mut numbers = std::collections::HashMap::new();
        for (url, user) in variants.chain(renditions).chain(i_frames) {
            let number = *numbers.entry(url).or_insert(playlists.len());
            match playlists.get_mut(number) {
                Some(playlist) => playlist.users.push(user),
                None => playlists.push(SelectedPlaylist {
                    url: url.clone(),
                    users: vec![user],
                }),
            }
        }
        playlists
    }

    /// The pathway that the choice is restricted to, if it is.
    fn wanted_pathway<'a>(&'a self, wanted: Option<&'a str>) -> Result<Option<&'a str>, Error> {
        let pathways = self.pathways();
        if let Some(wanted) = wanted {
            if pathways.contains(&wanted) {
                return Ok(Some(wanted));
            }
            let message = format!(
                "no variant is on the pathway \"{}\", there are {}",
                excerpt(wanted),
                excerpt(&pathways.join(", "))
            );
            return Err(Error::new(ErrorKind::NoVariant, message));
        }
        let Some(steering) = &self.content_steering else {
            return Ok(None);
        };
        let first = steering.pathway_id.as_deref();
        Ok(first
            .filter(|first| pathways.contains(first))
            .or_else(|| pathways.first().copied()))
    }

    /// The first qualifier that matches an allowed variant, and the variants it matches.
    fn first_match(
        &self,
        qualifiers: &[Qualifier],
        allowed: &[usize],
    ) -> Option<(usize, Vec<usize>)> {
        let mut matches = qualifiers
            .iter()
            .enumerate()
            .map(|(index, qualifier)| (index, qualifier.matches(self, allowed)));
        matches.find(|(_, matches)| !matches.is_empty())
    }

    /// The variant that is best of some.
    fn best_variant(&self, candidates: &[usize]) -> Option<usize> {
        let candidates = candidates.iter().rev().copied();
        candidates.max_by_key(|&index| self.variants.get(index).map(quality))
    }

    /// Of the variants that the qualifiers allow one that lacks least of what is wanted; unless it is to have its own, one with a video that is taken anyway.
    fn auxiliary_variant<'a>(
        &'a self,
        wanted: &AuxiliaryRequest,
        allowed: &[usize],
        taken: &[usize],
        mut lacking: Lacking<'a>,
    ) -> Option<usize> {
        let candidates = match self.first_match(&wanted.request.variants, allowed) {
            Some((_, matches)) => matches,
            None if wanted.request.variants.is_empty() => allowed.to_vec(),
            None => return None,
        };
        let taken = taken.iter().filter_map(|&index| self.variants.get(index));
        let taken: HashSet<&Url> = taken.map(|variant| &*variant.url).collect();
        let mut rank = |index: usize| {
            let variant = self.variants.get(index)?;
            let is_shared = !wanted.separate_video && taken.contains(&*variant.url);
            let lack = std::cmp::Reverse(lacking.of(variant));
            Some((lack, is_shared, quality(variant)))
        };
        let candidates = candidates.into_iter().rev();
        candidates.max_by_key(|&index| rank(index))
    }

    /// Leaves of variants that differ in nothing but where they are the first: the others are there for when that one fails.
    fn without_redundant(&self, variants: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut seen = HashSet::new();
        let is_first = |&index: &usize| {
            self.variants.get(index).is_some_and(|variant| {
                seen.insert((
                    (variant.bandwidth, variant.average_bandwidth),
                    (variant.resolution, variant.frame_rate, variant.score),
                    (variant.codecs(), variant.supplemental_codecs()),
                    (variant.video_range(), variant.video_layout()),
                    (variant.audio(), variant.video(), variant.subtitles()),
                    (variant.name(), variant.stable_variant_id()),
                ))
            })
        };
        variants.filter(is_first).collect()
    }

    /// The best I-frame variant that is not larger than a variant, else the smallest.
    fn i_frame_variant(&self, variant: usize, pathway: Option<&str>) -> Option<usize> {
        let size = self.variants.get(variant).map_or(0, pixels);
        let rank = |variant: &Variant| {
            let own = pixels(variant);
            let fits = size == 0 || own <= size;
            let closeness = if fits { own } else { u128::MAX - own };
            (fits, closeness, variant.bandwidth.unwrap_or(0))
        };
        self.i_frame_variants
            .iter()
            .enumerate()
            .filter(|(_, variant)| pathway.is_none_or(|wanted| variant.pathway() == wanted))
            .rev()
            .max_by_key(|(_, variant)| rank(variant))
            .map(|(index, _)| index)
    }
}

/// What is compared where the choice is automatic.
fn quality(variant: &Variant) -> (u64, u128) {
    (variant.bandwidth.unwrap_or(0), pixels(variant))
}

fn pixels(variant: &Variant) -> u128 {
    variant
        .resolution
        .map_or(0, |size| u128::from(size.width) * u128::from(size.height))
}
