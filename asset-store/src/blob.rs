//! Blobs: looking, opening, hashing, and moving aside what is damaged.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::fs;
use crate::layout::Layout;
use crate::reading::Reading;
use crate::{Digest, Entry, Error, ErrorKind};

const BUFFER: usize = 256 << 10;

/// An opened blob. Its content stays readable even if the blob is removed meanwhile.
#[derive(Debug)]
pub struct BlobFile {
    file: File,
    length: u64,
}

impl BlobFile {
    /// Length of the file in bytes. Compare it with [`Entry::length`] before serving.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The file, opened for reading, at its start.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The file alone.
    pub fn into_file(self) -> File {
        self.file
    }
}

pub(crate) fn open(layout: &Layout, digest: &Digest) -> Result<Option<BlobFile>, Error> {
    let path = layout.blob(digest);
    let Some((file, length)) = layout.fs().open(&path)? else {
        return Ok(None);
    };
    let file = file
        .into_file()
        .map_err(|error| Error::io("open", &path, error))?;
    Ok(Some(BlobFile { file, length }))
}

pub(crate) fn exists(layout: &Layout, digest: &Digest, length: u64) -> bool {
    layout.fs().length(&layout.blob(digest)) == Some(length)
}

/// Opens the blob of an entry for a reader; what is seen to be damaged is moved aside instead.
pub(crate) fn open_entry(layout: &Layout, entry: &Entry, reading: &Reading) -> Result<File, Error> {
    let path = layout.blob(&entry.digest);
    let Some((mut file, length)) = layout.fs().open(&path)? else {
        let message = "the blob is missing; download the asset again";
        return Err(Error::at(ErrorKind::Missing, &path, message));
    };
    let damage = if length != entry.length {
        format!("the blob has {length} bytes instead of {}", entry.length)
    } else if reading.wants_check(&entry.digest) && !is_intact(&mut file, &path, entry)? {
        "the blob is not what was stored".to_owned()
    } else {
        reading.passed(entry.digest);
        return file
            .into_file()
            .map_err(|error| Error::io("open", &path, error));
    };
    move_aside(layout, &entry.digest)?;
    Err(Error::at(
        ErrorKind::Damaged,
        &path,
        &format!("{damage} and was moved to the trash"),
    ))
}

/// Reads the blob whole, and goes back to its start.
fn is_intact(file: &mut fs::File, path: &Path, entry: &Entry) -> Result<bool, Error> {
    let mut hasher = blake3::Hasher::new();
    let read = hash(file, path, entry.length, &mut hasher);
    file.rewind()
        .map_err(|error| Error::io("seek in", path, error))?;
    Ok(read.is_ok() && Digest::from_hasher(&hasher) == entry.digest)
}

/// What hashing a blob again says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Intact,
    Missing,
    WrongLength,
    WrongContent,
    Unreadable,
}

/// Reads a blob whole and compares. `length`: what it must be, where that is known.
pub(crate) fn examine(
    layout: &Layout,
    digest: &Digest,
    length: Option<u64>,
) -> Result<Condition, Error> {
    let path = layout.blob(digest);
    let opened = match layout.fs().open(&path) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(Condition::Missing),
        // A link or a folder in the place of a blob.
        Err(error) if error.kind() == ErrorKind::Damaged => return Ok(Condition::WrongContent),
        Err(error) => return Err(error),
    };
    let (mut file, found) = opened;
    if length.is_some_and(|length| length != found) {
        return Ok(Condition::WrongLength);
    }
    let mut hasher = blake3::Hasher::new();
    Ok(match hash(&mut file, &path, found, &mut hasher) {
        Ok(()) if Digest::from_hasher(&hasher) == *digest => Condition::Intact,
        Ok(()) => Condition::WrongContent,
        Err(_) => Condition::Unreadable,
    })
}

/// Feeds `length` bytes from where `file` stands to `hasher`; fewer when the file ends before.
pub(crate) fn hash(
    file: &mut fs::File,
    path: &Path,
    length: u64,
    hasher: &mut blake3::Hasher,
) -> Result<(), Error> {
    let mut limited = Read::by_ref(file).take(length);
    // Clearing memory for a short file would take longer than hashing it.
    let mut buffer =
        vec![0; usize::try_from(length).map_or(BUFFER, |length| length.clamp(1, BUFFER))];
    loop {
        match limited.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io("read", path, error)),
        };
    }
}

