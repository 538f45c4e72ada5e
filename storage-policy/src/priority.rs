//! How important it is to keep an asset: an open scale with three names on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Inner};

/// How important it is to keep an asset that is not expired: what has the smaller level goes first.
///
/// The counterpart of `AVAssetDownloadStorageManagementPolicy.priority`, whose two levels have their
/// names here: `default` (0) and `important` (100); `low` is -100. Every other whole number from -32768
/// to 32767 is a level too. Text and JSON are the name where there is one, and the number otherwise;
/// both are read.
///
/// ```
/// use storage_policy::Priority;
///
/// assert!(Priority::LOW < Priority::DEFAULT && Priority::DEFAULT < Priority::IMPORTANT);
/// assert_eq!("important".parse::<Priority>()?, Priority::IMPORTANT);
/// assert_eq!("50".parse::<Priority>()?, Priority::new(50));
/// assert_eq!(Priority::new(0).to_string(), "default");
/// # Ok::<(), storage_policy::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i16);

impl Priority {
    /// Goes before what has the default.
    pub const LOW: Self = Self(-100);
    /// What an asset has of which nothing else was said.
    pub const DEFAULT: Self = Self(0);
    /// Goes after what has the default.
    pub const IMPORTANT: Self = Self(100);

    /// The words that [`Priority::from_str`] reads, for messages.
    pub(crate) const ALLOWED: &str = "low, default, important or a whole number";

    /// A level of the scale.
    pub const fn new(level: i16) -> Self {
        Self(level)
    }

    /// The level on the scale.
    pub const fn level(self) -> i16 {
        self.0
    }

    /// The name of the level, if it has one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::LOW => Some("low"),
            Self::DEFAULT => Some("default"),
            Self::IMPORTANT => Some("important"),
            _ => None,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl FromStr for Priority {
    type Err = Error;

    /// Reads a name or a whole number; anything else is
    /// [`ErrorKind::UnknownPriority`](crate::ErrorKind::UnknownPriority).
    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "low" => Ok(Self::LOW),
            "default" => Ok(Self::DEFAULT),
            "important" => Ok(Self::IMPORTANT),
            _ => word.parse().map(Self).map_err(|_| {
                let word = word.to_owned();
                Inner::UnknownPriority { word }.into()
            }),
        }
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_i16(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Priority;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Priority::ALLOWED)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Priority, E> {
                word.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, level: i64) -> Result<Priority, E> {
                i16::try_from(level)
                    .map(Priority)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(level), &self))
            }

            fn visit_u64<E: de::Error>(self, level: u64) -> Result<Priority, E> {
                i16::try_from(level)
                    .map(Priority)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(level), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
