//! What there is to choose from at an address, in the words in which it is chosen.

use hls_parse::{
    Multivariant, Qualifier, Rendition, RenditionKind, RenditionRequest, Selection,
    SelectionOptions, SelectionRequest, Variant, language_covers,
};

use super::{DownloadRequest, Probe};
use crate::render::text;
use crate::{Error, ErrorKind, Result};

/// Nobody chooses from more variants one by one, and each is compared with all others.
const MOST_VARIANTS: usize = 500;

/// What an address offers, and how to ask for each of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Offer {
    /// What is there.
    pub probe: Probe,
    /// `None` when there is nothing to choose.
    pub(super) multivariant: Option<Box<Multivariant>>,
}

/// A variant that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedVariant {
    /// Its place in [`Probe::variants`].
    pub index: usize,
    /// The expression that no other variant matches, but for copies of this one.
    pub qualifier: Qualifier,
    /// Whether the request takes it.
    pub selected: bool,
}

/// A language that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferedLanguage {
    /// Its tag.
    pub tag: String,
    /// The renditions that come with it, each in a few words: name, language, characteristics.
    pub renditions: Vec<String>,
    /// Whether the request takes one of them.
    pub selected: bool,
}

impl Offer {
    /// The variants in the order of the playlist. What nothing declared tells from an earlier one is left out.
    ///
    /// # Errors
    /// When the playlist has nothing that the request could take, or more than 500 variants.
    pub fn variants(&self, request: &DownloadRequest) -> Result<Vec<OfferedVariant>> {
        let Some(multivariant) = &self.multivariant else {
            return Ok(Vec::new());
        };
        let count = multivariant.variants.len();
        if count > MOST_VARIANTS {
            let reason = format!("there are {count} variants, too many to choose from one by one");
            return Err(Error::new(ErrorKind::PlaylistRejected, reason)
                .hint("say which with --variant, for example 'height<=1080'"));
        }
        let selection = selection(multivariant, request)?;
        let all = multivariant.variants.iter().enumerate();
        let offered = all.filter_map(|(index, variant)| {
            Some(OfferedVariant {
                index,
                qualifier: qualifier(multivariant, request, index, variant)?,
                selected: selection.variants.contains(&index),
            })
        });
        Ok(offered.collect())
    }

    /// The languages of the audio renditions that go with the variants that the request takes, in the order of the playlist.
    ///
    /// # Errors
    /// As [`variants`](Self::variants).
    pub fn audio(&self, request: &DownloadRequest) -> Result<Vec<OfferedLanguage>> {
        self.languages(&RenditionKind::Audio, request)
    }

    /// The same of subtitles.
    ///
    /// # Errors
    /// As [`variants`](Self::variants).
    pub fn subtitles(&self, request: &DownloadRequest) -> Result<Vec<OfferedLanguage>> {
        self.languages(&RenditionKind::Subtitles, request)
    }

    fn languages(
        &self,
        kind: &RenditionKind,
        request: &DownloadRequest,
    ) -> Result<Vec<OfferedLanguage>> {
        let Some(multivariant) = &self.multivariant else {
            return Ok(Vec::new());
        };
        let selection = selection(multivariant, request)?;
        let taken = selection.variants.iter();
        let taken = taken.filter_map(|&index| multivariant.variants.get(index));
        let groups: Vec<&str> = taken.filter_map(|variant| variant.group(kind)).collect();
        let renditions = multivariant.renditions.iter().enumerate();
        let members: Vec<(usize, &Rendition)> = renditions
            .filter(|(_, one)| one.kind == *kind && groups.contains(&one.group_id()))
            .collect();
        let mut offered: Vec<OfferedLanguage> = Vec::new();
        for tag in members.iter().filter_map(|(_, one)| one.language()) {
            let is_sayable =
                matches!(tag.parse(), Ok(RenditionRequest::Languages(tags)) if tags == [tag]);
            let is_known = |known: &OfferedLanguage| known.tag.eq_ignore_ascii_case(tag);
            if !is_sayable || offered.iter().any(is_known) {
                continue;
            }
            let mut language = OfferedLanguage {
                tag: tag.to_owned(),
                renditions: Vec::new(),
                selected: false,
            };
            let own = |(_, one): &&(usize, &Rendition)| {
                one.language()
                    .is_some_and(|other| language_covers(tag, other))
            };
            for (index, rendition) in members.iter().filter(own) {
                let characteristics: Vec<String> =
                    rendition.characteristic_list().map(str::to_owned).collect();
                let words = text::rendition(
                    rendition.name(),
                    rendition.language(),
                    rendition.forced,
                    &characteristics,
                );
                // Another group has the same for other variants.
                if !language.renditions.contains(&words) {
                    language.renditions.push(words);
                }
                language.selected |= selection.renditions.contains(index);
            }
            offered.push(language);
        }
        Ok(offered)
    }
}

fn selection(multivariant: &Multivariant, request: &DownloadRequest) -> Result<Selection> {
    multivariant
        .select_with(&request.selection, &request.options)
        .map_err(|error| {
            Error::new(ErrorKind::PlaylistRejected, "there is nothing to choose").because(error)
        })
}

/// The shortest expression of its kind that this variant alone matches: the height first, then what tells it from others of that height.
fn qualifier(
    multivariant: &Multivariant,
    request: &DownloadRequest,
    index: usize,
    variant: &Variant,
) -> Option<Qualifier> {
    let is_alone = |qualifier: &Qualifier| {
        let wanted = SelectionRequest {
            variants: vec![qualifier.clone()],
            ..SelectionRequest::default()
        };
        let options = SelectionOptions {
            every_match: true,
            pathway: request.options.pathway.clone(),
            ..SelectionOptions::default()
        };
        let selection = multivariant.select_with(&wanted, &options);
        selection
            .is_ok_and(|selection| selection.qualifier.is_some() && selection.variants == [index])
    };
    let number = |key: &str, number: Option<u64>| number.map(|number| format!("{key}={number}"));
    let size = variant.resolution;
    let codecs = variant.codec_list().map(|codec| format!("codec={codec}"));
    let comparisons = [
        number("height", size.map(|size| size.height)),
        number("peak-bitrate", variant.bandwidth),
        number("average-bitrate", variant.average_bandwidth),
        number("width", size.map(|size| size.width)),
        variant.frame_rate.map(|rate| format!("frame-rate={rate}")),
        variant
            .video_range()
            .map(|range| format!("video-range={}", range.as_str())),
        variant.score.map(|score| format!("score={score}")),
    ];
    let mut expression = String::new();
    for comparison in comparisons.into_iter().flatten().chain(codecs) {
        if !expression.is_empty() {
            expression.push_str(" && ");
        }
        expression.push_str(&comparison);
        if let Some(qualifier) = expression.parse().ok().filter(&is_alone) {
            return Some(qualifier);
        }
    }
    None
}
