//! Removing assets and collecting garbage: mark from all assets, sweep what is not marked.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::collector::Collector;
use crate::completion::lock;
use crate::layout::Layout;
use crate::lock::{Mode, SweepLock, WriterLock};
use crate::manifest::{self, Loaded};
use crate::parallel::for_each_on;
use crate::shards::{self, Other};
use crate::{AssetId, Digest, Error, ErrorKind, Store, fs, import, reservation};

/// What [`Store::remove`] freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Bytes of the blobs and partials that are gone.
    pub bytes_freed: u64,
    /// Blobs that no other asset refers to.
    pub blobs_removed: u64,
}

/// What [`Store::collect_garbage`] may take.
#[derive(Clone, Debug)]
pub struct GcOptions {
    /// Partials that were not touched for this long are given up. Default: seven days.
    pub min_age: Duration,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> GcOptions {
        GcOptions {
            min_age: Duration::from_secs(7 * 24 * 60 * 60),
            dry_run: false,
        }
    }
}

/// What [`Store::collect_garbage`] did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Blobs that no asset refers to.
    pub blobs_removed: u64,
    /// Blobs that stay.
    pub blobs_kept: u64,
    /// Files of partials given up.
    pub partials_removed: u64,
    /// Remains of assets whose removal was cut off.
    pub trash_removed: u64,
    /// Bytes of all of these.
    pub bytes_freed: u64,
}

/// Assets whose files have more bytes are read one at a time.
const LARGE: u64 = 1 << 20;

/// First part of the name that the folder of an asset gets while it is removed.
const REMOVED: &str = "removed-";

