//! Taking a tree of files that lies elsewhere as an asset: what a folder and an archive have in common.

mod folder;
mod staging;
#[cfg(feature = "tar")]
mod tar;

use std::collections::HashSet;
use std::io::{self, Read};

pub(crate) use staging::is_under_way;

use self::staging::Staging;
use crate::{AssetId, EntryAttributes, Error, ErrorKind, Store, check_entry_path, relocate};

const BUFFER: usize = 256 << 10;

/// What is told of a name.
const SHOWN: usize = 200;

/// What [`Store::import_folder`] and `Store::import_tar` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// Whether what cannot be an entry is left out, and named in [`Imported::skipped`]: links and devices, and
    /// names that are not Unicode or no [entry path](check_entry_path). Otherwise it is an error. Default: no.
    pub skip: bool,
    /// The most files, folders and others. Default: a million.
    pub max_entries: u64,
    /// The most bytes of all files together. Default: 1 TiB.
    pub max_bytes: u64,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            skip: false,
            max_entries: 1_000_000,
            max_bytes: 1 << 40,
        }
    }
}

/// What was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Files, each of which is an entry now.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What was left out, see [`ImportOptions::skip`].
    pub skipped: Vec<Skipped>,
}

/// What was left out of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// The beginning of its path in the folder or archive, fit to be shown: what cannot be printed is escaped.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why something was left out of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// The name is not Unicode, or no [entry path](check_entry_path).
    Name,
    /// It is neither a file nor a folder, but a link, a device or a socket.
    NoFile,
}

/// An import under way.
struct Import<'a> {
    staging: Staging<'a>,
    options: ImportOptions,
    attributes: &'a mut dyn FnMut(&str) -> EntryAttributes,
    seen: HashSet<String>,
    found: u64,
    buffer: Vec<u8>,
    done: Imported,
}

impl<'a> Import<'a> {
    /// Makes an asset of what `read` finds. It gets its id when everything in it is durable.
    fn run(
        store: &'a Store,
        id: &AssetId,
        options: &ImportOptions,
        attributes: &'a mut dyn FnMut(&str) -> EntryAttributes,
        read: impl FnOnce(&mut Import<'a>) -> Result<(), Error>,
    ) -> Result<Imported, Error> {
        // Before all the work; once more after it.
        relocate::refuse_existing(store.layout(), id)?;
        let mut import = Import {
            staging: Staging::create(store)?,
            options: *options,
            attributes,
            seen: HashSet::new(),
            found: 0,
            buffer: vec![0; BUFFER],
            done: Imported::default(),
        };
        read(&mut import)?;
        import.staging.publish(id)?;
        Ok(import.done)
    }

    /// One more file, folder or other thing was found.
    fn count(&mut self) -> Result<(), Error> {
        self.found = self.found.saturating_add(1);
        if self.found > self.options.max_entries {
            let message = format!(
                "more than {} files and folders are to be imported",
                self.options.max_entries
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(())
    }

    /// The path of an entry; `None` when it was left out.
    fn entry_path(&mut self, name: &[u8]) -> Result<Option<String>, Error> {
        let not_unicode = |_| {
            let message = format!("the name {:?} is not Unicode", shown(name));
            Error::new(ErrorKind::InvalidName, message)
        };
        let checked = std::str::from_utf8(name).map_err(not_unicode);
        match checked.and_then(|path| check_entry_path(path).map(|()| path)) {
            Ok(path) => Ok(Some(path.to_owned())),
            Err(error) => self.skip(name, SkipReason::Name, error).map(|()| None),
        }
    }

    /// What is neither a file nor a folder.
    fn no_file(&mut self, name: &[u8]) -> Result<(), Error> {
        let message = format!(
            "{:?} is neither a file nor a folder, but a link or a device",
            shown(name)
        );
        let error = Error::new(ErrorKind::NotImportable, message);
        self.skip(name, SkipReason::NoFile, error)
    }

    fn skip(&mut self, name: &[u8], reason: SkipReason, error: Error) -> Result<(), Error> {
        if !self.options.skip {
            return Err(error);
        }
        self.done.skipped.push(Skipped {
            name: shown(name).escape_debug().to_string(),
            reason,
        });
        Ok(())
    }

    /// Stores what `bytes` gives. Says how much that was.
    fn store(
        &mut self,
        path: String,
        bytes: &mut dyn Read,
        unreadable: &dyn Fn(io::Error) -> Error,
    ) -> Result<u64, Error> {
        if self.seen.contains(&path) {
            let message = format!("{:?} occurs twice", shown(path.as_bytes()));
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        let mut partial = self.staging.partial()?;
        while let Some(piece) = self.read(bytes, unreadable)? {
            partial.append(piece)?;
        }
        let length = partial.length();
        self.staging
            .commit(partial, &path, (self.attributes)(&path))?;
        self.seen.insert(path);
        self.done.files = self.done.files.saturating_add(1);
        Ok(length)
    }

    /// The next piece of a file; `None` at its end.
    fn read(
        &mut self,
        bytes: &mut dyn Read,
        unreadable: &dyn Fn(io::Error) -> Error,
    ) -> Result<Option<&[u8]>, Error> {
        let count = loop {
            match bytes.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(unreadable)?,
            }
        };
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        self.done.bytes = self.done.bytes.saturating_add(length);
        if self.done.bytes > self.options.max_bytes {
            let message = format!(
                "more than {} bytes are to be imported",
                self.options.max_bytes
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(self.buffer.get(..count).filter(|piece| !piece.is_empty()))
    }
}

/// The beginning of a name that may be anything.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(SHOWN).collect()
}
