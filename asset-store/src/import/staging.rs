//! The asset that an import makes before it has an id: a folder among the assets whose name no reader takes
//! for one, with a writer and a log like any other.
//!
//! While its writer lives, its blobs are no garbage. What a crash leaves of it is.

use std::collections::VecDeque;

use crate::fs::{TEMPORARY, unique_name};
use crate::layout::{self, Layout};
use crate::lock::{Mode, SweepLock, WriterLock};
use crate::partial::Partial;
use crate::{
    AssetId, AssetWriter, Commit, EntryAttributes, Error, ErrorKind, Store, export, manifest,
    relocate,
};

/// Commits under way; who has more waits for the first of them.
const UNDER_WAY: usize = 256;

pub(super) struct Staging<'a> {
    store: &'a Store,
    id: AssetId,
    writer: Option<AssetWriter>,
    under_way: VecDeque<Commit>,
}

impl<'a> Staging<'a> {
    pub(super) fn create(store: &'a Store) -> Result<Staging<'a>, Error> {
        let mut staging = Staging {
            store,
            id: AssetId::unpublished(unique_name(TEMPORARY)),
            writer: None,
            under_way: VecDeque::new(),
        };
        staging.writer = Some(store.writer(&staging.id)?);
        Ok(staging)
    }

    fn writer(&self) -> Result<&AssetWriter, Error> {
        let finished = || Error::new(ErrorKind::Busy, "the import is finished already");
        self.writer.as_ref().ok_or_else(finished)
    }

    pub(super) fn partial(&self) -> Result<Partial, Error> {
        self.writer()?.unnamed_partial()
    }

    pub(super) fn commit(
        &mut self,
        partial: Partial,
        path: &str,
        attributes: EntryAttributes,
    ) -> Result<(), Error> {
        let commit = self.writer()?.commit(partial, path, attributes);
        self.under_way.push_back(commit);
        if self.under_way.len() > UNDER_WAY
            && let Some(first) = self.under_way.pop_front()
        {
            first.wait()?;
        }
        Ok(())
    }

    /// Gives it its id, when everything in it is durable.
    pub(super) fn publish(&mut self, id: &AssetId) -> Result<(), Error> {
        while let Some(commit) = self.under_way.pop_front() {
            commit.wait()?;
        }
        let writer = self.writer()?;
        writer.sync_blobs()?;
        let mut asset = writer.asset();
        export::check_tree(&asset)?;
        asset.id = id.clone();
        asset.generation = 1;
        asset.sealed = true;
        let layout = self.store.layout();
        let (fs, folder) = (layout.fs(), layout.asset(&self.id));
        manifest::write_in(fs, &folder, &asset)?;
        manifest::make_current_in(fs, &folder, asset.generation)?;
        fs.remove_file(&folder.join(layout::log_name(0)))?;
        // What could not be deleted one by one. It is no reason to fail.
        let _ = fs.remove_directory_all(&layout.partials_of(&self.id));

        // From here on nobody sweeps, and nobody makes an asset of this id.
        let _sweep = SweepLock::acquire(layout, Mode::Exclusive)?;
        self.writer = None;
        relocate::refuse_existing(layout, id)?;
        relocate::move_asset(layout, &self.id, id)
    }
}

impl Drop for Staging<'_> {
    /// What has not become an asset is deleted, with its blobs.
    fn drop(&mut self) {
        for commit in self.under_way.drain(..) {
            // Until then the committer shares the lock of the writer.
            let _ = commit.wait();
        }
        self.writer = None;
        let layout = self.store.layout();
        if layout.fs().is_directory(&layout.asset(&self.id))
            && let Err(error) = self.store.remove(&self.id)
        {
            tracing::warn!(%error, "what an import has left is garbage, to be collected");
        }
    }
}

/// Whether this is the name of an asset that an import makes at this moment, in whatever process.
pub(crate) fn is_under_way(layout: &Layout, name: &str) -> Result<bool, Error> {
    if !name.starts_with(TEMPORARY) {
        return Ok(false);
    }
    let lock = layout.writer_lock(&AssetId::unpublished(name.to_owned()));
    WriterLock::is_held(layout.fs(), &lock)
}
