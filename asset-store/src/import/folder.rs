//! Importing a folder.

use std::path::{Path, PathBuf};

use super::{Import, ImportOptions, Imported};
use crate::fs::{Fs, Kind};
use crate::{AssetId, EntryAttributes, Error, ErrorKind, Store};

impl Store {
    /// Makes an asset of a folder: every file in and below it becomes the entry at its relative path, sealed.
    /// `attributes` is asked for each path. Folders with nothing in them are no entries.
    ///
    /// The asset is there as a whole, or after a failure or a crash not at all. Meanwhile the store can be used, and
    /// collect its garbage. Links are not followed; but whoever may change the folder while it is read can have
    /// any file read that this process may.
    ///
    /// ```
    /// use asset_store::{AssetId, EntryAttributes, ImportOptions, Store};
    ///
    /// # let scratch = tempfile::tempdir().unwrap();
    /// # let (root, folder) = (scratch.path().join("store"), scratch.path().join("film"));
    /// # std::fs::create_dir_all(folder.join("video"))?;
    /// # std::fs::write(folder.join("video/1.ts"), b"segment")?;
    /// let store = Store::open(&root)?;
    /// let id = AssetId::new("film")?;
    /// let mut roles = |path: &str| {
    ///     EntryAttributes::new(if path.ends_with(".m3u8") { "playlist" } else { "segment" })
    /// };
    /// let imported = store.import_folder(&folder, &id, &ImportOptions::default(), &mut roles)?;
    /// assert_eq!(imported.files, 1);
    /// assert_eq!(store.asset(&id)?.entry("video/1.ts").unwrap().role, "segment");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when there is an asset of this id. For what cannot be an entry, unless it
    /// is [skipped](ImportOptions::skip), [`ErrorKind::NotImportable`] and [`ErrorKind::InvalidName`], before
    /// anything is stored. [`ErrorKind::Changed`] when a file is not the same any more when it has been
    /// read; [`ErrorKind::TooLarge`] beyond the limits; [`ErrorKind::DiskFull`],
    /// [`ErrorKind::OverQuota`] and others.
    pub fn import_folder(
        &self,
        folder: impl AsRef<Path>,
        id: &AssetId,
        options: &ImportOptions,
        attributes: &mut dyn FnMut(&str) -> EntryAttributes,
    ) -> Result<Imported, Error> {
        let (fs, root) = (self.layout().fs(), folder.as_ref());
        Import::run(self, id, options, attributes, |import| {
            let mut files = import.walk(fs, root)?;
            files.sort_unstable();
            for path in files {
                let file = root.join(&path);
                import.file(fs, &file, path)?;
            }
            Ok(())
        })
    }
}

impl Import<'_> {
    /// The paths of all files below a folder, in no order.
    fn walk(&mut self, fs: &Fs, root: &Path) -> Result<Vec<String>, Error> {
        let mut files = Vec::new();
        let mut folders: Vec<(String, PathBuf)> = vec![(String::new(), root.to_owned())];
        while let Some((above, folder)) = folders.pop() {
            // It may have become a link since it was listed.
            if !above.is_empty() && !fs.is_directory(&folder) {
                return Err(changed(&folder));
            }
            let left = self.options.max_entries.saturating_sub(self.found);
            let most = usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX);
            for (name, kind) in fs.list_kinds(&folder, most)? {
                self.count()?;
                let path = [above.as_bytes(), name.as_encoded_bytes()].concat();
                let Some(path) = self.entry_path(&path)? else {
                    continue;
                };
                match kind {
                    Kind::File => files.push(path),
                    Kind::Directory => folders.push((format!("{path}/"), folder.join(name))),
                    Kind::Other => self.no_file(path.as_bytes())?,
                }
            }
        }
        Ok(files)
    }

    fn file(&mut self, fs: &Fs, file: &Path, path: String) -> Result<(), Error> {
        let look = |error| Error::io("look at", file, error);
        let (mut opened, length) = match fs.open(file) {
            Ok(Some(opened)) => opened,
            Ok(None) => return Err(changed(file)),
            Err(error) if error.kind() == ErrorKind::Damaged => return Err(changed(file)),
            Err(error) => return Err(error),
        };
        let before = opened.metadata().map_err(look)?.modified;
        let read = self.store(path, &mut opened, &|error| Error::io("read", file, error))?;
        if read != length || opened.metadata().map_err(look)?.modified != before {
            return Err(changed(file));
        }
        Ok(())
    }
}

fn changed(path: &Path) -> Error {
    let message = "changed while it was imported; try again when nobody writes it";
    Error::at(ErrorKind::Changed, path, message)
}