/// Brings a blob that is there to the medium.
///
/// After a sync that failed another one would prove nothing, since the system may have dropped the
/// bytes and call them written: what can still be read is written to another file that takes the name.
pub(crate) fn make_durable(layout: &Layout, digest: &Digest) -> Result<(), Error> {
    let path = layout.blob(digest);
    let doubtful = layout.doubtful().contains(digest);
    if !doubtful && layout.fs().sync_existing(&path).is_ok() {
        return Ok(());
    }
    layout.doubtful().insert(*digest);
    let temporary = layout.shard_of(digest).join(fs::unique_name(fs::TEMPORARY));
    let copied = copy(layout, digest, &temporary)
        .and_then(|()| layout.fs().make_immutable(&temporary, true))
        .and_then(|()| layout.fs().rename(&temporary, &path));
    if copied.is_err() {
        // What stays behind is swept later.
        let _ = layout.fs().remove_file(&temporary);
    } else {
        layout.doubtful().remove(digest);
    }
    copied
}

fn copy(layout: &Layout, digest: &Digest, target: &Path) -> Result<(), Error> {
    let path = layout.blob(digest);
    let lost = || Error::at(ErrorKind::Damaged, &path, "was lost by the disk");
    let (mut from, _) = layout.fs().open(&path)?.ok_or_else(lost)?;
    let mut to = layout.fs().open_or_create(target)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from
            .read(&mut buffer)
            .map_err(|error| Error::io("read", &path, error))?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        to.write_all(bytes)
            .map_err(|error| Error::io("write", target, error))?;
    }
    if Digest::from_hasher(&hasher) != *digest {
        return Err(lost());
    }
    fs::sync_data(&to, target)
}

/// Writes bytes that somebody else has kept to a file beside the blob of the entry, durably; `None` when
/// they are not those of the entry.
pub(crate) fn receive(
    layout: &Layout,
    entry: &Entry,
    bytes: &mut dyn Read,
) -> Result<Option<PathBuf>, Error> {
    let shard = layout.shard_of(&entry.digest);
    layout.fs().create_directory(&shard)?;
    let temporary = shard.join(fs::unique_name(fs::TEMPORARY));
    let right = write_if_right(layout, entry, bytes, &temporary);
    if !matches!(right, Ok(true)) {
        // What stays behind is swept later.
        let _ = layout.fs().remove_file(&temporary);
    }
    Ok(right?.then_some(temporary))
}

fn write_if_right(
    layout: &Layout,
    entry: &Entry,
    bytes: &mut dyn Read,
    target: &Path,
) -> Result<bool, Error> {
    let mut file = layout.fs().open_or_create(target)?;
    let mut hasher = blake3::Hasher::new();
    let mut limited = bytes.take(entry.length.saturating_add(1));
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match limited.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::warn!(blob = %entry.digest, %error, "the bytes to mend it cannot be read");
                return Ok(false);
            }
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        file.write_all(bytes)
            .map_err(|error| Error::io("write", target, error))?;
    }
    if Digest::from_hasher(&hasher) != entry.digest {
        return Ok(false);
    }
    fs::sync_data(&file, target)?;
    Ok(true)
}

/// Takes a damaged blob out of service; it is kept in the trash. Says where, `None` when it is gone.
pub(crate) fn move_aside(layout: &Layout, digest: &Digest) -> Result<Option<PathBuf>, Error> {
    let path = layout.blob(digest);
    let target = layout
        .damaged()
        .join(fs::unique_name(&format!("{digest}-")));
    match layout.fs().rename(&path, &target) {
        Ok(()) => {
            tracing::warn!(blob = %digest, moved_to = %target.display(), "damaged blob moved aside");
            Ok(Some(target))
        }
        // Another process may have been faster.
        Err(_) if layout.fs().length(&path).is_none() && !layout.fs().is_directory(&path) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
