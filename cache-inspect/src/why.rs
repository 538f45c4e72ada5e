//! Why an asset does not play offline.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::inspection::seconds;

/// One reason why an asset does not play offline. Displayed as a fragment for people.
///
/// As JSON `{"kind":"media_incomplete","variant":"1","incomplete":{...}}`, times in seconds.
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
        /// What is lacking.
        incomplete: Incomplete,
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
        /// What of it is lacking.
        incomplete: Incomplete,
    },
    /// What is stored is encrypted, and a player opens it with a licence only.
    NeedsLicence {
        /// The key systems by name; a licence of one of those of each track is enough.
        key_systems: Vec<String>,
    },
}

/// What is lacking of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// How many segments cannot be played: those that are not stored, and those whose
    /// initialization section or key is not.
    pub missing: usize,
    /// How many segments there are.
    pub segments: usize,
    /// When the first that cannot be played starts.
    #[serde(serialize_with = "seconds")]
    pub first: Duration,
    /// How many initialization sections of different addresses are not stored.
    pub missing_maps: usize,
    /// How many keys of different addresses are not stored.
    pub missing_keys: usize,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.first.as_secs();
        write!(
            f,
            "{} of {} segments missing, the first at {}:{:02}:{:02}",
            self.missing,
            self.segments,
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        for (count, one, many) in [
            (
                self.missing_maps,
                "initialization section",
                "initialization sections",
            ),
            (self.missing_keys, "key", "keys"),
        ] {
            match count {
                0 => {}
                1 => write!(f, "; 1 {one} missing")?,
                _ => write!(f, "; {count} {many} missing")?,
            }
        }
        Ok(())
    }
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
                incomplete,
            } => write!(f, "variant {variant}: {incomplete}"),
            Self::NoAudio { variant } => write!(
                f,
                "variant {variant}: no audio rendition that it needs was downloaded"
            ),
            Self::AudioIncomplete {
                variant,
                name: Some(name),
                incomplete,
            } => write!(f, "variant {variant}: audio {name:?}: {incomplete}"),
            Self::AudioIncomplete {
                variant,
                name: None,
                incomplete,
            } => write!(f, "variant {variant}: audio: {incomplete}"),
            Self::NeedsLicence { key_systems } => {
                write!(f, "needs a licence of {}", key_systems.join(" or "))
            }
        }
    }
}
