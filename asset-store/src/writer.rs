//! The one writer of an asset.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::blob::Condition;
use crate::commit::{Action, Change, Job};
use crate::completion::{Commit, lock, pair};
use crate::entry::check_entry_path;
use crate::fs::{self, Fs};
use crate::layout::Layout;
use crate::lock::{Mode, SweepLock, WriterLock};
use crate::log::Log;
use crate::manifest::{self, Loaded, Old, Record};
use crate::partial::{Partial, PartialKey};
use crate::reservation::Reservation;
use crate::store::StoreInner;
use crate::{Asset, AssetId, Digest, Entry, EntryAttributes, Error, ErrorKind, blob};

/// Writes one asset. There is at most one of them per asset, over all processes; it can be used
/// from many threads. The asset is free again when it and all its [`Partial`]s are dropped.
///
/// What is committed is there for readers at once, and stays there whatever happens; [`seal`]
/// only turns the log of changes into a manifest.
///
/// [`seal`]: AssetWriter::seal
#[derive(Debug)]
pub struct AssetWriter {
    store: Arc<StoreInner>,
    state: Arc<WriterState>,
}

/// What the writer, its partials and its commits under way share.
#[derive(Debug)]
pub(crate) struct WriterState {
    layout: Arc<Layout>,
    current: Mutex<Asset>,
    log: Mutex<Log>,
    /// Whether the folder of the partials is there. While we write, nobody takes it away.
    has_partials_folder: AtomicBool,
    /// Names of the partials that are open.
    partials: Mutex<HashSet<String>>,
    /// Blobs of a relaxed store that wait for the seal to become durable.
    unsynced: Mutex<BTreeSet<Digest>>,
    reservation: Mutex<Option<Reservation>>,
    _lock: WriterLock,
}

impl AssetWriter {
    pub(crate) fn open(store: Arc<StoreInner>, id: &AssetId) -> Result<AssetWriter, Error> {
        let layout = Arc::clone(&store.layout);
        let folder = layout.asset(id);
        // Under the sweep lock nobody removes the folder between our steps.
        let sweep = SweepLock::acquire(&layout, Mode::Shared)?;
        layout.fs().create_directory(&folder)?;
        let writer_lock = WriterLock::acquire(&layout, id)?;
        store.fill_reserve();
        let loaded = manifest::load(&layout, id)?;
        let unsynced = check_relaxed(&layout, &loaded)?;
        let (asset, log_end) = if loaded.is_damaged() {
            tracing::warn!(asset = %id, "the asset is damaged; what can be read is kept");
            // The new manifest says of nothing that it is not durable.
            sync_blobs(&layout, &unsynced)?;
            (manifest::mend(&layout, loaded)?, 0)
        } else {
            manifest::clear_leftovers(&layout, &loaded.asset)?;
            (loaded.asset, loaded.log_end)
        };
        let log = Log::new(layout.fs(), folder, asset.generation, log_end);
        drop(sweep);
        let (entries, sealed) = (asset.entries.len(), asset.sealed);
        tracing::debug!(asset = %id, entries, sealed, "writing");
        let state = WriterState {
            layout,
            current: Mutex::new(asset),
            log: Mutex::new(log),
            has_partials_folder: AtomicBool::new(false),
            partials: Mutex::default(),
            unsynced: Mutex::new(unsynced),
            reservation: Mutex::default(),
            _lock: writer_lock,
        };
        Ok(AssetWriter {
            store,
            state: Arc::new(state),
        })
    }

    /// The id of the asset.
    pub fn id(&self) -> AssetId {
        lock(&self.state.current).id.clone()
    }

    /// The asset with everything that was acknowledged so far.
    pub fn asset(&self) -> Asset {
        lock(&self.state.current).clone()
    }

    /// Stores into space that was [reserved](crate::Store::reserve): each commit that is acknowledged consumes
    /// of it. It is given back with the writer, or when another one takes its place.
    pub fn use_reservation(&self, reservation: Reservation) {
        *lock(&self.state.reservation) = Some(reservation);
    }

    /// Whether `path` has an entry whose blob is there, whole by its length.
    pub fn contains(&self, path: &str) -> bool {
        let entry = lock(&self.state.current)
            .entry(path)
            .map(|entry| (entry.digest, entry.length));
        entry.is_some_and(|(digest, length)| blob::exists(&self.state.layout, &digest, length))
    }

    /// Opens the partial of `key`, new or with what an earlier attempt has left: the longest prefix
    /// whose digest was noted and still holds.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while the partial of the same key is open.
    pub fn partial(&self, key: &PartialKey) -> Result<Partial, Error> {
        let name = key.digest()?.to_string();
        self.open_partial(Some(key.clone()), name)
    }

    /// Opens a partial that no later attempt continues.
    pub(crate) fn unnamed_partial(&self) -> Result<Partial, Error> {
        self.open_partial(None, fs::unique_name("put-"))
    }

