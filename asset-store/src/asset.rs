//! An asset as readers see it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{AssetId, Digest, Entry};

/// A snapshot of an asset: a tree of entries, as it was when it was read. Clones share the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    pub(crate) id: AssetId,
    pub(crate) generation: u64,
    pub(crate) sealed: bool,
    pub(crate) entries: Arc<BTreeMap<String, Entry>>,
}

impl Asset {
    pub(crate) fn empty(id: AssetId) -> Asset {
        Asset {
            id,
            generation: 0,
            sealed: false,
            entries: Arc::default(),
        }
    }

    /// The id.
    pub fn id(&self) -> &AssetId {
        &self.id
    }

    /// How many manifests were written so far: 0 until the asset is first sealed.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether its writer called it finished and nothing was changed since.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// All entries, by path.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// The entry at `path`.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The lengths of all entries together, in bytes; a blob with two entries counts twice.
    pub fn logical_bytes(&self) -> u64 {
        self.entries
            .values()
            .fold(0, |total, entry| total.saturating_add(entry.length))
    }

    /// The blobs it refers to with their lengths, each once.
    pub(crate) fn blobs(&self) -> BTreeSet<(Digest, u64)> {
        self.entries
            .values()
            .map(|entry| (entry.digest, entry.length))
            .collect()
    }
}
