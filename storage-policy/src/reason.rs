//! Why something goes, and why something stays.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::policy::{Priority, unix_seconds};
use crate::text::{Ago, Bytes};

/// Why an item goes. Displayed as a fragment for people, such as `expired 3 days ago`.
///
/// As JSON `{"kind":"expired","at":1767225600,"ago":259200}`: times in seconds since 1970-01-01
/// UTC, ages in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It is past its expiration.
    Expired {
        /// When it expired.
        #[serde(serialize_with = "time")]
        at: SystemTime,
        /// How long ago that was.
        #[serde(serialize_with = "seconds")]
        ago: Duration,
    },
    /// The items hold more bytes than [`crate::Limits::max_bytes`].
    OverLimit {
        /// The priority of the item.
        priority: Priority,
        /// Whether it was ever played.
        played: bool,
        /// How long it was not played; if it never was, how long it is stored.
        #[serde(serialize_with = "seconds")]
        idle: Duration,
        /// Bytes beyond the limit before anything goes.
        over: u64,
    },
    /// The volume has fewer free bytes than [`crate::Limits::min_free_bytes`].
    LowSpace {
        /// The priority of the item.
        priority: Priority,
        /// Whether it was ever played.
        played: bool,
        /// How long it was not played; if it never was, how long it is stored.
        #[serde(serialize_with = "seconds")]
        idle: Duration,
        /// Free bytes that are lacking before anything goes.
        lacking: u64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Expired { ago, .. } => write!(f, "expired {}", Ago(ago)),
            Self::OverLimit {
                priority,
                played,
                idle,
                over,
            } => {
                write_use(f, priority, played, idle)?;
                write!(f, "{} over the limit", Bytes(over))
            }
            Self::LowSpace {
                priority,
                played,
                idle,
                lacking,
            } => {
                write_use(f, priority, played, idle)?;
                write!(f, "{} short of the free space to keep", Bytes(lacking))
            }
        }
    }
}

fn write_use(
    f: &mut fmt::Formatter<'_>,
    priority: Priority,
    played: bool,
    idle: Duration,
) -> fmt::Result {
    let use_ = if played {
        "last played"
    } else {
        "never played, stored"
    };
    write!(f, "{priority} priority, {use_} {}; ", Ago(idle))
}

/// Why an item stays although its bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeptBecause {
    /// Its policy pins it.
    Pinned,
    /// It is being played or written.
    InUse,
}

impl fmt::Display for KeptBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pinned => "pinned",
            Self::InUse => "in use",
        })
    }
}

fn time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(unix_seconds::to_seconds(*time))
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
