//! Every call of the file system that the crate makes, with the path in every error.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

pub(crate) use std::fs::File;

use crate::{Error, ErrorKind};

/// What [`list`] says about one name in a folder.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) is_directory: bool,
    pub(crate) length: u64,
    pub(crate) modified: Option<SystemTime>,
}

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

/// Creates a folder that only its owner can enter. Says whether it is new.
pub(crate) fn create_directory(path: &Path) -> Result<bool, Error> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(path) => {
            Ok(false)
        }
        Err(error) => Err(Error::io("create the folder", path, error)),
    }
}

/// Creates a folder and the missing ones above it.
pub(crate) fn create_directory_all(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| Error::io("create the folder", path, error))
}

/// Whether a folder, and not a link to one, is at `path`.
pub(crate) fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Length of the regular file at `path`; `None` when there is none. Links are not followed.
pub(crate) fn length(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)
        .map(|metadata| metadata.len())
}

/// Opens a regular file for reading; `None` when there is none.
///
/// # Errors
/// [`ErrorKind::Damaged`] when something else than a regular file is there, a link above all.
pub(crate) fn open(path: &Path) -> Result<Option<(File, u64)>, Error> {
    let not_found = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let named = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if not_found(&error) => return Ok(None),
        Err(error) => return Err(Error::io("look at", path, error)),
    };
    let foreign = || Error::at(ErrorKind::Damaged, path, "is not a regular file");
    if !named.is_file() {
        return Err(foreign());
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if not_found(&error) => return Ok(None),
        Err(error) => return Err(Error::io("open", path, error)),
    };
    let opened = file
        .metadata()
        .map_err(|error| Error::io("look at", path, error))?;
    // Between the look and the opening the name may have become a link. A regular file that took the
    // place of another is fine: HEAD is replaced that way.
    if !opened.is_file() || fs::symlink_metadata(path).is_ok_and(|now| now.is_symlink()) {
        return Err(foreign());
    }
    Ok(Some((file, opened.len())))
}

/// Reads a small file whole; `None` when there is none.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let Some((file, length)) = open(path)? else {
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
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("read", path, error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(too_long());
    }
    Ok(Some(bytes))
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Opens a file for reading and writing, created when missing, readable by its owner only.
pub(crate) fn open_or_create(path: &Path) -> Result<File, Error> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::at(ErrorKind::Damaged, path, "is not a regular file"));
    }
    private(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
    .open(path)
    .map_err(|error| Error::io("open", path, error))
}

/// Writes a file in place, neither atomic nor durable: for what carries its own checksum.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    private(OpenOptions::new().write(true).create(true).truncate(true))
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, bytes))
        .map_err(|error| Error::io("write", path, error))
}

/// Replaces `directory/name` atomically and durably.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let temporary = directory.join(unique_name(TEMPORARY));
    let path = directory.join(name);
    let written = private(OpenOptions::new().write(true).create_new(true))
        .open(&temporary)
        .and_then(|mut file| {
            io::Write::write_all(&mut file, bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(|error| Error::io("replace", &path, error));
    if written.is_err() {
        // What stays behind is swept later.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_directory(directory)
}

/// Brings the bytes of a file to the medium.
pub(crate) fn sync_data(file: &File, path: &Path) -> Result<(), Error> {
    file.sync_data()
        .map_err(|error| Error::io("bring to the disk", path, error))
}

/// Brings the bytes of a file that somebody else wrote to the medium.
pub(crate) fn sync_existing(path: &Path) -> Result<(), Error> {
    // Windows flushes only through a handle that may write, and blobs are not writable there.
    if cfg!(unix) {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        sync_data(&file, path)?;
    }
    Ok(())
}

/// Brings the names in a folder to the medium, where the system can.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Error::io("bring to the disk", path, error))?;
    }
    Ok(())
}

/// Takes write permission away, and others' read permission too when the content is secret.
pub(crate) fn make_immutable(path: &Path, secret: bool) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if secret { 0o400 } else { 0o444 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|error| Error::io("change the mode of", path, error))?;
    }
    #[cfg(not(unix))]
    let _ = (path, secret);
    Ok(())
}

/// Renames within the store.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|error| Error::io("move into place", to, error))
}

/// Cuts or lengthens a file.
pub(crate) fn set_length(file: &File, path: &Path, length: u64) -> Result<(), Error> {
    file.set_len(length)
        .map_err(|error| Error::io("set the length of", path, error))
}

/// Deletes a file. Says whether there was one.
pub(crate) fn remove_file(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("delete", path, error)),
    }
}

/// Deletes a folder if it is empty.
pub(crate) fn remove_empty_directory(path: &Path) {
    let _ = fs::remove_dir(path);
}

/// Deletes a folder and all below it, without following links. A missing one is no error.
pub(crate) fn remove_directory_all(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("delete", path, error))
        }
        _ => Ok(()),
    }
}

/// What is in a folder, in no order; nothing when there is no folder. Names that are not Unicode
/// are none of ours and left out.
pub(crate) fn list(path: &Path) -> Result<Vec<Item>, Error> {
    let failed = |error| Error::io("list", path, error);
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut items = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        // Another process may delete between the listing and the look.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        items.push(Item {
            name,
            path: entry.path(),
            is_directory: metadata.is_dir(),
            length: if metadata.is_file() {
                metadata.len()
            } else {
                0
            },
            modified: metadata.modified().ok(),
        });
    }
    Ok(items)
}

/// The names of the folders in a folder, cheaper than [`list`]; nothing when there is no folder.
pub(crate) fn list_directories(path: &Path) -> Result<Vec<String>, Error> {
    let failed = |error| Error::io("list", path, error);
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().is_ok_and(|file_type| file_type.is_dir())
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Bytes in the files of a folder and below.
pub(crate) fn bytes_below(path: &Path) -> Result<u64, Error> {
    let mut total = 0_u64;
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in list(&folder)? {
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
pub(crate) fn free_bytes(path: &Path) -> Result<u64, Error> {
    fs4::available_space(path)
        .map_err(|error| Error::io("see the free space of the volume of", path, error))
}
