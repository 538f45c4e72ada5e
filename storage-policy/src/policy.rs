//! How one asset wants to be treated.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Inner};

/// How one asset wants to be treated when space is needed.
///
/// The counterpart of `AVAssetDownloadStorageManagementPolicy`, and `pinned`. As JSON:
/// `{"priority":"default","expires":1767225600,"pinned":false}`, where `expires` is in seconds
/// since 1970-01-01 UTC or null. A field that is missing has its default; unknown fields are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Which of those that are not expired goes first.
    pub priority: Priority,
    /// From when on the asset is expired. It then goes before all others; it is not hindered
    /// from being played, and it goes at once only if [`crate::Limits::evict_expired`] says so.
    ///
    /// Serialized in whole seconds, rounded up, so that nothing expires early.
    #[serde(with = "unix_seconds")]
    pub expires: Option<SystemTime>,
    /// Never purge it.
    pub pinned: bool,
}

/// How important it is to keep an asset that is not expired.
///
/// The counterpart of `AVAssetDownloadStorageManagementPolicy.priority`. Text: `default`, `important`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Priority {
    /// Goes first.
    #[default]
    Default,
    /// Goes last.
    Important,
}

impl Priority {
    /// The word for it: `default` or `important`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Important => "important",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = Error;

    /// Reads `default` or `important`; anything else is
    /// [`ErrorKind::UnknownPriority`](crate::ErrorKind::UnknownPriority).
    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "default" => Ok(Self::Default),
            "important" => Ok(Self::Important),
            _ => Err(Inner::UnknownPriority {
                word: word.to_owned(),
            }
            .into()),
        }
    }
}

/// Times as whole seconds since 1970-01-01 UTC, rounded up.
pub(crate) mod unix_seconds {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, SystemTime, de};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` calls")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(to_seconds).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Option::<i64>::deserialize(deserializer)?
            .map(|seconds| {
                from_seconds(seconds).ok_or_else(|| {
                    de::Error::custom(format_args!(
                        "{seconds} seconds since 1970 is no time of this system"
                    ))
                })
            })
            .transpose()
    }

    pub(crate) fn to_seconds(time: SystemTime) -> i64 {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => {
                let whole = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
                whole.saturating_add(i64::from(after.subsec_nanos() > 0))
            }
            Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
        }
    }

    fn from_seconds(seconds: i64) -> Option<SystemTime> {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        }
    }
}
