//! Every call of the file system that the crate makes, with the path in every error.

mod local;
mod system;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

#[cfg(feature = "testing")]
pub(crate) use system::Metadata;
pub(crate) use system::{Access, FileHandle, FileSystem, Item, Kind, Name};

use crate::{Error, ErrorKind};

/// An open file.
pub(crate) type File = Box<dyn FileHandle>;

/// Prefix of files that are not yet what they will be.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// A name that no other call, thread or process chooses.
pub(crate) fn unique_name(prefix: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}{:x}-{nanos:x}-{count:x}", std::process::id())
}

/// The file system a store lies on. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Fs(Arc<dyn FileSystem>);

impl Fs {
    pub(crate) fn new(system: impl FileSystem + 'static) -> Fs {
        Fs(Arc::new(system))
    }

    /// The one of this machine.
    pub(crate) fn local() -> Fs {
        Fs::new(local::LocalFileSystem)
    }

    /// Whether its paths mean something to other libraries.
    pub(crate) fn is_local(&self) -> bool {
        self.0.is_local()
    }

    /// How many threads may call it at the same time to good use.
    pub(crate) fn calls_at_once(&self) -> NonZeroUsize {
        self.0.calls_at_once()
    }

    /// Creates a folder that only its owner can enter. Says whether it is new.
    pub(crate) fn create_directory(&self, path: &Path) -> Result<bool, Error> {
        match self.0.create_directory(path) {
            Ok(()) => Ok(true),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && self.is_directory(path) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::io("create the folder", path, error)),
        }
    }

    /// Creates a folder and the missing ones above it.
    pub(crate) fn create_directory_all(&self, path: &Path) -> Result<(), Error> {
        self.0
            .create_directory_all(path)
            .map_err(|error| Error::io("create the folder", path, error))
    }

    /// Whether a folder, and not a link to one, is at `path`.
    pub(crate) fn is_directory(&self, path: &Path) -> bool {
        self.kind(path) == Some(Kind::Directory)
    }

    /// What is at `path`; `None` when nothing is, or nobody can tell.
    pub(crate) fn kind(&self, path: &Path) -> Option<Kind> {
        self.0.metadata(path).ok().map(|metadata| metadata.kind)
    }

    /// Whether anything is at `path`, links followed.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }

    /// Length of the regular file at `path`; `None` when there is none. Links are not followed.
    pub(crate) fn length(&self, path: &Path) -> Option<u64> {
        self.0
            .metadata(path)
            .ok()
            .filter(|metadata| metadata.kind == Kind::File)
            .map(|metadata| metadata.length)
    }

    /// Whether what is at `path` belongs to another user, as far as anybody can tell.
    pub(crate) fn is_foreign(&self, path: &Path) -> bool {
        let owner = self.0.metadata(path).ok().and_then(|found| found.owner);
        owner.is_some() && owner != self.0.user()
    }

    /// Whether others than its owner may write what is at `path`.
    pub(crate) fn is_shared(&self, path: &Path) -> bool {
        self.0.metadata(path).is_ok_and(|found| found.is_shared)
    }

    /// Whether the file at `path` may not be written.
    pub(crate) fn is_read_only(&self, path: &Path) -> bool {
        self.0
            .metadata(path)
            .is_ok_and(|metadata| metadata.read_only)
    }

    /// Whether this process may make files in the folder at `path`, as far as the system tells.
    pub(crate) fn is_writable(&self, path: &Path) -> bool {
        self.0.is_writable(path)
    }

    /// The processes that have a lock on the file at `path`, as far as the system tells.
    pub(crate) fn lock_holders(&self, path: &Path) -> Vec<u32> {
        self.0.lock_holders(path)
    }

    /// Opens a regular file for reading; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`] when something else than a regular file is there, a link above all.
    pub(crate) fn open(&self, path: &Path) -> Result<Option<(File, u64)>, Error> {
        let foreign = || Error::at(ErrorKind::Damaged, path, "is not a regular file");
        let file = match self.0.open(path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                // Links are not followed, where the system can be told.
                let is_foreign = self.kind(path).is_some_and(|kind| kind != Kind::File);
                let failed = || Error::io("open", path, error);
                return Err(if is_foreign { foreign() } else { failed() });
            }
        };
        let opened = file
            .metadata()
            .map_err(|error| Error::io("look at", path, error))?;
        let is_link = !cfg!(unix) && self.kind(path) == Some(Kind::Other);
        if opened.kind != Kind::File || is_link {
            return Err(foreign());
        }
        Ok(Some((file, opened.length)))
    }

    /// Reads a small file whole; `None` when there is none.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some((file, length)) = self.open(path)? else {
            return Ok(None);
        };
        let too_long = || {
            Error::at(
                ErrorKind::Damaged,
                path,
                "is longer than such a file can be",
            )
        };
        if length > limit {
            return Err(too_long());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| Error::io("read", path, error))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(too_long());
        }
        Ok(Some(bytes))
    }

    /// Opens a file for reading and writing, created when missing, readable by its owner only.
    pub(crate) fn open_or_create(&self, path: &Path) -> Result<File, Error> {
        if self.kind(path).is_some_and(|kind| kind != Kind::File) {
            return Err(Error::at(ErrorKind::Damaged, path, "is not a regular file"));
        }
        self.0
            .open(path, Access::ReadWrite)
            .map_err(|error| Error::io("open", path, error))
    }

    /// Writes a file in place, neither atomic nor durable: for what carries its own checksum.
    pub(crate) fn overwrite(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.0
            .open(path, Access::Truncate)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|error| Error::io("write", path, error))
    }

    /// Replaces `directory/name` atomically and durably.
    pub(crate) fn replace(&self, directory: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.replace_with(directory, name, |file| file.write_all(bytes))
    }

    /// Replaces `directory/name` atomically and durably with what `write` writes.
    pub(crate) fn replace_with(
        &self,
        directory: &Path,
        name: &str,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), Error> {
        let temporary = directory.join(unique_name(TEMPORARY));
        let path = directory.join(name);
        let written = self
            .0
            .open(&temporary, Access::CreateNew)
            .and_then(|mut file| {
                write(&mut file)?;
                file.sync_all()
            })
            .and_then(|()| self.0.rename(&temporary, &path))
            .map_err(|error| Error::io("replace", &path, error));
        if written.is_err() {
            // What stays behind is swept later.
            let _ = self.0.remove_file(&temporary);
        }
        written?;
        self.sync_directory(directory)
    }

    /// Brings a file that somebody else wrote to the medium, its permissions included.
    pub(crate) fn sync_existing(&self, path: &Path) -> Result<(), Error> {
        // Windows flushes only through a handle that may write, and blobs are not writable there.
        if cfg!(unix) {
            let file = self
                .0
                .open(path, Access::Read)
                .map_err(|error| Error::io("open", path, error))?;
            file.sync_all()
                .map_err(|error| Error::io("bring to the disk", path, error))?;
        }
        Ok(())
    }

    /// Brings the names in a folder to the medium, where the system can.
    pub(crate) fn sync_directory(&self, path: &Path) -> Result<(), Error> {
        self.0
            .sync_directory(path)
            .map_err(|error| Error::io("bring to the disk", path, error))
    }

    /// Takes write permission away, and others' read permission too when the content is secret.
    pub(crate) fn make_immutable(&self, path: &Path, secret: bool) -> Result<(), Error> {
        self.0
            .make_immutable(path, secret)
            .map_err(|error| Error::io("change the mode of", path, error))
    }

    /// Renames within the store.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        self.0
            .rename(from, to)
            .map_err(|error| Error::io("move into place", to, error))
    }

    /// Copies a file out of the store, or as near to it as the system comes.
    pub(crate) fn copy_file(
        &self,
        from: &Path,
        to: &Path,
        hard_link: bool,
        secret: bool,
    ) -> Result<(), Error> {
        self.0
            .copy_file(from, to, hard_link, secret)
            .map_err(|error| Error::io("write", to, error))
    }

    /// Deletes a file. Says whether there was one.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<bool, Error> {
        match self.0.remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("delete", path, error)),
        }
    }

    /// Deletes a folder if it is empty.
    pub(crate) fn remove_empty_directory(&self, path: &Path) {
        let _ = self.0.remove_directory(path);
    }

    /// Deletes a folder and all below it, without following links. A missing one is no error.
    pub(crate) fn remove_directory_all(&self, path: &Path) -> Result<(), Error> {
        match self.0.remove_directory_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("delete", path, error))
            }
            _ => Ok(()),
        }
    }

    /// What is in a folder, in no order; nothing when there is no folder. Names that are not Unicode
    /// are none of ours and left out.
    pub(crate) fn list(&self, path: &Path) -> Result<Vec<Item>, Error> {
        listed(self.0.list(path), path)
    }

    /// The names in a folder, cheaper than [`list`](Fs::list); nothing when there is no folder.
    pub(crate) fn list_names(&self, path: &Path) -> Result<Vec<Name>, Error> {
        listed(self.0.list_names(path), path)
    }

    /// What [`list`](Fs::list) would say of one name; `None` when it is gone.
    pub(crate) fn item(&self, folder: &Path, name: &str) -> Option<Item> {
        let path = folder.join(name);
        let metadata = self.0.metadata(&path).ok()?;
        Some(Item {
            name: name.to_owned(),
            path,
            is_directory: metadata.kind == Kind::Directory,
            length: match metadata.kind {
                Kind::File => metadata.length,
                _ => 0,
            },
            modified: metadata.modified,
        })
    }

    /// At most `most` of the names in a folder, those that are not Unicode too; that there is no folder is an
    /// error.
    pub(crate) fn list_kinds(
        &self,
        path: &Path,
        most: usize,
    ) -> Result<Vec<(OsString, Kind)>, Error> {
        self.0
            .list_kinds(path, most)
            .map_err(|error| Error::io("list", path, error))
    }

    /// The names of the folders in a folder, cheaper than [`list`](Fs::list); nothing when there is no
    /// folder.
    pub(crate) fn list_directories(&self, path: &Path) -> Result<Vec<String>, Error> {
        listed(self.0.list_directories(path), path)
    }

    /// Bytes in the files of a folder and below.
    pub(crate) fn bytes_below(&self, path: &Path) -> Result<u64, Error> {
        let mut total = 0_u64;
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            for item in self.list(&folder)? {
                if item.is_directory {
                    folders.push(item.path);
                } else {
                    total = total.saturating_add(item.length);
                }
            }
        }
        Ok(total)
    }

    /// Bytes left for this user on the volume of a path.
    pub(crate) fn free_bytes(&self, path: &Path) -> Result<u64, Error> {
        self.0
            .free_bytes(path)
            .map_err(|error| Error::io("see the free space of the volume of", path, error))
    }

    /// Bytes of the volume of a path, used or free.
    pub(crate) fn volume_bytes(&self, path: &Path) -> Result<u64, Error> {
        self.0
            .volume_bytes(path)
            .map_err(|error| Error::io("see the size of the volume of", path, error))
    }
}

/// Brings the bytes of a file to the medium.
pub(crate) fn sync_data(file: &File, path: &Path) -> Result<(), Error> {
    file.sync_data()
        .map_err(|error| Error::io("bring to the disk", path, error))
}

/// Cuts or lengthens a file.
pub(crate) fn set_length(file: &File, path: &Path, length: u64) -> Result<(), Error> {
    file.set_length(length)
        .map_err(|error| Error::io("set the length of", path, error))
}

/// Keeps space for the first `length` bytes of a file, where the system can.
pub(crate) fn allocate(file: &File, path: &Path, length: u64) -> Result<(), Error> {
    file.allocate(length)
        .map_err(|error| Error::io("allocate space for", path, error))
}

fn listed<T>(found: io::Result<Vec<T>>, path: &Path) -> Result<Vec<T>, Error> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found.map_err(|error| Error::io("list", path, error)),
    }
}
