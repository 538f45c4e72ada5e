//! Who uses how many bytes.

use std::collections::{BTreeSet, HashMap};

use crate::{AssetId, Digest, Error, Store};

/// What the store holds, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of blobs, those included that no asset refers to.
    pub blobs: u64,
    /// Bytes of all blobs.
    pub blob_bytes: u64,
    /// Bytes of what is being received or waits to be continued.
    pub partial_bytes: u64,
    /// Bytes of damaged blobs and of removals that were cut off.
    pub trash_bytes: u64,
    /// The assets, sorted by id.
    pub assets: Vec<AssetUsage>,
}

/// What one asset holds, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetUsage {
    /// The asset.
    pub id: AssetId,
    /// The lengths of all entries together, as an export would write them.
    pub logical_bytes: u64,
    /// The blobs of the asset that are there, each once.
    pub stored_bytes: u64,
    /// Those of them that no other asset refers to: what removing the asset would free.
    pub exclusive_bytes: u64,
}

impl Store {
    /// Bytes that this user may still write on the volume that holds the store.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        self.layout().fs().free_bytes(self.root())
    }

    /// Counts the bytes of the store and of each asset. Of a damaged asset counts what can be read.
    ///
    /// # Errors
    /// When a folder cannot be listed or a manifest cannot be read.
    pub fn usage(&self) -> Result<Usage, Error> {
        let layout = self.layout();
        let mut usage = Usage {
            partial_bytes: layout.fs().bytes_below(&layout.partials())?,
            trash_bytes: layout.fs().bytes_below(&layout.trash())?,
            ..Usage::default()
        };
        let mut stored: HashMap<Digest, u64> = HashMap::new();
        for first in 0..=u8::MAX {
            for item in layout.fs().list(&layout.shard(first))? {
                if let Ok(digest) = item.name.parse() {
                    stored.insert(digest, item.length);
                    usage.blobs = usage.blobs.saturating_add(1);
                    usage.blob_bytes = usage.blob_bytes.saturating_add(item.length);
                }
            }
        }
        let mut assets = Vec::new();
        let mut users: HashMap<Digest, u32> = HashMap::new();
        self.for_each_asset(|loaded| {
            let asset = loaded.asset;
            let digests: BTreeSet<Digest> =
                asset.entries.values().map(|entry| entry.digest).collect();
            for digest in &digests {
                let count = users.entry(*digest).or_default();
                *count = count.saturating_add(1);
            }
            assets.push((asset.logical_bytes(), asset.id, digests));
            Ok(())
        })?;
        let total = |digests: &BTreeSet<Digest>, exclusive: bool| {
            digests
                .iter()
                .filter(|digest| !exclusive || users.get(digest) == Some(&1))
                .filter_map(|digest| stored.get(digest))
                .fold(0_u64, |total, length| total.saturating_add(*length))
        };
        usage.assets = assets
            .into_iter()
            .map(|(logical_bytes, id, digests)| AssetUsage {
                id,
                logical_bytes,
                stored_bytes: total(&digests, false),
                exclusive_bytes: total(&digests, true),
            })
            .collect();
        Ok(usage)
    }
}
