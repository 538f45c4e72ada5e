//! storage-policy's [`Inventory`] over the store: which asset holds which bytes, and who may go.

use std::collections::HashMap;
use std::time::SystemTime;

use asset_store::{AssetId, Digest, Store};
use storage_policy::{Inventory, Item, Part};

use crate::Result;
use crate::session::{auxiliary, clock, parallel, record};

/// What common file systems allocate: a few bytes more in a playlist should not decide what goes.
const BLOCK_BYTES: u64 = 4096;
/// Assets that are read before their blobs get numbers: memory does not hold the digests of all.
const AT_ONCE: usize = 256;

/// Everything a purge has to know, read without a lock.
pub(crate) fn inventory(store: &Store) -> Result<Inventory> {
    let mut blobs = Blobs::default();
    let mut items = Vec::new();
    for ids in store.asset_ids()?.chunks(AT_ONCE) {
        for read in parallel::map(ids, |id| read(store, id)) {
            items.extend(read?.map(|held| held.numbered(&mut blobs)));
        }
    }
    Ok(Inventory {
        items,
        blob_lengths: blobs.lengths,
        free_bytes: Some(store.free_bytes()?),
        volume_bytes: Some(store.volume_bytes()?),
        block_bytes: BLOCK_BYTES,
        latest: clock::latest_time(store),
    })
}

/// The numbers of the blobs, in the order in which they are met.
#[derive(Default)]
struct Blobs {
    numbers: HashMap<Digest, u32>,
    lengths: Vec<u64>,
}

impl Blobs {
    fn number(&mut self, digest: Digest, length: u64) -> u32 {
        let next = u32::try_from(self.lengths.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(digest).or_insert(next);
        if number == next {
            self.lengths.push(length);
        }
        number
    }
}

/// An asset whose blobs have no numbers yet.
struct Held {
    /// Its parts hold nothing yet.
    item: Item,
    /// Blobs with their lengths, and the part that holds them; without one the item does.
    blobs: Vec<(Digest, u64, Option<usize>)>,
}

impl Held {
    fn numbered(self, blobs: &mut Blobs) -> Item {
        let mut item = self.item;
        for (digest, length, part) in self.blobs {
            let number = blobs.number(digest, length);
            match part.and_then(|part| item.parts.get_mut(part)) {
                Some(part) => part.blobs.push(number),
                None => item.blobs.push(number),
            }
        }
        let parts = item.parts.iter_mut().map(|part| &mut part.blobs);
        for list in parts.chain([&mut item.blobs]) {
            list.sort_unstable();
            list.dedup();
        }
        item
    }
}

/// `None` when it cannot be read.
fn read(store: &Store, id: &AssetId) -> Result<Option<Held>> {
    let asset = match store.asset(id) {
        Ok(asset) => asset,
        Err(error) => {
            // Removed since the listing, or damaged: then nobody knows what removing it would free.
            tracing::warn!(%id, %error, "not among what may be purged");
            return Ok(None);
        }
    };
    let policy = record::policy(store, id)?;
    let mut auxiliary = Vec::new();
    if policy.drop_auxiliary {
        auxiliary = auxiliary::tracks(store, &asset).unwrap_or_else(|error| {
            tracing::warn!(%id, error = %error.one_line(), "goes as a whole or not at all");
            Vec::new()
        });
    }
    let blobs = asset.entries().iter().map(|(path, entry)| {
        let track = path.split_once('/').map(|(track, _)| track);
        let part = auxiliary.iter().position(|name| Some(&**name) == track);
        (entry.digest, entry.length, part)
    });
    let blobs = blobs.collect();
    let parts = auxiliary.into_iter().map(|name| Part {
        name,
        blobs: Vec::new(),
    });
    let created = record::metadata(store, id)?
        .and_then(|metadata| record::time(metadata.created))
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let played = record::played(store, id)?;
    let is_first_doubtful = played.is_some_and(|played| played.is_first_doubtful);
    let item = Item {
        policy,
        first_played: played.and_then(|played| record::time(played.first?)),
        last_played: played.and_then(|played| record::time(played.last)),
        times_doubtful: is_first_doubtful || clock::is_doubtful(store, id)?,
        in_use: store.is_in_use(id)?,
        being_written: store.is_being_written(id)?,
        parts: parts.collect(),
        ..Item::new(id.as_str(), created, Vec::new())
    };
    Ok(Some(Held { item, blobs }))
}
