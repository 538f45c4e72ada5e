//! Who holds which blob, and what is free when a holder goes.

use crate::error::{Error, Inner};
use crate::inventory::{Inventory, Item};

/// How many items still hold each blob, and how many bytes nobody holds any more.
///
/// Made by [`Holdings::new`], which checks the inventory, so that every blob of its items has a
/// length and no sum of lengths overflows.
#[derive(Clone)]
pub(crate) struct Holdings<'a> {
    lengths: &'a [u64],
    holders: Vec<u32>,
    held: u64,
    freed: u64,
}

impl<'a> Holdings<'a> {
    /// Counts the holders; an error if the inventory contradicts itself.
    pub(crate) fn new(inventory: &'a Inventory) -> Result<Self, Error> {
        let lengths = inventory.blob_lengths.as_slice();
        u32::try_from(inventory.items.len()).map_err(|_| Inner::TooLarge)?;
        let mut ids: Vec<&str> = inventory.items.iter().map(|item| &*item.id).collect();
        ids.sort_unstable();
        if let Some(item) = ids.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some((*one).to_owned()),
            _ => None,
        }) {
            return Err(Inner::DuplicateItem { item }.into());
        }
        lengths
            .iter()
            .try_fold(0_u64, |sum, length| sum.checked_add(*length))
            .ok_or(Inner::TooLarge)?;

        let mut holders = vec![0_u32; lengths.len()];
        // The last item that was seen to hold the blob, counted from 1: tells a blob named twice.
        let mut last_holder = vec![0_usize; lengths.len()];
        for (number, item) in (1..).zip(&inventory.items) {
            for &blob in &item.blobs {
                let index = usize::try_from(blob).unwrap_or(usize::MAX);
                let (Some(count), Some(last)) =
                    (holders.get_mut(index), last_holder.get_mut(index))
                else {
                    return Err(Inner::BlobOutOfRange {
                        item: item.id.clone(),
                        blob,
                        blobs: lengths.len(),
                    }
                    .into());
                };
                if *last == number {
                    return Err(Inner::DuplicateBlob {
                        item: item.id.clone(),
                        blob,
                    }
                    .into());
                }
                *last = number;
                *count += 1;
            }
        }
        let held = (holders.iter().zip(lengths))
            .filter(|(count, _)| **count > 0)
            .map(|(_, length)| length)
            .sum();
        Ok(Self {
            lengths,
            holders,
            held,
            freed: 0,
        })
    }

    /// Bytes that were held at the start, each blob once.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// Bytes that the items released so far leave unheld.
    pub(crate) fn freed(&self) -> u64 {
        self.freed
    }

    /// Lets go of the blobs of an item; bytes that this frees.
    pub(crate) fn release(&mut self, item: &Item) -> u64 {
        let mut bytes: u64 = 0;
        for index in indices(item) {
            let (Some(count), Some(length)) =
                (self.holders.get_mut(index), self.lengths.get(index))
            else {
                continue;
            };
            *count = count.saturating_sub(1);
            if *count == 0 {
                bytes = bytes.saturating_add(*length);
            }
        }
        self.freed = self.freed.saturating_add(bytes);
        bytes
    }

    /// Bytes that would be held again if a released item stayed after all.
    pub(crate) fn bytes_of_released(&self, item: &Item) -> u64 {
        indices(item)
            .filter(|index| self.holders.get(*index) == Some(&0))
            .filter_map(|index| self.lengths.get(index))
            .fold(0, |sum, length| sum.saturating_add(*length))
    }

    /// Takes back a release.
    pub(crate) fn hold_again(&mut self, item: &Item) {
        self.freed = self.freed.saturating_sub(self.bytes_of_released(item));
        for index in indices(item) {
            if let Some(count) = self.holders.get_mut(index) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Bytes of all blobs of an item.
    pub(crate) fn bytes_of(&self, item: &Item) -> u64 {
        indices(item)
            .filter_map(|index| self.lengths.get(index))
            .fold(0, |sum, length| sum.saturating_add(*length))
    }
}

fn indices(item: &Item) -> impl Iterator<Item = usize> + '_ {
    item.blobs
        .iter()
        .map(|blob| usize::try_from(*blob).unwrap_or(usize::MAX))
}
