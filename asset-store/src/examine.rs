//! What can be told of a store without opening it, and without changing anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fs::{Fs, Kind};
use crate::layout::Layout;
use crate::lock::{self, Mode, WriterLock};
use crate::{AssetId, Error, InUse, Store, format, index};

/// What [`Store::examine`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Examination {
    /// Why the store cannot be opened; of the kind [`NotFound`](crate::ErrorKind::NotFound) when there is none. With
    /// it, the rest is empty but for what has to do with permissions.
    pub refused: Option<Error>,
    /// Files and folders that every store has, and this one lacks.
    pub missing: Vec<PathBuf>,
    /// Folders that belong to another user, or that others may write in.
    pub not_private: Vec<PathBuf>,
    /// Folders that this process may not write in. Where there is no store: the folder in which it would be created.
    pub not_writable: Vec<PathBuf>,
    /// How the index is.
    pub index: IndexState,
    /// Locks that are held, in the order of the assets.
    pub locks: Vec<HeldLock>,
}

/// How the index of a store is. It is a hint: whatever is wrong with it loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexState {
    /// There is none yet, or it was deleted.
    Absent,
    /// It was closed with everything in it.
    Whole,
    /// It lacks something, or was not closed; who needs it next builds it anew.
    Stale,
    /// Somebody has it open.
    InUse,
    /// Its files cannot be read.
    Unreadable,
}

/// A lock that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldLock {
    /// What for.
    pub purpose: LockPurpose,
    /// Of whom, as far as the system or the holder tells.
    pub processes: Vec<u32>,
}

/// What a lock is held for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockPurpose {
    /// To write this asset.
    Writing(AssetId),
    /// This asset is marked as in use, see [`Store::mark_in_use`].
    Using(AssetId),
    /// To collect garbage.
    Sweeping,
    /// To use the index.
    Indexing,
}

impl Store {
    /// Looks at the store in a folder without opening it. Nothing is created or changed, whatever is there.
    ///
    /// A lock is looked at by trying it for a moment, which no holder or writer notices.
    ///
    /// # Errors
    /// When a folder of the store cannot be listed.
    pub fn examine(root: impl AsRef<Path>) -> Result<Examination, Error> {
        examine(&Layout::new(Fs::local(), root.as_ref(), None))
    }
}

fn examine(layout: &Layout) -> Result<Examination, Error> {
    let fs = layout.fs();
    let mut found = Examination {
        refused: format::look(layout).err(),
        missing: Vec::new(),
        not_private: Vec::new(),
        not_writable: Vec::new(),
        index: IndexState::Absent,
        locks: Vec::new(),
    };
    let folders = [
        layout.root().to_owned(),
        layout.blobs(),
        layout.assets(),
        layout.partials(),
        layout.trash(),
    ];
    if !fs.exists(layout.root()) {
        let above = layout.root().ancestors().skip(1).map(named);
        let nearest = above.into_iter().find(|folder| fs.exists(folder));
        found.not_writable = nearest
            .filter(|path| !fs.is_writable(path))
            .into_iter()
            .collect();
        return Ok(found);
    }
    for folder in folders.iter().filter(|folder| fs.exists(folder)) {
        if fs.is_foreign(folder) || fs.is_shared(folder) {
            found.not_private.push(folder.clone());
        }
        if !fs.is_writable(folder) {
            found.not_writable.push(folder.clone());
        }
    }
    if found.refused.is_some() {
        return Ok(found);
    }
    let shards = (0..=u8::MAX).map(|first| layout.shard(first));
    let lacks = |path: &PathBuf| fs.kind(path) != Some(Kind::Directory);
    found.missing = folders.into_iter().chain(shards).filter(lacks).collect();
    if fs.length(&layout.lock()).is_none() {
        found.missing.push(layout.lock());
    }
    found.index = index_state(layout);
    found.locks = locks(layout)?;
    Ok(found)
}

fn named(folder: &Path) -> PathBuf {
    let here = Path::new(".");
    let is_empty = folder.as_os_str().is_empty();
    if is_empty { here } else { folder }.to_owned()
}

fn index_state(layout: &Layout) -> IndexState {
    let (fs, folder) = (layout.fs(), layout.index());
    if !fs.is_directory(&folder) {
        return IndexState::Absent;
    }
    if is_locked(fs, &folder.join("lock"), Mode::Shared).unwrap_or(false) {
        return IndexState::InUse;
    }
    let marked = |name| fs.length(&folder.join(name)).is_some();
    match fs.open(&folder.join("sled").join("db")) {
        Err(_) => IndexState::Unreadable,
        Ok(Some(_)) if marked(index::CLEAN) && !marked(index::STALE) => IndexState::Whole,
        Ok(_) => IndexState::Stale,
    }
}

/// Whether somebody has a lock that does not go together with this one.
fn is_locked(fs: &Fs, path: &Path, mode: Mode) -> Result<bool, Error> {
    match fs.open(path)? {
        None => Ok(false),
        Some((file, _)) => Ok(!lock::acquire(&file, path, mode, Duration::ZERO)?),
    }
}

fn locks(layout: &Layout) -> Result<Vec<HeldLock>, Error> {
    let fs = layout.fs();
    let mut held = Vec::new();
    let mut note = |is_held: Result<bool, Error>, path: &Path, purpose: LockPurpose| {
        // One that cannot be looked at is not known to be held.
        if is_held.unwrap_or(false) {
            let processes = fs.lock_holders(path);
            held.push(HeldLock { purpose, processes });
        }
    };
    let mut ids: Vec<AssetId> = (fs.list_directories(&layout.assets())?.into_iter())
        .filter_map(|name| AssetId::new(name).ok())
        .collect();
    ids.sort_unstable();
    for id in ids {
        let (writing, using) = (layout.writer_lock(&id), layout.use_lock(&id));
        let is_written = WriterLock::is_held(fs, &writing);
        note(is_written, &writing, LockPurpose::Writing(id.clone()));
        let is_used = InUse::is_marked(fs, &using);
        note(is_used, &using, LockPurpose::Using(id));
    }
    let sweeping = layout.sweep_lock();
    let is_swept = is_locked(fs, &sweeping, Mode::Shared);
    note(is_swept, &sweeping, LockPurpose::Sweeping);
    let indexing = layout.index().join("lock");
    let is_indexed = is_locked(fs, &indexing, Mode::Shared);
    note(is_indexed, &indexing, LockPurpose::Indexing);
    for lock in &mut held {
        let LockPurpose::Writing(id) = &lock.purpose else {
            continue;
        };
        if lock.processes.is_empty() {
            // Its holder leaves its number in it.
            let written = fs.read(&layout.writer_lock(id), 20).ok().flatten();
            let text = String::from_utf8(written.unwrap_or_default()).ok();
            lock.processes = text
                .and_then(|text| text.trim().parse().ok())
                .into_iter()
                .collect();
        }
    }
    Ok(held)
}
