//! Files and folders that get their name when they are whole, and what is left of those that never got it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// What unfinished names end with, before a number.
const MARK: &str = ".unfinished-";
/// What says in an unfinished folder that somebody is at work.
const AT_WORK: &str = ".unfinished";

/// A file that gets its name when it is whole.
pub(super) struct Unfinished {
    path: PathBuf,
    hidden: PathBuf,
    /// Locked, so that others can see that it is not left behind.
    file: File,
}

impl Unfinished {
    /// # Errors
    /// When there is something of that name already, or nothing can be written there.
    pub(super) fn create(path: &Path) -> Result<Self> {
        refuse_existing(path)?;
        let create = |hidden: &Path| File::create_new(hidden);
        let (hidden, file) = begin(path, create)?;
        // Where there are no locks nobody takes it for left behind either.
        let _ = file.try_lock();
        Ok(Self {
            path: path.to_owned(),
            hidden,
            file,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| Error::io(&self.path, "write", error))
    }

    pub(super) fn finish(self) -> Result<()> {
        refuse_existing(&self.path)?;
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.hidden, &self.path))
            .map_err(|error| Error::io(&self.path, "write", error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // When it is finished there is nothing of this name.
        let _ = fs::remove_file(&self.hidden);
    }
}

/// A folder that gets its name when everything is in it.
pub(super) struct UnfinishedFolder {
    path: PathBuf,
    hidden: PathBuf,
    at_work: Option<File>,
}

impl UnfinishedFolder {
    /// # Errors
    /// When there is something of that name already, or nothing can be written there.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty {
            refuse_existing(path)?;
        }
        let (hidden, ()) = begin(path, |hidden| fs::create_dir(hidden))?;
        let mut folder = Self {
            path: path.to_owned(),
            hidden,
            at_work: None,
        };
        let mark = folder.hidden.join(AT_WORK);
        let file = File::create_new(&mark).map_err(|error| Error::io(&mark, "write", error))?;
        let _ = file.try_lock();
        folder.at_work = Some(file);
        Ok(folder)
    }

    pub(super) fn hidden(&self) -> &Path {
        &self.hidden
    }

    pub(super) fn finish(mut self) -> Result<()> {
        let _ = fs::remove_file(self.hidden.join(AT_WORK));
        self.at_work = None;
        // An empty folder of that name may be there; on some systems a rename does not replace it.
        let _ = fs::remove_dir(&self.path);
        fs::rename(&self.hidden, &self.path).map_err(|error| Error::io(&self.path, "create", error))
    }
}

impl Drop for UnfinishedFolder {
    fn drop(&mut self) {
        self.at_work = None;
        let _ = fs::remove_dir_all(&self.hidden);
    }
}

pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(Error::usage(format!("{} is already there", path.display()))
            .hint("name one that does not exist yet"));
    }
    Ok(())
}

/// Makes something new beside a path, under a name that nobody else has, and removes what others left behind there.
fn begin<T>(path: &Path, create: impl Fn(&Path) -> std::io::Result<T>) -> Result<(PathBuf, T)> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::usage(format!("{} is not a name to write to", path.display())))?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(MARK);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::io(parent, "create", error))?;
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        remove_left_behind(parent, &prefix);
    }
    let mut number = std::process::id();
    loop {
        let mut hidden = prefix.clone();
        hidden.push(number.to_string());
        let hidden = path.with_file_name(hidden);
        match create(&hidden) {
            Ok(made) => return Ok((hidden, made)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                number = number.wrapping_add(1);
            }
            Err(error) => return Err(Error::io(&hidden, "create", error)),
        }
    }
}

/// Removes what begins with the prefix and nobody is writing any more.
fn remove_left_behind(parent: &Path, prefix: &OsString) {
    let prefix = prefix.as_encoded_bytes();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.as_encoded_bytes().strip_prefix(prefix);
        if !number.is_some_and(|number| number.iter().all(u8::is_ascii_digit)) {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let mark = if is_folder {
            path.join(AT_WORK)
        } else {
            path.clone()
        };
        let Ok(file) = File::options().write(true).open(&mark) else {
            continue;
        };
        if file.try_lock().is_err() {
            continue;
        }
        drop(file);
        let removed = if is_folder {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            tracing::debug!(path = %path.display(), %error, "what was left behind stays");
        }
    }
}