impl Store {
    /// Removes an asset, its documents and its partials, and the blobs that no other asset refers to.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::Busy`] while it is written. A full disk is no
    /// obstacle. While another asset is damaged its references are unknown, so the blobs stay until
    /// it is mended or removed.
    pub fn remove(&self, id: &AssetId) -> Result<Removed, Error> {
        let layout = self.layout();
        let _sweep = SweepLock::acquire(layout, Mode::Exclusive)?;
        let loaded = manifest::load(layout, id)?;
        let name = fs::unique_name(&format!("{REMOVED}{id}-"));
        let trash = layout.trash().join(name);
        self.inner().freeing(|| {
            // Nobody can take the lock again before we are done, since that needs the sweep lock; on
            // Windows a folder with an open file cannot be renamed. Without the file nobody has it, and
            // on a full disk there may be no room for it.
            if layout.fs().length(&layout.writer_lock(id)).is_some() {
                drop(WriterLock::acquire(layout, id)?);
            }
            layout.fs().rename(&layout.asset(id), &trash)
        })?;
        layout.fs().sync_directory(&layout.assets())?;

        let mut removed = Removed::default();
        match self.mark() {
            Ok(marked) => {
                for (digest, _) in loaded.asset.blobs() {
                    let path = layout.blob(&digest);
                    let Some(length) = layout.fs().length(&path) else {
                        continue;
                    };
                    if marked.binary_search(&digest).is_err() && layout.fs().remove_file(&path)? {
                        removed.blobs_removed = removed.blobs_removed.saturating_add(1);
                        removed.bytes_freed = removed.bytes_freed.saturating_add(length);
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::Damaged => {
                tracing::warn!(%error, "the blobs stay until the damaged asset is mended");
            }
            Err(error) => return Err(error),
        }
        let partials = layout.partials_of(id);
        removed.bytes_freed = removed
            .bytes_freed
            .saturating_add(layout.fs().bytes_below(&partials)?);
        layout.fs().remove_directory_all(&partials)?;
        layout.fs().remove_directory_all(&trash)?;
        tracing::info!(asset = %id, blobs = removed.blobs_removed, bytes = removed.bytes_freed, "removed");
        Ok(removed)
    }

    /// Deletes blobs that no asset refers to, partials that nobody continued for a while, and the
    /// remains of removals that were cut off. Damaged blobs in the trash stay.
    ///
    /// Downloads go on meanwhile and wait only with their commits.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when an asset cannot be read, since it is then unknown what it refers
    /// to: nothing is deleted. [`ErrorKind::Busy`] when another collection runs.
    pub fn collect_garbage(&self, options: &GcOptions) -> Result<GcReport, Error> {
        self.inner().freeing(|| {
            let _sweep = SweepLock::acquire(self.layout(), Mode::Exclusive)?;
            let marked = self.mark()?;
            let mut sweep = Sweep {
                options,
                report: GcReport::default(),
                now: SystemTime::now(),
            };
            sweep.blobs(self.layout(), &marked)?;
            sweep.partials(self.layout())?;
            sweep.remains(self.layout())?;
            if !options.dry_run {
                reservation::sweep(self.layout())?;
                let GcReport {
                    blobs_removed,
                    blobs_kept,
                    bytes_freed,
                    ..
                } = sweep.report;
                tracing::info!(blobs_removed, blobs_kept, bytes_freed, "garbage collected");
            }
            Ok(sweep.report)
        })
    }

    /// All blobs that any asset refers to, or would again after a power cut, sorted.
    fn mark(&self) -> Result<Vec<Digest>, Error> {
        let layout = self.layout();
        let mut names = layout.fs().list_names(&layout.assets())?;
        names.sort_unstable_by_key(|name| name.place);
        let turn = Mutex::new(());
        let of_asset = |name: &fs::Name| {
            let id = match AssetId::new(name.name.as_str()) {
                Ok(id) => id,
                Err(_) if import::is_under_way(layout, &name.name)? => {
                    AssetId::unpublished(name.name.clone())
                }
                Err(_) => return Ok(Vec::new()),
            };
            let folder = layout.asset(&id);
            if !layout.fs().is_directory(&folder) {
                return Ok(Vec::new());
            }
            // Several large manifests at the same time would take much memory.
            let files = layout.fs().list(&folder)?;
            let lengths = files.iter().map(|item| item.length);
            let is_large = lengths.fold(0, u64::saturating_add) > LARGE;
            let _turn = is_large.then(|| lock(&turn));
            let files: Vec<String> = files.into_iter().map(|item| item.name).collect();
            match manifest::load(layout, &id) {
                Ok(loaded) => references(loaded, layout, &files),
                // Removed since the listing.
                Err(error) if error.kind() == ErrorKind::UnknownAsset => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        };
        let mut marked = Collector::default();
        for_each_on(
            layout.fs().calls_at_once(),
            &names,
            of_asset,
            |_, digests| digests.into_iter().for_each(|digest| marked.add(digest)),
        )?;
        Ok(marked.finish())
    }

    /// Visits all assets, with what can be read of damaged ones.
    pub(crate) fn for_each_asset(
        &self,
        mut visit: impl FnMut(Loaded) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for id in self.asset_ids()? {
            match manifest::load(self.layout(), &id) {
                Ok(loaded) => visit(loaded)?,
                // Removed since the listing.
                Err(error) if error.kind() == ErrorKind::UnknownAsset => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// All blobs that the asset refers to, or would again after a power cut.
fn references(loaded: Loaded, layout: &Layout, files: &[String]) -> Result<Vec<Digest>, Error> {
    let mut digests: Vec<Digest> = loaded.superseded.iter().copied().collect();
    let asset = loaded.into_asset(layout)?;
    digests.extend(manifest::of_other_generations(layout, &asset, files)?);
    digests.extend(asset.entries.values().map(|entry| entry.digest));
    Ok(digests)
}

struct Sweep<'a> {
    options: &'a GcOptions,
    report: GcReport,
    now: SystemTime,
}

impl Sweep<'_> {
    fn blobs(&mut self, layout: &Layout, marked: &[Digest]) -> Result<(), Error> {
        let is_marked = |digest: &Digest| marked.binary_search(digest).is_ok();
        let mut report = self.report;
        let take = |other: &Other| {
            let goes = match other.digest {
                Some(_) => !other.item.is_directory,
                // What has another name is none of ours, or was to replace a blob.
                None => self.is_abandoned(&other.item),
            };
            if goes {
                self.delete(layout, &other.item)?;
            }
            Ok(goes.then_some((other.digest.is_some(), other.item.length)))
        };
        report.blobs_kept = shards::for_each_other(layout, is_marked, take, |taken| {
            let Some((is_blob, length)) = taken else {
                return;
            };
            let count = if is_blob {
                &mut report.blobs_removed
            } else {
                &mut report.trash_removed
            };
            *count = count.saturating_add(1);
            report.bytes_freed = report.bytes_freed.saturating_add(length);
        })?;
        self.report = report;
        Ok(())
    }

    fn partials(&mut self, layout: &Layout) -> Result<(), Error> {
        for folder in layout
            .fs()
            .list(&layout.partials())?
            .iter()
            .filter(|item| item.is_directory)
        {
            // No writer can come while we have the sweep lock, and one that is there keeps its own.
            let in_use = AssetId::new(folder.name.as_str()).is_ok_and(|id| {
                WriterLock::is_held(layout.fs(), &layout.writer_lock(&id)).unwrap_or(true)
            });
            if in_use || import::is_under_way(layout, &folder.name)? {
                continue;
            }
            if folder.name.starts_with(fs::TEMPORARY) {
                self.folder(layout, folder)?;
                continue;
            }
            for item in layout.fs().list(&folder.path)? {
                if self.is_old(&item) {
                    self.delete(layout, &item)?;
                    self.freed(item.length);
                    self.report.partials_removed = self.report.partials_removed.saturating_add(1);
                }
            }
            if !self.options.dry_run {
                layout.fs().remove_empty_directory(&folder.path);
            }
        }
        Ok(())
    }

    /// Folders of removed assets, and files that were to replace others.
    fn remains(&mut self, layout: &Layout) -> Result<(), Error> {
        for item in layout.fs().list(&layout.trash())? {
            if item.is_directory && item.name.starts_with(REMOVED) {
                self.folder(layout, &item)?;
            }
        }
        let assets = layout.fs().list(&layout.assets())?;
        let folders = assets.into_iter().filter(|item| item.is_directory);
        let (copies, folders): (Vec<_>, Vec<_>) =
            folders.partition(|item| item.name.starts_with(fs::TEMPORARY));
        // Copies and imports that were cut off: whoever makes a copy has the sweep lock.
        for item in copies {
            if !import::is_under_way(layout, &item.name)? {
                self.folder(layout, &item)?;
            }
        }
        let others = [layout.root().to_owned(), layout.index()];
        for folder in folders.into_iter().map(|item| item.path).chain(others) {
            for name in layout.fs().list_names(&folder)? {
                // Few are, so only those are looked at.
                if name.name.starts_with(fs::TEMPORARY)
                    && let Some(item) = layout.fs().item(&folder, &name.name)
                    && self.is_abandoned(&item)
                {
                    self.delete(layout, &item)?;
                    self.freed(item.length);
                    self.report.trash_removed = self.report.trash_removed.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    fn folder(&mut self, layout: &Layout, item: &fs::Item) -> Result<(), Error> {
        let bytes = layout.fs().bytes_below(&item.path)?;
        if !self.options.dry_run {
            layout.fs().remove_directory_all(&item.path)?;
        }
        self.report.trash_removed = self.report.trash_removed.saturating_add(1);
        self.freed(bytes);
        Ok(())
    }

    /// Whether it was to replace another file, and nobody is at it any more.
    fn is_abandoned(&self, item: &fs::Item) -> bool {
        item.name.starts_with(fs::TEMPORARY) && self.is_old(item)
    }

    fn is_old(&self, item: &fs::Item) -> bool {
        let age = item
            .modified
            .and_then(|modified| self.now.duration_since(modified).ok());
        !item.is_directory && age.unwrap_or_default() >= self.options.min_age
    }

    fn delete(&self, layout: &Layout, item: &fs::Item) -> Result<(), Error> {
        if !self.options.dry_run {
            layout.fs().remove_file(&item.path)?;
        }
        Ok(())
    }

    fn freed(&mut self, bytes: u64) {
        self.report.bytes_freed = self.report.bytes_freed.saturating_add(bytes);
    }
}
