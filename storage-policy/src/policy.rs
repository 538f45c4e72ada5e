//! How one asset wants to be treated.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::priority::Priority;
use crate::{file, time};

/// How one asset wants to be treated when space is needed.
///
/// The counterpart of `AVAssetDownloadStorageManagementPolicy`, and more. As JSON:
/// `{"priority":"default","expires":1767225600,"pinned":false}`, where `expires` is in seconds
/// since 1970-01-01 UTC or null; the other fields follow where they say something. A field that is
/// missing has its default; unknown fields are ignored, so that older programs read what newer ones
/// wrote. [`Policy::from_toml`] reads what people write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Which of those that are not expired goes first.
    pub priority: Priority,
    /// From when on the asset is expired. It then goes before all others; it is not hindered
    /// from being played, and it goes at once only if [`crate::StorePolicy::evict_expired`] says so.
    ///
    /// Serialized in whole seconds, rounded up, so that nothing expires early.
    #[serde(with = "time::unix_seconds")]
    pub expires: Option<SystemTime>,
    /// Never purge it.
    pub pinned: bool,
    /// What changes once it was played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_played: Option<AfterPlayed>,
    /// How long after its download it expires, unless it was played and has a `playback_window`.
    #[serde(with = "time::seconds", skip_serializing_if = "Option::is_none")]
    pub storage_window: Option<Duration>,
    /// How long after its first play it expires. From then on it takes the place of
    /// `storage_window`, as with offline keys that are exchanged when playback begins.
    #[serde(with = "time::seconds", skip_serializing_if = "Option::is_none")]
    pub playback_window: Option<Duration>,
    /// The series it is an episode of. A series is a tag as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// How many episodes of its series to keep: those beyond the newest are surplus, and go right
    /// after what is expired. Where the assets of a series disagree, the largest number counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_newest: Option<NonZeroU32>,
    /// Words that [`crate::StorePolicy::tags`] has rules for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Whether its auxiliary renditions ([`crate::Item::parts`]) may go on their own, before whole
    /// assets of the same priority do.
    #[serde(skip_serializing_if = "is_false")]
    pub drop_auxiliary: bool,
}

/// What changes once an asset was played. JSON: `{"priority":"low"}` or `{"expire":172800}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AfterPlayed {
    /// It has this priority, unless its own is lower anyway.
    Priority(Priority),
    /// It expires this long after its first play.
    Expire(#[serde(with = "time::required_seconds")] Duration),
}

impl Policy {
    /// Reads a policy as people write it.
    ///
    /// Keys are the fields. Times are dates or times of TOML, or such as text; durations are text
    /// such as `30d`, `48h` or `2w`, or numbers of seconds.
    ///
    /// ```
    /// use storage_policy::{AfterPlayed, Policy};
    /// use std::time::Duration;
    ///
    /// let policy = Policy::from_toml(
    ///     r#"
    ///     priority = "important"
    ///     storage_window = "30d"
    ///     after_played = { expire = "48h" }
    ///     series = "daily news"
    ///     keep_newest = 5
    ///     tags = ["news"]
    ///     "#,
    /// )?;
    /// assert_eq!(policy.after_played, Some(AfterPlayed::Expire(Duration::from_secs(48 * 3600))));
    ///
    /// let error = Policy::from_toml("pined = true").unwrap_err();
    /// assert_eq!((error.line(), error.key()), (Some(1), Some("pined")));
    /// # Ok::<(), storage_policy::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPolicy`](crate::ErrorKind::InvalidPolicy) with the line, the key and what is
    /// allowed.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        file::read(text, file::asset)
    }

    /// The priority that counts for an asset that was played, or not.
    pub(crate) fn priority_when(&self, played: bool) -> Priority {
        match self.after_played {
            Some(AfterPlayed::Priority(lower)) if played => self.priority.min(lower),
            _ => self.priority,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde's `skip_serializing_if` calls"
)]
fn is_false(value: &bool) -> bool {
    !*value
}
