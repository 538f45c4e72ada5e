//! Who uses how many bytes.

use std::collections::BTreeSet;

use crate::{AssetId, Digest, Error, Store, reservation};

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
    /// Bytes that [reservations](Store::reserve) keep free.
    pub reserved_bytes: u64,
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

impl Usage {
    /// What all of it takes on the disk: blobs, partials and trash.
    pub fn physical_bytes(&self) -> u64 {
        self.blob_bytes
            .saturating_add(self.partial_bytes)
            .saturating_add(self.trash_bytes)
    }

    /// The lengths of all entries of all assets together.
    pub fn logical_bytes(&self) -> u64 {
        let lengths = self.assets.iter().map(|asset| asset.logical_bytes);
        lengths.fold(0, u64::saturating_add)
    }
}

impl AssetUsage {
    /// Bytes of its blobs that other assets refer to as well.
    pub fn shared_bytes(&self) -> u64 {
        self.stored_bytes.saturating_sub(self.exclusive_bytes)
    }
}

impl Store {
    /// Bytes that this user may still write on the volume that holds the store.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        self.layout().fs().free_bytes(self.root())
    }

    /// Bytes of the volume that holds the store, used or free.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn volume_bytes(&self) -> Result<u64, Error> {
        self.layout().fs().volume_bytes(self.root())
    }

    /// Bytes of what is being received or waits to be continued, as [`usage`](Self::usage) has them; this reads no manifest.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn partial_bytes(&self) -> Result<u64, Error> {
        self.layout().fs().bytes_below(&self.layout().partials())
    }

    /// The assets that refer to a blob, sorted by id: who has lost something when it is damaged. Of a damaged
    /// asset counts what can be read.
    ///
    /// All manifests are read, since only they know: an index that may have lost something could leave
    /// one out.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn assets_with(&self, digest: &Digest) -> Result<Vec<AssetId>, Error> {
        let mut found = Vec::new();
        self.for_each_asset(|loaded| {
            let mut entries = loaded.asset.entries.values();
            if entries.any(|entry| entry.digest == *digest) {
                found.push(loaded.asset.id);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Counts the bytes of the store and of each asset. Of a damaged asset counts what can be read.
    ///
    /// # Errors
    /// When a folder cannot be listed or a manifest cannot be read.
    pub fn usage(&self) -> Result<Usage, Error> {
        let layout = self.layout();
        let mut usage = Usage {
            partial_bytes: self.partial_bytes()?,
            reserved_bytes: reservation::reserved(layout)?,
            trash_bytes: layout.fs().bytes_below(&layout.trash())?,
            ..Usage::default()
        };
        // Sorted, as the folders are, so that assets can name blobs by their place in here.
        let mut stored: Vec<(Digest, u64)> = Vec::new();
        for first in 0..=u8::MAX {
            let start = stored.len();
            for item in layout.fs().list(&layout.shard(first))? {
                if let Ok(digest) = item.name.parse() {
                    stored.push((digest, item.length));
                    usage.blobs = usage.blobs.saturating_add(1);
                    usage.blob_bytes = usage.blob_bytes.saturating_add(item.length);
                }
            }
            stored.get_mut(start..).unwrap_or_default().sort_unstable();
        }
        let mut users = vec![0_u32; stored.len()];
        let mut assets: Vec<(u64, AssetId, Vec<u32>)> = Vec::new();
        self.for_each_asset(|loaded| {
            let asset = loaded.asset;
            let digests: BTreeSet<&Digest> =
                asset.entries.values().map(|entry| &entry.digest).collect();
            let used: Vec<u32> = digests
                .into_iter()
                .filter_map(|wanted| stored.binary_search_by_key(wanted, |blob| blob.0).ok())
                .filter_map(|place| u32::try_from(place).ok())
                .collect();
            for &place in &used {
                if let Some(count) = users.get_mut(index(place)) {
                    *count = count.saturating_add(1);
                }
            }
            assets.push((asset.logical_bytes(), asset.id, used));
            Ok(())
        })?;
        let total = |used: &[u32], exclusive: bool| {
            used.iter()
                .map(|&place| index(place))
                .filter(|&place| !exclusive || users.get(place) == Some(&1))
                .filter_map(|place| stored.get(place))
                .fold(0_u64, |total, blob| total.saturating_add(blob.1))
        };
        usage.assets = assets
            .into_iter()
            .map(|(logical_bytes, id, used)| AssetUsage {
                id,
                logical_bytes,
                stored_bytes: total(&used, false),
                exclusive_bytes: total(&used, true),
            })
            .collect();
        Ok(usage)
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
