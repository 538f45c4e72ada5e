//! Choosing variants and renditions.

use std::str::FromStr;

use crate::error::{Error, ErrorKind, excerpt};
use crate::qualifier::Qualifier;
use crate::variant::{Multivariant, Rendition, RenditionKind};

/// What is wanted of a Multivariant Playlist. The default leaves every choice to [`Multivariant::select`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectionRequest {
    /// In order of preference: the first that matches a variant decides.
    pub variants: Vec<Qualifier>,
    /// Which audio renditions.
    pub audio: RenditionRequest,
    /// Which subtitles.
    pub subtitles: RenditionRequest,
}

/// Which renditions of one kind are wanted.
///
/// As text: `auto`, `all`, `none`, or language tags with commas between.
///
/// ```
/// use hls_parse::RenditionRequest;
///
/// let request: RenditionRequest = "en, pt-BR".parse()?;
/// assert_eq!(request, RenditionRequest::Languages(vec!["en".into(), "pt-BR".into()]));
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RenditionRequest {
    /// The default of each group, else the first that may be chosen without the user.
    #[default]
    Automatic,
    /// Every one.
    All,
    /// None but what is inside the variants themselves.
    None,
    /// Those in any of these languages.
    Languages(Vec<String>),
}

/// What was chosen, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The chosen entries of [`Multivariant::variants`].
    pub variants: Vec<usize>,
    /// The chosen entries of [`Multivariant::renditions`]; those without URL are inside the variants and need no loading.
    pub renditions: Vec<usize>,
    /// The qualifier that decided, by index; `None` when the choice was automatic.
    pub qualifier: Option<usize>,
    /// The languages that were wanted and are not there.
    pub unmatched: Vec<Unmatched>,
}

/// A language that was wanted and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// Of which kind a rendition was wanted.
    pub kind: RenditionKind,
    /// The language tag, as wanted.
    pub language: String,
}

impl FromStr for RenditionRequest {
    type Err = Error;

    /// Reads `auto`, `all`, `none` or language tags.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`] when a tag is empty or has other characters than letters, digits and `-`.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "auto" => return Ok(Self::Automatic),
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let legal = |tag: &str| {
            !tag.is_empty()
                && tag
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        text.split(',')
            .map(str::trim)
            .map(|tag| {
                if legal(tag) {
                    return Ok(tag.to_owned());
                }
                let message = format!(
                    "\"{}\" is no language tag, expected auto, all, none or tags such as en,pt-BR",
                    excerpt(tag)
                );
                Err(Error::new(ErrorKind::InvalidExpression, message))
            })
            .collect::<Result<_, _>>()
            .map(Self::Languages)
    }
}

impl Multivariant {
    /// Chooses a variant and renditions of the groups it names.
    ///
    /// The variant: the first qualifier that matches any decides which ones may be chosen; without one, all may. Of those, the highest `BANDWIDTH`, then the
    /// highest resolution, then the first. Audio and subtitles: as the [`RenditionRequest`]s say; automatic video. A language matches by RFC 4647 lookup: `en`
    /// takes `en` and `en-GB`, and `en-GB` takes `en` when there is nothing closer. When no wanted audio language is there, audio is chosen automatically.
    /// Renditions inside the variant come with it and are always part of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::NoVariant`] when there is no variant.
    pub fn select(&self, request: &SelectionRequest) -> Result<Selection, Error> {
        let matched = request
            .variants
            .iter()
            .enumerate()
            .find_map(|(index, qualifier)| {
                let matches = qualifier.matches(self);
                (!matches.is_empty()).then_some((index, matches))
            });
        let qualifier = matched.as_ref().map(|(index, _)| *index);
        let candidates = matched.map_or_else(
            || (0..self.variants.len()).collect(),
            |(_, matches)| matches,
        );
        let Some(chosen) = candidates
            .into_iter()
            .rev()
            .max_by_key(|&index| self.rank(index))
        else {
            return Err(Error::new(
                ErrorKind::NoVariant,
                "the playlist has no variant to choose",
            ));
        };
        let mut selection = Selection {
            variants: vec![chosen],
            qualifier,
            ..Selection::default()
        };
        for (kind, request) in [
            (RenditionKind::Video, &RenditionRequest::Automatic),
            (RenditionKind::Audio, &request.audio),
            (RenditionKind::Subtitles, &request.subtitles),
        ] {
            self.select_renditions(&kind, request, chosen, &mut selection);
        }
        selection.renditions.sort_unstable();
        Ok(selection)
    }

