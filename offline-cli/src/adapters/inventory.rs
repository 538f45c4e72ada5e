//! storage-policy's [`Inventory`] over the store: which asset holds which bytes, and who may go.

use std::collections::HashMap;
use std::time::SystemTime;

use asset_store::{Digest, Store};
use storage_policy::{Inventory, Item, Part};

use crate::Result;
use crate::session::{auxiliary, clock, record};

/// What common file systems allocate: a few bytes more in a playlist should not decide what goes.
const BLOCK_BYTES: u64 = 4096;

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
        let policy = record::policy(store, &id)?;
        let mut auxiliary = Vec::new();
        if policy.drop_auxiliary {
            auxiliary = auxiliary::tracks(store, &asset).unwrap_or_else(|error| {
                tracing::warn!(%id, error = %error.one_line(), "goes as a whole or not at all");
                Vec::new()
            });
        }
        let mut held: Vec<u32> = Vec::with_capacity(asset.entries().len());
        let mut parts: Vec<Part> = auxiliary
            .into_iter()
            .map(|name| Part {
                name,
                blobs: Vec::new(),
            })
            .collect();
        for (path, entry) in asset.entries() {
            let next = u32::try_from(blob_lengths.len()).unwrap_or(u32::MAX);
            let index = *blobs.entry(entry.digest).or_insert(next);
            if index == next {
                blob_lengths.push(entry.length);
            }
            let track = path.split_once('/').map(|(track, _)| track);
            match parts.iter_mut().find(|part| Some(&*part.name) == track) {
                Some(part) => part.blobs.push(index),
                None => held.push(index),
            }
        }
        for list in parts
            .iter_mut()
            .map(|part| &mut part.blobs)
            .chain([&mut held])
        {
            list.sort_unstable();
            list.dedup();
        }
        let created = record::metadata(store, &id)?
            .and_then(|metadata| record::time(metadata.created))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let played = record::played(store, &id)?;
        let is_first_doubtful = played.is_some_and(|played| played.is_first_doubtful);
        items.push(Item {
            policy,
            first_played: played.and_then(|played| record::time(played.first?)),
            last_played: played.and_then(|played| record::time(played.last)),
            times_doubtful: is_first_doubtful || clock::is_doubtful(store, &id)?,
            in_use: store.is_in_use(&id)?,
            being_written: store.is_being_written(&id)?,
            parts,
            ..Item::new(id.as_str(), created, held)
        });
    }
    Ok(Inventory {
        items,
        blob_lengths,
        free_bytes: Some(store.free_bytes()?),
        volume_bytes: Some(store.volume_bytes()?),
        block_bytes: BLOCK_BYTES,
        latest: clock::latest_time(store),
    })
}
