//! What is wanted of a Multivariant Playlist.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, excerpt};
use crate::qualifier::Qualifier;

/// What is wanted of a Multivariant Playlist. The default leaves every choice to [`Multivariant::select`](crate::Multivariant::select).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct SelectionRequest {
    /// In order of preference: the first that matches a variant decides.
    pub variants: Vec<Qualifier>,
    /// Which audio renditions.
    pub audio: RenditionRequest,
    /// Which subtitles.
    pub subtitles: RenditionRequest,
}

/// What else there is to say to [`Multivariant::select_with`](crate::Multivariant::select_with).
///
/// ```
/// use hls_parse::{AuxiliaryRequest, SelectionOptions, SelectionRequest};
///
/// // The same once more with many channels of sound.
/// let surround = SelectionRequest {
///     variants: vec!["channels>2".parse()?],
///     ..SelectionRequest::default()
/// };
/// let options = SelectionOptions {
///     auxiliary: vec![AuxiliaryRequest {
///         request: surround,
///         ..AuxiliaryRequest::default()
///     }],
///     ..SelectionOptions::default()
/// };
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct SelectionOptions {
    /// Takes the one audio rendition that fits best, in the place of [`SelectionRequest::audio`].
    pub audio: Option<MediaSelectionCriteria>,
    /// Takes the one rendition with subtitles that fits best, in the place of [`SelectionRequest::subtitles`].
    pub subtitles: Option<MediaSelectionCriteria>,
    /// Whether to take every variant that the deciding qualifier matches, or every one when none decides, instead of the best of them. Of variants that differ
    /// in nothing but their URL the first is taken.
    pub every_match: bool,
    /// Whether to take an I-frame variant too, for searching through the pictures.
    pub i_frames: bool,
    /// More to have beside the primary content.
    pub auxiliary: Vec<AuxiliaryRequest>,
    /// The pathway to take variants of; `None` means the one that `EXT-X-CONTENT-STEERING` begins with.
    pub pathway: Option<String>,
}

/// More to have beside the primary content, such as the sound in many channels. What is not there is left out.
///
/// The variant: of those that the first matching qualifier allows, or of all without any, one whose groups have most of what is wanted; of these one whose
/// video is taken anyway, unless `separate_video`; of these the best. So another language adds no video where one that is taken goes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct AuxiliaryRequest {
    /// What to have. When it has qualifiers and none matches, nothing is added.
    pub request: SelectionRequest,
    /// As in [`SelectionOptions::audio`].
    pub audio: Option<MediaSelectionCriteria>,
    /// As in [`SelectionOptions::subtitles`].
    pub subtitles: Option<MediaSelectionCriteria>,
    /// Whether a video that is taken anyway counts for nothing.
    pub separate_video: bool,
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
/// assert_eq!(request.to_string(), "en,pt-BR");
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
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

/// What makes one rendition of a group fit better than another (`AVPlayerMediaSelectionCriteria`).
///
/// The rendition: of those with all required characteristics and no more channels than allowed, the one in the language wanted most; of several, the one with
/// the preferred characteristics, then without aids for accessibility that nobody asked for, then the default, then one that may be chosen without the user,
/// then the first.
///
/// ```
/// use hls_parse::{MediaSelectionCriteria, SelectionOptions};
///
/// let criteria = MediaSelectionCriteria {
///     languages: vec!["de-AT".into(), "en".into()],
///     required_characteristics: vec!["public.accessibility.describes-video".into()],
///     ..MediaSelectionCriteria::default()
/// };
/// let options = SelectionOptions {
///     audio: Some(criteria),
///     ..SelectionOptions::default()
/// };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct MediaSelectionCriteria {
    /// Language tags, the one wanted most first, matched by RFC 4647 lookup. Without any, the language does not matter.
    pub languages: Vec<String>,
    /// What a rendition must have to be chosen, whatever its language.
    pub required_characteristics: Vec<String>,
    /// What a rendition should have, what matters most first.
    pub preferred_characteristics: Vec<String>,
    /// How many channels can be played. Renditions that declare more are passed over, and of equal ones the one with most channels is chosen.
    pub max_channels: Option<u64>,
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

impl fmt::Display for RenditionRequest {
    /// What [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let languages = match self {
            Self::Automatic => return f.write_str("auto"),
            Self::All => return f.write_str("all"),
            Self::None => return f.write_str("none"),
            Self::Languages(languages) => languages,
        };
        f.write_str(&languages.join(","))
    }
}
