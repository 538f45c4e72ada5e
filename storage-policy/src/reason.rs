//! Why something goes, and why something stays.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::expiry::ExpiryCause;
use crate::priority::Priority;
use crate::text::{Ago, Bytes};
use crate::time;

/// Why an item, or a part of one, goes. Displayed as a fragment for people, such as `expired 3 days ago`.
///
/// As JSON `{"kind":"expired","at":1767225600,"ago":259200,"cause":"date"}`: times in seconds since
/// 1970-01-01 UTC, ages in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It is past its expiration.
    Expired {
        /// When it expired.
        #[serde(serialize_with = "time::unix")]
        at: SystemTime,
        /// How long ago that was.
        #[serde(serialize_with = "time::age")]
        ago: Duration,
        /// What made it expire.
        cause: ExpiryCause,
    },
    /// It is not among the newest of its series.
    Surplus {
        /// The series, or the tag.
        tag: String,
        /// How many of it are kept.
        newest: u32,
    },
    /// The items hold more bytes than [`crate::StorePolicy::max_bytes`], or its marks, allow.
    OverLimit {
        /// How it was used.
        #[serde(flatten)]
        usage: Usage,
        /// Bytes beyond the limit before anything goes.
        over: u64,
    },
    /// The volume has fewer free bytes than [`crate::StorePolicy::min_free`].
    LowSpace {
        /// How it was used.
        #[serde(flatten)]
        usage: Usage,
        /// Free bytes that are lacking before anything goes.
        lacking: u64,
    },
    /// The items with a tag hold more bytes than [`crate::TagPolicy::max_bytes`].
    OverQuota {
        /// How it was used.
        #[serde(flatten)]
        usage: Usage,
        /// The tag.
        tag: String,
        /// Bytes beyond its quota before anything goes.
        over: u64,
    },
    /// Something new needs the room.
    MakesRoom {
        /// How it was used.
        #[serde(flatten)]
        usage: Usage,
        /// Bytes that are to come.
        incoming: u64,
    },
}

/// What decides about an item that is neither expired nor surplus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// The priority that the item has now.
    pub priority: Priority,
    /// Whether it was ever played.
    pub played: bool,
    /// How long it was not played; if it never was, how long it is stored.
    #[serde(serialize_with = "time::age")]
    pub idle: Duration,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let use_ = if self.played {
            "last played"
        } else {
            "never played, stored"
        };
        match self.priority.name() {
            Some(name) => write!(f, "{name} priority, {use_} {}", Ago(self.idle)),
            None => write!(f, "priority {}, {use_} {}", self.priority, Ago(self.idle)),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { ago, cause, .. } => match cause {
                ExpiryCause::Date => write!(f, "expired {}", Ago(*ago)),
                _ => write!(f, "expired {}, by {cause}", Ago(*ago)),
            },
            Self::Surplus { tag, newest: 1 } => write!(f, "there is a newer one of {tag:?}"),
            Self::Surplus { tag, newest } => write!(f, "there are {newest} newer ones of {tag:?}"),
            Self::OverLimit { usage, over } => {
                write!(f, "{usage}; {} over the limit", Bytes(*over))
            }
            Self::LowSpace { usage, lacking } => {
                write!(
                    f,
                    "{usage}; {} short of the free space to keep",
                    Bytes(*lacking)
                )
            }
            Self::OverQuota { usage, tag, over } => {
                write!(f, "{usage}; {} over the quota of {tag:?}", Bytes(*over))
            }
            Self::MakesRoom { usage, incoming } => {
                write!(f, "{usage}; makes room for {}", Bytes(*incoming))
            }
        }
    }
}

/// Why an item stays although its bytes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeptBecause {
    /// Its policy pins it.
    Pinned,
    /// It is being played.
    InUse,
    /// It is being written.
    BeingWritten,
    /// What [`crate::StorePolicy::make_room`] says may not go for something new.
    Policy,
}

impl fmt::Display for KeptBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pinned => "pinned",
            Self::InUse => "in use",
            Self::BeingWritten => "being written",
            Self::Policy => "not to go for something new",
        })
    }
}