    /// Makes durable what a relaxed store leaves for the seal.
    pub(crate) fn sync_blobs(&self) -> Result<(), Error> {
        self.state.sync_blobs()
    }

    fn open_partial(&self, key: Option<PartialKey>, name: String) -> Result<Partial, Error> {
        let has_folder = &self.state.has_partials_folder;
        if !has_folder.load(Ordering::Acquire) {
            let folder = self.state.layout.partials_of(&self.id());
            self.state.fs().create_directory(&folder)?;
            has_folder.store(true, Ordering::Release);
        }
        if !lock(&self.state.partials).insert(name.clone()) {
            let path = self.state.partial_path(&name, "data");
            return Err(Error::at(
                ErrorKind::Busy,
                &path,
                "the resource is being received already",
            ));
        }
        Partial::open(Arc::clone(&self.state), key, name)
    }

    /// Makes what was received the entry at `path`, in place of the one that is there.
    ///
    /// Commits of all assets of the store are gathered, so have several under way. The partial is
    /// used up; if the commit fails, what was received can still be opened by the same key unless
    /// the disk has lost it.
    ///
    /// Blocks only while hundreds of commits are queued.
    pub fn commit(&self, mut partial: Partial, path: &str, attributes: EntryAttributes) -> Commit {
        let entry = attributes.into_entry(partial.digest(), partial.length());
        if !partial.belongs_to(&self.state) {
            let (done, pending) = pair();
            let message = "the partial was opened by the writer of another asset";
            done.fill(Err(Error::new(ErrorKind::Busy, message)));
            return Commit::new(pending);
        }
        if self.store.is_durable() {
            partial.start_write_back();
        }
        self.submit(path, entry, Action::Store(Box::new(partial)))
    }

    /// Stores bytes that are at hand as the entry at `path`: playlists, keys.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] for the path; [`ErrorKind::DiskFull`] and others.
    pub fn put(
        &self,
        path: &str,
        bytes: &[u8],
        attributes: EntryAttributes,
    ) -> Result<Entry, Error> {
        self.put_pieces(path, [bytes], attributes)
    }

    /// Like [`put`](AssetWriter::put), of bytes that are in several places.
    ///
    /// # Errors
    /// Those of [`put`](AssetWriter::put).
    pub fn put_pieces<'b>(
        &self,
        path: &str,
        pieces: impl IntoIterator<Item = &'b [u8]>,
        attributes: EntryAttributes,
    ) -> Result<Entry, Error> {
        check_entry_path(path)?;
        let mut partial = self.unnamed_partial()?;
        for bytes in pieces {
            partial
                .append(bytes)
                .inspect_err(|_| partial.mark_duplicate())?;
        }
        self.commit(partial, path, attributes).wait()
    }

    /// Makes a blob that the store has already the entry at `path`, see
    /// [`Store::find_source`](crate::Store::find_source).
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when the store has no such blob of this length (any more).
    pub fn link(
        &self,
        path: &str,
        digest: &Digest,
        length: u64,
        attributes: EntryAttributes,
    ) -> Result<Entry, Error> {
        self.begin_link(path, digest, length, attributes).wait()
    }

    /// Like [`link`](AssetWriter::link), without waiting: many links share their syncs.
    ///
    /// # Errors
    /// Those of [`link`](AssetWriter::link), from the [`Commit`].
    pub fn begin_link(
        &self,
        path: &str,
        digest: &Digest,
        length: u64,
        attributes: EntryAttributes,
    ) -> Commit {
        let entry = attributes.into_entry(*digest, length);
        self.submit(path, entry, Action::Link)
    }

    /// Takes the entry at `path` out of the asset.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is none.
    pub fn remove_entry(&self, path: &str) -> Result<(), Error> {
        self.begin_remove_entry(path)?.wait().map(drop)
    }

    /// Like [`remove_entry`](AssetWriter::remove_entry), without waiting: many removals share their syncs.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is none; others from the [`Commit`].
    pub fn begin_remove_entry(&self, path: &str) -> Result<Commit, Error> {
        let entry = lock(&self.state.current)
            .entry(path)
            .cloned()
            .ok_or_else(|| {
                let message = format!(
                    "the asset has no entry {:?}",
                    path.get(..80).unwrap_or(path)
                );
                Error::new(ErrorKind::Missing, message)
            })?;
        Ok(self.submit(path, entry, Action::Remove))
    }

    /// Calls the asset finished: waits for the commits under way, writes the manifest of the next
    /// generation, makes it the current one and drops the log. An asset that is sealed and unchanged
    /// stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`] and others; then everything committed is still there, unsealed.
    pub fn seal(&self) -> Result<Asset, Error> {
        let (done, pending) = pair();
        self.store.committer()?.submit(Job::Seal {
            state: Arc::clone(&self.state),
            done,
        });
        pending.wait()
    }

    fn submit(&self, path: &str, entry: Entry, action: Action) -> Commit {
        let (done, pending) = pair();
        let committer = check_entry_path(path).and_then(|()| self.store.committer());
        match committer {
            Ok(committer) => {
                let state = Arc::clone(&self.state);
                let change = Change {
                    state,
                    path: path.to_owned(),
                    entry,
                    action,
                    done,
                };
                committer.submit(Job::Change(change));
            }
            Err(error) => {
                drop(action);
                done.fill(Err(error));
            }
        }
        Commit::new(pending)
    }
}

