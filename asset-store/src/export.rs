//! Writing the tree of an asset into a folder.

use std::path::{Path, PathBuf};

use crate::entry::ROLE_KEY;
use crate::fs::{self, Fs};
use crate::{Asset, AssetId, Entry, Error, ErrorKind, Store, check_entry_path};

/// How [`Store::export`] writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Where files cannot share their blocks, give the blobs another name instead of copying them. Such
    /// files are the ones of the store: they are read-only, and **whoever changes one all the same
    /// damages the store**. Default: no.
    pub hard_links: bool,
}

/// What [`Store::export`] wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Store {
    /// Writes every entry of an asset to its path below `folder`, which must not be there yet while its
    /// parent must. Files share their blocks with the store where the file system can (reflink), and
    /// are copied otherwise; keys are readable by their owner only.
    ///
    /// All is written beside it first, as `.tmp-…`, brought to the disk and renamed: nothing half is ever
    /// at `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::AlreadyExists`]; [`ErrorKind::Missing`] and
    /// [`ErrorKind::Damaged`] as for [`open_entry`](Store::open_entry); [`ErrorKind::InvalidName`] when
    /// the path of an entry goes through another entry; [`ErrorKind::DiskFull`] and others.
    pub fn export(
        &self,
        id: &AssetId,
        folder: impl AsRef<Path>,
        options: &ExportOptions,
    ) -> Result<Exported, Error> {
        let (fs, folder) = (self.layout().fs(), folder.as_ref());
        let asset = self.asset(id)?;
        check_tree(&asset)?;
        if fs.kind(folder).is_some() {
            let message = "is there already; choose another folder";
            return Err(Error::at(ErrorKind::AlreadyExists, folder, message));
        }
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let temporary = parent.join(fs::unique_name(fs::TEMPORARY));
        let written = self
            .write_tree(&asset, &temporary, *options)
            .and_then(|exported| {
                fs.rename(&temporary, folder)?;
                Ok(exported)
            });
        if written.is_err() {
            let _ = fs.remove_directory_all(&temporary);
        }
        let exported = written?;
        fs.sync_directory(parent)?;
        Ok(exported)
    }

    fn write_tree(
        &self,
        asset: &Asset,
        root: &Path,
        options: ExportOptions,
    ) -> Result<Exported, Error> {
        let fs = self.layout().fs();
        fs.create_directory(root)?;
        let mut folders = vec![root.to_owned()];
        let mut exported = Exported::default();
        for (path, entry) in asset.entries.iter() {
            check_entry_path(path)?;
            let target = root.join(path);
            make_folders(fs, root, &target, &mut folders)?;
            self.write_entry(entry, &target, options)?;
            exported.files = exported.files.saturating_add(1);
            exported.bytes = exported.bytes.saturating_add(entry.length);
        }
        for folder in &folders {
            fs.sync_directory(folder)?;
        }
        Ok(exported)
    }

    fn write_entry(
        &self,
        entry: &Entry,
        target: &Path,
        options: ExportOptions,
    ) -> Result<(), Error> {
        // Says what is wrong with it, and looks as closely as readers want it.
        drop(self.open_entry(entry)?);
        let blob = self.layout().blob(&entry.digest);
        let fs = self.layout().fs();
        fs.copy_file(&blob, target, options.hard_links, entry.role == ROLE_KEY)?;
        fs.sync_existing(target)
    }
}

/// A path that goes through another entry cannot be a file system's.
pub(crate) fn check_tree(asset: &Asset) -> Result<(), Error> {
    for path in asset.entries.keys() {
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        for above in above {
            if asset.entries.contains_key(above) {
                let message = format!("{above:?} would be a file and a folder");
                return Err(Error::new(ErrorKind::InvalidName, message));
            }
        }
    }
    Ok(())
}

fn make_folders(fs: &Fs, root: &Path, target: &Path, made: &mut Vec<PathBuf>) -> Result<(), Error> {
    let above = target.ancestors().skip(1);
    let missing: Vec<&Path> = above.take_while(|folder| *folder != root).collect();
    for folder in missing.into_iter().rev() {
        if fs.create_directory(folder)? {
            made.push(folder.to_owned());
        }
    }
    Ok(())
}
