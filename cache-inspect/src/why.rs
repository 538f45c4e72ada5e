//! Why an asset does not play offline.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::inspection::{MissingKind, seconds};

/// One reason why an asset does not play offline. Displayed as a fragment for people.
///
/// As JSON `{"kind":"media_incomplete","variant":"1",…}`, times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// The download is not finished.
    NotFinished,
    /// The asset has no variant.
    NoVariants,
    /// The download was asked for none of the variants.
    NoVariantSelected,
    /// Nothing of a variant can be played: no segment is known, or all are declared gaps.
    NoMedia {
        /// The id of the variant.
        variant: String,
    },
    /// Segments of a variant cannot be played.
    MediaIncomplete {
        /// The id of the variant.
        variant: String,
        /// How many of them; those whose initialization section or key is lacking count too.
        missing: usize,
        /// How many segments it has.
        segments: usize,
        /// When the first of them starts.
        #[serde(serialize_with = "seconds")]
        first: Duration,
    },
    /// A variant has no sound of its own, and nothing is stored of any rendition of its AUDIO group.
    NoAudio {
        /// The id of the variant.
        variant: String,
    },
    /// A variant has no sound of its own, and no rendition of its AUDIO group is complete.
    AudioIncomplete {
        /// The id of the variant.
        variant: String,
        /// NAME of the rendition of which most is there.
        name: Option<String>,
        /// How many of its segments cannot be played.
        missing: usize,
        /// How many segments it has.
        segments: usize,
        /// When the first that cannot be played starts.
        #[serde(serialize_with = "seconds")]
        first: Duration,
    },
    /// A variant or its audio needs an initialization section or a key that is not stored.
    PrerequisiteMissing {
        /// The id of the variant.
        variant: String,
        /// What is missing.
        what: MissingKind,
        /// Where it would come from.
        url: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinished => f.write_str("the download is not finished"),
            Self::NoVariants => f.write_str("the asset has no variant"),
            Self::NoVariantSelected => f.write_str("no variant was downloaded"),
            Self::NoMedia { variant } => {
                write!(f, "variant {variant}: no segment that could be played")
            }
            Self::MediaIncomplete {
                variant,
                missing,
                segments,
                first,
            } => {
                write!(f, "variant {variant}: ")?;
                write_incomplete(f, *missing, *segments, *first)
            }
            Self::NoAudio { variant } => {
                write!(
                    f,
                    "variant {variant}: no audio rendition that it needs was downloaded"
                )
            }
            Self::AudioIncomplete {
                variant,
                name,
                missing,
                segments,
                first,
            } => {
                write!(f, "variant {variant}: audio ")?;
                if let Some(name) = name {
                    write!(f, "{name:?}: ")?;
                }
                write_incomplete(f, *missing, *segments, *first)
            }
            Self::PrerequisiteMissing { variant, what, url } => {
                write!(
                    f,
                    "variant {variant}: missing {what} {}",
                    without_query(url)
                )
            }
        }
    }
}

fn write_incomplete(
    f: &mut fmt::Formatter<'_>,
    missing: usize,
    segments: usize,
    first: Duration,
) -> fmt::Result {
    let seconds = first.as_secs();
    write!(
        f,
        "{missing} of {segments} segments missing, the first at {}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Queries often carry signatures, which belong in no message.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
