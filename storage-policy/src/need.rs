//! How many bytes must go, and which limit asks for it.

use crate::error::{Error, Inner};
use crate::inventory::Inventory;
use crate::store_policy::{Amount, StorePolicy, share};

/// Something that is to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Its bytes, as far as they are not stored yet.
    pub bytes: u64,
    /// Its tags, its series among them.
    pub tags: Vec<String>,
}

/// How many bytes of the store must go.
pub(crate) struct Need {
    pub(crate) bytes: u64,
    pub(crate) limit: Limit,
}

#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Bytes,
    Free,
    Room(u64),
}

impl Need {
    pub(crate) fn new(
        inventory: &Inventory,
        policy: &StorePolicy,
        incoming: Option<&Incoming>,
        held: u64,
    ) -> Result<Self, Error> {
        let new = incoming.map_or(0, |incoming| incoming.bytes);
        let marks = policy.marks().map_err(Inner::Contradiction)?;
        let held = held.saturating_add(new);
        let over = marks.map_or(0, |marks| match incoming {
            // Room is made for as much as is to come, and not down to the low mark.
            Some(_) => held.saturating_sub(marks.high),
            None if held > marks.high => held - marks.low,
            None => 0,
        });
        let keep_free = match policy.min_free {
            None => None,
            Some(Amount::Bytes(bytes)) => Some(bytes),
            Some(Amount::Percent(percent)) => {
                let volume = inventory.volume_bytes.ok_or(Inner::UnknownVolume)?;
                Some(share(volume, percent))
            }
        };
        let lacking = match (keep_free, inventory.free_bytes) {
            (None, None) => 0,
            (Some(_), None) => return Err(Inner::UnknownFreeSpace.into()),
            (keep, Some(free)) => keep.unwrap_or(0).saturating_add(new).saturating_sub(free),
        };
        let limit = match incoming {
            Some(_) => Limit::Room(new),
            None if over >= lacking => Limit::Bytes,
            None => Limit::Free,
        };
        Ok(Self {
            bytes: over.max(lacking),
            limit,
        })
    }
}

/// How many bytes of what has a tag must go.
pub(crate) struct TagNeed<'a> {
    pub(crate) tag: &'a str,
    pub(crate) over: u64,
    /// The items that have it, by their places.
    pub(crate) items: Vec<usize>,
}
