//! What is stored.

use std::collections::HashSet;
use std::time::SystemTime;

use crate::error::{Error, Inner};
use crate::policy::Policy;
use crate::priority::Priority;

/// One stored asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id, unique in the inventory.
    pub id: String,
    /// How it wants to be treated.
    pub policy: Policy,
    /// When it was stored.
    pub created: SystemTime,
    /// When it was first played. `None` counts as `last_played`, and any time before `created` as `created`.
    pub first_played: Option<SystemTime>,
    /// When it was last played. `None`, and any time before `created`, counts as `created`.
    pub last_played: Option<SystemTime>,
    /// Its times were taken from a clock that was known to be behind. No window of its policy runs
    /// then, it is no surplus, and inside its class it goes last, so that nothing goes early.
    pub times_doubtful: bool,
    /// It is being played, so it stays.
    pub in_use: bool,
    /// It is being written, so it stays.
    pub being_written: bool,
    /// The blobs that it holds itself: indices into [`Inventory::blob_lengths`], each once.
    pub blobs: Vec<u32>,
    /// Auxiliary renditions that it can do without, with the blobs that each holds besides.
    pub parts: Vec<Part>,
}

/// An auxiliary rendition of an asset, such as audio in another language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the caller knows it by, unique in the item.
    pub name: String,
    /// The blobs that it holds: indices into [`Inventory::blob_lengths`], each once.
    pub blobs: Vec<u32>,
}

impl Item {
    /// An asset with the default policy that nobody plays or writes.
    pub fn new(id: impl Into<String>, created: SystemTime, blobs: Vec<u32>) -> Self {
        Self {
            id: id.into(),
            policy: Policy::default(),
            created,
            first_played: None,
            last_played: None,
            times_doubtful: false,
            in_use: false,
            being_written: false,
            blobs,
            parts: Vec::new(),
        }
    }

    /// When it was last wanted: its last play or its creation, whichever is later.
    pub(crate) fn last_wanted(&self) -> SystemTime {
        self.last_played
            .map_or(self.created, |played| played.max(self.created))
    }

    /// When it was first played, as far as that is known.
    pub(crate) fn first_play(&self) -> Option<SystemTime> {
        let first = self.first_played.or(self.last_played)?;
        Some(first.max(self.created))
    }

    pub(crate) fn is_played(&self) -> bool {
        self.first_play().is_some()
    }

    /// The priority that counts now.
    pub(crate) fn priority(&self) -> Priority {
        self.policy.priority_when(self.is_played())
    }

    /// What holds blobs: itself and its parts.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &[u32]> {
        let parts = self.parts.iter().map(|part| &*part.blobs);
        std::iter::once(&*self.blobs).chain(parts)
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
    /// Free bytes of the volume that the blobs lie on. Needed for [`crate::StorePolicy::min_free`].
    pub free_bytes: Option<u64>,
    /// Bytes of the volume, used or free. Needed where `min_free` is a share.
    pub volume_bytes: Option<u64>,
    /// Bytes of a block of the volume. Choices whose freed bytes fill as many whole blocks count as
    /// equally good; 0 and 1 compare every byte.
    pub block_bytes: u64,
    /// The latest time that is known to have been, besides those of the items: a `now` before it tells
    /// a clock that was set back.
    pub latest: Option<SystemTime>,
}

impl Inventory {
    /// Refuses what contradicts itself, so that every blob has a length and no sum overflows.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if u32::try_from(self.items.len()).is_err() {
            return Err(Inner::TooLarge.into());
        }
        let mut ids: Vec<&str> = self.items.iter().map(|item| &*item.id).collect();
        ids.sort_unstable();
        if let Some([item, _]) = ids
            .windows(2)
            .filter_map(|pair| <&[&str; 2]>::try_from(pair).ok())
            .find(|[one, other]| one == other)
        {
            let item = (*item).to_owned();
            return Err(Inner::DuplicateItem { item }.into());
        }
        (self.blob_lengths.iter())
            .try_fold(0_u64, |sum, length| sum.checked_add(*length))
            .ok_or(Inner::TooLarge)?;
        // The last list that was seen to hold the blob, counted from 1: tells a blob named twice.
        let mut last_holder = vec![0_u32; self.blob_lengths.len()];
        let mut number = 0_u32;
        for item in &self.items {
            for list in item.lists() {
                number = number.checked_add(1).ok_or(Inner::TooLarge)?;
                for &blob in list {
                    let last = last_holder.get_mut(index(blob));
                    let last = last.ok_or_else(|| Inner::BlobOutOfRange {
                        item: item.id.clone(),
                        blob,
                        blobs: self.blob_lengths.len(),
                    })?;
                    if *last == number {
                        let item = item.id.clone();
                        return Err(Inner::DuplicateBlob { item, blob }.into());
                    }
                    *last = number;
                }
            }
            let mut names = HashSet::new();
            if let Some(part) = item.parts.iter().find(|part| !names.insert(&*part.name)) {
                return Err(Inner::DuplicatePart {
                    item: item.id.clone(),
                    part: part.name.clone(),
                }
                .into());
            }
        }
        Ok(())
    }
}

/// A blob's place in a vector; on a machine where it has none, one that no vector has.
pub(crate) fn index(blob: u32) -> usize {
    usize::try_from(blob).unwrap_or(usize::MAX)
}
