//! What is stored, and how much may stay.

use std::time::SystemTime;

use crate::policy::Policy;

/// One stored asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id, unique in the inventory.
    pub id: String,
    /// How it wants to be treated.
    pub policy: Policy,
    /// When it was stored.
    pub created: SystemTime,
    /// When it was last played. `None`, and any time before `created`, counts as `created`.
    pub last_played: Option<SystemTime>,
    /// It is being played or written, so it stays.
    pub in_use: bool,
    /// The blobs it holds: indices into [`Inventory::blob_lengths`], each once.
    pub blobs: Vec<u32>,
}

impl Item {
    /// When it was last wanted: its last play or its creation, whichever is later.
    pub(crate) fn last_wanted(&self) -> SystemTime {
        self.last_played
            .map_or(self.created, |played| played.max(self.created))
    }

    pub(crate) fn is_expired(&self, now: SystemTime) -> bool {
        self.policy.expires.is_some_and(|expires| expires <= now)
    }
}

/// What is stored.
///
/// A blob that no item holds takes no part: it is garbage, and not for a purge to free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The stored assets, in any order.
    pub items: Vec<Item>,
    /// Bytes of each blob.
    pub blob_lengths: Vec<u64>,
    /// Free bytes of the volume that the blobs lie on. Needed for [`Limits::min_free_bytes`].
    pub free_bytes: Option<u64>,
}

/// How much may stay. The default asks for nothing, so it purges nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// All items together may hold this many bytes.
    pub max_bytes: Option<u64>,
    /// The volume should have this many free bytes.
    pub min_free_bytes: Option<u64>,
    /// Take every expired item that is neither pinned nor in use, even where there is no need.
    pub evict_expired: bool,
}
