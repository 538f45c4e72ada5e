//! The index: from the identity of a source to the blob that was stored for it.
//!
//! Nothing but a hint. It is built from the manifests, belongs to one process at a time, and may be
//! deleted whenever nobody uses it. Nothing is believed of it that the files do not confirm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::completion::lock;
use crate::fs::{File, Fs};
use crate::layout::Layout;
use crate::lock::{self, Mode};
use crate::partial::PartialKey;
use crate::{AssetId, Digest, Entry, Error, manifest};

const CACHE_BYTES: u64 = 32 << 20;
const VALUE_BYTES: usize = 40;

/// A table from short keys to short values that may forget but not invent.
trait Table: Send {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Says whether it went well; if not, the table is of no more use.
    fn insert(&self, items: &[(Digest, [u8; VALUE_BYTES])]) -> bool;
    /// Brings everything to the disk. Says whether it is all there.
    fn flush(&self) -> bool;
}

/// The index of one open store, opened when first needed.
pub(crate) struct SourceIndex {
    layout: Arc<Layout>,
    state: Mutex<State>,
}

enum State {
    Untried,
    Open {
        table: Box<dyn Table>,
        _lock: File,
    },
    /// Another process has it, or it cannot be opened.
    Unavailable,
}

impl SourceIndex {
    pub(crate) fn new(layout: Arc<Layout>) -> SourceIndex {
        SourceIndex {
            layout,
            state: Mutex::new(State::Untried),
        }
    }

    /// The blob that was last stored under the key.
    pub(crate) fn find(&self, key: &Digest) -> Option<(Digest, u64)> {
        let mut state = lock(&self.state);
        self.open_if_untried(&mut state);
        match &*state {
            State::Open { table, .. } => decode(&table.get(key.as_bytes())?),
            _ => None,
        }
    }

    /// Notes what is about to be stored. Says whether it did; if not, whoever opens it next knows.
    pub(crate) fn insert<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> bool {
        let items: Vec<_> = entries.filter_map(item).collect();
        if items.is_empty() {
            return true;
        }
        let mut state = lock(&self.state);
        self.open_if_untried(&mut state);
        match &*state {
            State::Open { table, .. } if table.insert(&items) => true,
            _ => {
                *state = State::Unavailable;
                self.mark_stale();
                false
            }
        }
    }

    /// Lets whoever opens the index next know that it lacks something.
    pub(crate) fn mark_stale(&self) {
        let folder = self.layout.index();
        let fs = self.layout.fs();
        let _ = fs.create_directory(&folder);
        let _ = fs.overwrite(&folder.join(STALE), b"");
    }

    fn open_if_untried(&self, state: &mut State) {
        if matches!(state, State::Untried) {
            *state = match self.open() {
                Ok(Some(open)) => open,
                Ok(None) => State::Unavailable,
                Err(error) => {
                    tracing::warn!(%error, "going on without the index");
                    State::Unavailable
                }
            };
        }
    }

    fn open(&self) -> Result<Option<State>, Error> {
        let fs = self.layout.fs();
        // sled makes its own system calls.
        if !fs.is_local() {
            return Ok(None);
        }
        let folder = self.layout.index();
        fs.create_directory(&folder)?;
        let lock_path = folder.join("lock");
        let index_lock = fs.open_or_create(&lock_path)?;
        if !lock::acquire(&index_lock, &lock_path, Mode::Exclusive, Duration::ZERO)? {
            return Ok(None);
        }
        let table_path = folder.join("sled");
        let stale = fs.remove_file(&folder.join(STALE))?;
        // The marker goes before the first change, so that a crash leaves none.
        let clean = fs.remove_file(&folder.join(CLEAN))?;
        fs.sync_directory(&folder)?;
        let kept = if clean && !stale {
            SledTable::open(fs, &table_path)
        } else {
            None
        };
        let table = match kept {
            Some(table) => Some(table),
            None => self.rebuild(&table_path)?,
        };
        Ok(table.map(|table| State::Open {
            table: Box::new(table),
            _lock: index_lock,
        }))
    }

    /// A new table from all manifests and logs. The old one is not read: after a power cut it may
    /// panic, or lack what it had without saying so.
    fn rebuild(&self, path: &Path) -> Result<Option<SledTable>, Error> {
        self.layout.fs().remove_directory_all(path)?;
        let Some(table) = SledTable::open(self.layout.fs(), path) else {
            return Ok(None);
        };
        for name in self.layout.fs().list_directories(&self.layout.assets())? {
            let Ok(id) = AssetId::new(name) else { continue };
            // A damaged or just removed asset has nothing to say here.
            let Ok(loaded) = manifest::load(&self.layout, &id) else {
                continue;
            };
            let items: Vec<_> = loaded.asset.entries.values().filter_map(item).collect();
            if !table.insert(&items) {
                return Ok(None);
            }
        }
        Ok(Some(table))
    }
}

/// File whose presence says that the index was closed with everything in it.
const CLEAN: &str = "clean";
/// File whose presence says that something was stored that the index was not told of.
const STALE: &str = "stale";

impl Drop for SourceIndex {
    fn drop(&mut self) {
        if let State::Open { table, .. } = &*lock(&self.state)
            && table.flush()
        {
            let folder = self.layout.index();
            let _ = self.layout.fs().replace(&folder, CLEAN, b"1\n");
        }
    }
}

impl std::fmt::Debug for SourceIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceIndex").finish_non_exhaustive()
    }
}

fn item(entry: &Entry) -> Option<(Digest, [u8; VALUE_BYTES])> {
    let source = entry.source.as_ref()?;
    let key = PartialKey {
        identity: source.identity.clone(),
        range: source.range.clone(),
    };
    let mut value = [0; VALUE_BYTES];
    let (digest, length) = value.split_at_mut(32);
    digest.copy_from_slice(entry.digest.as_bytes());
    length.copy_from_slice(&entry.length.to_le_bytes());
    Some((key.digest().ok()?, value))
}

fn decode(value: &[u8]) -> Option<(Digest, u64)> {
    let (digest, length) = value.split_at_checked(32)?;
    let digest = Digest::from_bytes(digest.try_into().ok()?);
    Some((digest, u64::from_le_bytes(length.try_into().ok()?)))
}

/// sled 0.34, held at arm's length: its errors and its panics are answered by doing without.
struct SledTable {
    tree: sled::Db,
    fs: Fs,
    path: PathBuf,
}

impl SledTable {
    fn open(fs: &Fs, path: &Path) -> Option<SledTable> {
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

    fn insert(&self, items: &[(Digest, [u8; VALUE_BYTES])]) -> bool {
        let mut batch = sled::Batch::default();
        for (key, value) in items {
            batch.insert(key.as_bytes(), value.as_slice());
        }
        guarded("write", || self.tree.apply_batch(batch)).is_some()
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
