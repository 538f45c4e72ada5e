//! Other names for assets: renaming, and copies that share the blobs.

use std::path::Path;

use crate::fs;
use crate::layout::Layout;
use crate::lock::{Mode, SweepLock, WriterLock};
use crate::store::{DOCUMENT, MAX_DOCUMENT_BYTES};
use crate::{Asset, AssetId, Error, ErrorKind, Store, manifest, writer};

impl Store {
    /// Gives an asset another id, with its documents and partials. After a crash it has one of the two.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::AlreadyExists`] when an asset has the new id;
    /// [`ErrorKind::Busy`] while it is written.
    pub fn rename(&self, from: &AssetId, to: &AssetId) -> Result<(), Error> {
        let (layout, fs) = (self.layout(), self.layout().fs());
        let _sweep = SweepLock::acquire(layout, Mode::Exclusive)?;
        if !fs.is_directory(&layout.asset(from)) {
            let message = format!("there is no asset {from}");
            return Err(Error::new(ErrorKind::UnknownAsset, message));
        }
        refuse_existing(layout, to)?;
        move_asset(layout, from, to)
    }

    /// Makes an asset that has the entries and documents of another one as they are now. No bytes of
    /// entries are copied: both refer to the same blobs. After a crash it is there whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::AlreadyExists`] when an asset has the new id;
    /// [`ErrorKind::Damaged`] when the manifest, or what is not durable yet, is not whole.
    pub fn copy(&self, from: &AssetId, to: &AssetId) -> Result<Asset, Error> {
        let layout = self.layout();
        // Nobody collects what the copy refers to, and nobody begins to write it.
        let _sweep = SweepLock::acquire(layout, Mode::Exclusive)?;
        let loaded = manifest::load(layout, from)?;
        refuse_existing(layout, to)?;
        // The copy says of nothing that it is not durable.
        let whole = writer::check_relaxed(layout, &loaded)?;
        if whole.len() != loaded.relaxed.len() {
            let message = "has lost entries that were not durable; download it again first";
            return Err(Error::at(ErrorKind::Damaged, &layout.asset(from), message));
        }
        writer::sync_blobs(layout, &whole)?;
        let mut asset = loaded.into_asset(layout)?;
        asset.id = to.clone();
        asset.generation = 1;
        let temporary = layout.assets().join(fs::unique_name(fs::TEMPORARY));
        let made = build(layout, &temporary, from, &asset)
            .and_then(|()| layout.fs().rename(&temporary, &layout.asset(to)));
        if made.is_err() {
            // What stays behind is swept later.
            let _ = layout.fs().remove_directory_all(&temporary);
        }
        made?;
        layout.fs().sync_directory(&layout.assets())?;
        Ok(asset)
    }
}

/// Moves the folder of an asset, and its partials, under the sweep lock.
pub(crate) fn move_asset(layout: &Layout, from: &AssetId, to: &AssetId) -> Result<(), Error> {
    let fs = layout.fs();
    let lock = layout.writer_lock(from);
    if fs.length(&lock).is_some() {
        // No writer can come while we have the sweep lock.
        drop(WriterLock::acquire(layout, from)?);
        // Where it is, the name of the folder is durable, which the new one is not yet.
        fs.remove_file(&lock)?;
    }
    fs.rename(&layout.asset(from), &layout.asset(to))?;
    let partials = layout.partials_of(to);
    let moved = fs.remove_directory_all(&partials).and_then(|()| {
        if fs.is_directory(&layout.partials_of(from)) {
            fs.rename(&layout.partials_of(from), &partials)?;
        }
        Ok(())
    });
    if let Err(error) = moved {
        tracing::warn!(%error, "what was received of a renamed asset has to be received again");
    }
    fs.sync_directory(&layout.assets())
}

pub(crate) fn refuse_existing(layout: &Layout, id: &AssetId) -> Result<(), Error> {
    if layout.fs().exists(&layout.asset(id)) {
        let message = format!("there is an asset {id} already");
        return Err(Error::new(ErrorKind::AlreadyExists, message));
    }
    Ok(())
}

/// Everything but the name, durably.
fn build(layout: &Layout, folder: &Path, from: &AssetId, asset: &Asset) -> Result<(), Error> {
    let fs = layout.fs();
    fs.create_directory(folder)?;
    manifest::write_in(fs, folder, asset)?;
    manifest::make_current_in(fs, folder, asset.generation)?;
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
    for item in fs.list(&layout.asset(from))? {
        if item.name.ends_with(DOCUMENT)
            && let Some(bytes) = fs.read(&item.path, limit)?
        {
            fs.replace(folder, &item.name, &bytes)?;
        }
    }
    Ok(())
}