impl WriterState {
    pub(crate) fn fs(&self) -> &Fs {
        self.layout.fs()
    }

    pub(crate) fn id(&self) -> AssetId {
        lock(&self.current).id.clone()
    }

    pub(crate) fn partial_path(&self, name: &str, extension: &str) -> PathBuf {
        let id = &lock(&self.current).id;
        self.layout
            .partials_of(id)
            .join(format!("{name}.{extension}"))
    }

    pub(crate) fn release_partial(&self, name: &str) {
        lock(&self.partials).remove(name);
    }

    /// Bytes that are reserved for this writer.
    pub(crate) fn reserved(&self) -> u64 {
        lock(&self.reservation)
            .as_ref()
            .map_or(0, Reservation::remaining)
    }

    pub(crate) fn remember_unsynced(&self, digest: Digest) {
        lock(&self.unsynced).insert(digest);
    }

    pub(crate) fn append_to_log(&self, lines: &[u8], durable: bool) -> Result<(), Error> {
        lock(&self.log).append(lines, durable)
    }

    /// Shows what the log says now.
    pub(crate) fn apply(&self, records: Vec<Record>) {
        if let Some(reservation) = &*lock(&self.reservation) {
            let lengths = records.iter().map(|record| match record {
                Record::Put { entry, .. } => entry.length,
                _ => 0,
            });
            reservation.consume(lengths.fold(0, u64::saturating_add));
        }
        let mut current = lock(&self.current);
        current.sealed = false;
        manifest::apply(&mut current, records);
    }

    pub(crate) fn seal(&self) -> Result<Asset, Error> {
        let mut log = lock(&self.log);
        // What a failed commit has left in the log may not be called sealed.
        log.check_usable()?;
        let mut next = lock(&self.current).clone();
        if next.sealed {
            return Ok(next);
        }
        self.sync_blobs()?;
        next.generation = next.generation.saturating_add(1);
        next.sealed = true;
        manifest::write(&self.layout, &next)?;
        // From here on it is not known which generation is the current one until HEAD is durable: what
        // went to the log of the wrong one would be lost.
        manifest::make_current(&self.layout, &next).inspect_err(|_| log.give_up())?;
        if let Err(error) = manifest::retire_other_generations(&self.layout, &next, Old::Delete) {
            tracing::warn!(%error, "the files of older generations stay until the next writer");
        }
        *log = Log::new(self.fs(), self.layout.asset(&next.id), next.generation, 0);
        *lock(&self.current) = next.clone();
        let (generation, entries) = (next.generation, next.entries.len());
        tracing::debug!(asset = %next.id, generation, entries, "sealed");
        Ok(next)
    }

    fn sync_blobs(&self) -> Result<(), Error> {
        let mut unsynced = lock(&self.unsynced);
        // Without those that were replaced meanwhile: nobody refers to them, so they may be gone.
        let current = lock(&self.current);
        let kept: BTreeSet<Digest> = current.entries.values().map(|entry| entry.digest).collect();
        drop(current);
        unsynced.retain(|digest| kept.contains(digest));
        sync_blobs(&self.layout, &unsynced)?;
        unsynced.clear();
        Ok(())
    }
}

/// Entries that a relaxed store has acknowledged may have lost bytes in a power cut, so they are read
/// again. Says which are whole, and still wait to become durable.
pub(crate) fn check_relaxed(layout: &Layout, loaded: &Loaded) -> Result<BTreeSet<Digest>, Error> {
    let mut whole = BTreeSet::new();
    for (digest, length) in &loaded.relaxed {
        match blob::examine(layout, digest, Some(*length))? {
            Condition::Intact => {
                whole.insert(*digest);
            }
            Condition::Missing => {}
            _ => drop(blob::move_aside(layout, digest)?),
        }
    }
    Ok(whole)
}

pub(crate) fn sync_blobs(layout: &Layout, digests: &BTreeSet<Digest>) -> Result<(), Error> {
    let fs = layout.fs();
    for digest in digests {
        // One that is gone is missing already.
        if fs.length(&layout.blob(digest)).is_some() {
            blob::make_durable(layout, digest)?;
        }
    }
    let shards: BTreeSet<PathBuf> = digests
        .iter()
        .map(|digest| layout.shard_of(digest))
        .collect();
    shards.iter().try_for_each(|shard| fs.sync_directory(shard))
}
