//! storage-policy's [`Inventory`] over the store: which asset holds which bytes, and who may go.

use std::collections::HashMap;
use std::time::SystemTime;

use asset_store::{Digest, Store};
use storage_policy::{Inventory, Item};

use crate::Result;
use crate::session::record;

/// Everything a purge has to know, read without a lock.
pub(crate) fn inventory(store: &Store) -> Result<Inventory> {
    let mut blobs: HashMap<Digest, u32> = HashMap::new();
    let mut blob_lengths = Vec::new();
    let mut items = Vec::new();
    for id in store.asset_ids()? {
        let asset = match store.asset(&id) {
            Ok(asset) => asset,
            Err(error) => {
                // Removed since the listing, or damaged: then nobody knows what removing it would free.
                tracing::warn!(%id, %error, "not among what may be purged");
                continue;
            }
        };
        let mut held: Vec<u32> = Vec::with_capacity(asset.entries().len());
        for entry in asset.entries().values() {
            let next = u32::try_from(blob_lengths.len()).unwrap_or(u32::MAX);
            let index = *blobs.entry(entry.digest).or_insert(next);
            if index == next {
                blob_lengths.push(entry.length);
            }
            held.push(index);
        }
        held.sort_unstable();
        held.dedup();
        let created = record::metadata(store, &id)?
            .and_then(|metadata| record::time(metadata.created))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        items.push(Item {
            policy: record::policy(store, &id)?,
            last_played: record::last_played(store, &id)?,
            in_use: store.is_in_use(&id)?,
            being_written: store.is_being_written(&id)?,
            ..Item::new(id.as_str(), created, held)
        });
    }
    Ok(Inventory {
        items,
        blob_lengths,
        free_bytes: Some(store.free_bytes()?),
        ..Inventory::default()
    })
}