    fn rank(&self, variant: usize) -> (u64, u128) {
        let pixels = |variant: &crate::Variant| {
            variant
                .resolution
                .map_or(0, |size| u128::from(size.width) * u128::from(size.height))
        };
        self.variants.get(variant).map_or((0, 0), |variant| {
            (variant.bandwidth.unwrap_or(0), pixels(variant))
        })
    }

    fn select_renditions(
        &self,
        kind: &RenditionKind,
        request: &RenditionRequest,
        variant: usize,
        selection: &mut Selection,
    ) {
        let group = self
            .variants
            .get(variant)
            .and_then(|variant| variant.group(kind));
        let members: Vec<(usize, &Rendition)> = self
            .renditions
            .iter()
            .enumerate()
            .filter(|(_, rendition)| {
                rendition.kind == *kind && Some(rendition.group_id.as_str()) == group
            })
            .collect();
        let mut chosen: Vec<usize> = match request {
            RenditionRequest::None => Vec::new(),
            RenditionRequest::All => members.iter().map(|(index, _)| *index).collect(),
            RenditionRequest::Automatic => automatic(kind, &members).into_iter().collect(),
            RenditionRequest::Languages(languages) => {
                let mut chosen = Vec::new();
                for language in languages {
                    let matches = lookup(language, &members);
                    if matches.is_empty() {
                        selection.unmatched.push(Unmatched {
                            kind: kind.clone(),
                            language: language.clone(),
                        });
                    }
                    chosen.extend(matches);
                }
                if chosen.is_empty() && *kind == RenditionKind::Audio {
                    chosen.extend(automatic(kind, &members));
                }
                chosen
            }
        };
        let inside = members
            .iter()
            .filter(|(_, rendition)| rendition.url.is_none());
        chosen.extend(inside.map(|(index, _)| *index));
        chosen.sort_unstable();
        chosen.dedup();
        selection.renditions.extend(chosen);
    }
}

/// The default member, else the first that may be chosen without the user; of audio else the first.
fn automatic(kind: &RenditionKind, members: &[(usize, &Rendition)]) -> Option<usize> {
    let first =
        |wanted: fn(&Rendition) -> bool| members.iter().find(|(_, rendition)| wanted(rendition));
    first(|rendition| rendition.default)
        .or_else(|| first(|rendition| rendition.autoselect))
        .or_else(|| members.first().filter(|_| *kind == RenditionKind::Audio))
        .map(|(index, _)| *index)
}

/// The members in a language (RFC 4647): those whose tag is the range or begins with it, else the same for the range without its last subtag.
fn lookup(range: &str, members: &[(usize, &Rendition)]) -> Vec<usize> {
    let mut range = range;
    loop {
        let matches: Vec<usize> = members
            .iter()
            .filter(|(_, rendition)| {
                rendition
                    .language
                    .as_deref()
                    .is_some_and(|tag| covers(range, tag))
            })
            .map(|(index, _)| *index)
            .collect();
        match range.rfind('-') {
            Some(end) if matches.is_empty() => range = range.get(..end).unwrap_or_default(),
            _ => return matches,
        }
    }
}

fn covers(range: &str, tag: &str) -> bool {
    let start = tag.get(..range.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(range))
        && matches!(tag.as_bytes().get(range.len()), None | Some(b'-'))
}
