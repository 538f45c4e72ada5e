//! The table beneath the index.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::Item;
use crate::fs::Fs;

/// Fits beside a million blobs; what is not in it is in the memory of the system.
const CACHE_BYTES: u64 = 8 << 20;

/// A table from short keys to short values that may forget but not invent.
pub(super) trait Table: Send {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Says whether it went well; if not, the table is of no more use.
    fn insert(&self, items: &mut dyn Iterator<Item = Item>) -> bool;
    /// Brings everything to the disk. Says whether it is all there.
    fn flush(&self) -> bool;
}

/// sled 0.34, held at arm's length: its errors and its panics are answered by doing without.
pub(super) struct SledTable {
    tree: sled::Db,
    fs: Fs,
    path: PathBuf,
}

impl SledTable {
    pub(super) fn open(fs: &Fs, path: &Path) -> Option<SledTable> {
        let config = sled::Config::default()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(None);
        let tree = guarded("open", || config.open())?;
        Some(SledTable {
            tree,
            fs: fs.clone(),
            path: path.to_owned(),
        })
    }
}

impl Table for SledTable {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        guarded("read", || self.tree.get(key))?.map(|value| value.to_vec())
    }

    fn insert(&self, items: &mut dyn Iterator<Item = Item>) -> bool {
        // One by one: of large batches sled keeps hundreds of megabytes in memory, and is no faster.
        for (key, value) in items {
            let insert = || self.tree.insert(key.as_bytes(), value.as_slice());
            if guarded("write", insert).is_none() {
                return false;
            }
        }
        true
    }

    /// sled's own flush does not survive a power cut on Linux, so its file is synced once more.
    fn flush(&self) -> bool {
        let file = self.path.join("db");
        guarded("flush", || self.tree.flush()).is_some()
            && self
                .fs
                .sync_existing(&file)
                .and_then(|()| self.fs.sync_directory(&self.path))
                .is_ok()
    }
}

fn guarded<T>(what: &str, action: impl FnOnce() -> sled::Result<T>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot {what} the index");
            None
        }
        Err(_) => {
            tracing::warn!("the index panicked, cannot {what} it");
            None
        }
    }
}
