//! Importing a tar archive. Nothing is unpacked: its files go to where all blobs go.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use tar::{Archive, Entry, EntryType};

use super::{Import, ImportOptions, Imported, shown};
use crate::{AssetId, EntryAttributes, Error, ErrorKind, Store};

/// What may lie between two files: headers, long names, attributes. The reader keeps it in memory.
const MAX_BETWEEN: u64 = 1 << 20;

impl Store {
    /// Makes an asset of a tar archive (ustar, GNU or pax; not compressed): every file becomes the entry at
    /// its path, sealed, as [`import_folder`](Store::import_folder) does it. `attributes` is asked for each path. Only
    /// with feature `tar`.
    ///
    /// The archive may come from anywhere: no name in it becomes the name of a file, and of what it claims
    /// nothing is believed. Memory is needed for the paths alone.
    ///
    /// # Errors
    /// As there; [`ErrorKind::InvalidName`] also when a path occurs twice, or as a file and as a folder,
    /// [`ErrorKind::NotImportable`] also for sparse files, which are never skipped; [`ErrorKind::InvalidArchive`] when
    /// it is none, or does not come to its end; [`ErrorKind::Io`] when `archive` fails.
    pub fn import_tar(
        &self,
        archive: impl Read,
        id: &AssetId,
        options: &ImportOptions,
        attributes: &mut dyn FnMut(&str) -> EntryAttributes,
    ) -> Result<Imported, Error> {
        let meter = Rc::new(Meter::default());
        let mut archive = Archive::new(Metered {
            inner: BufReader::new(archive),
            meter: Rc::clone(&meter),
        });
        Import::run(self, id, options, attributes, |import| {
            let mut entries = archive.entries().map_err(|error| meter.unreadable(error))?;
            loop {
                meter.left.set(Some(MAX_BETWEEN));
                let Some(entry) = entries.next() else { break };
                let mut entry = entry.map_err(|error| meter.unreadable(error))?;
                meter.left.set(None);
                import.entry(&mut entry, &meter)?;
            }
            // Else it may have been cut off between two files.
            if meter.ended.get() {
                return Err(invalid("ends without the mark of its end"));
            }
            Ok(())
        })
    }
}

impl Import<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>, meter: &Meter) -> Result<(), Error> {
        self.count()?;
        let name = entry.path_bytes().into_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => return Ok(()),
            // How the oldest archives write a folder.
            EntryType::Regular if name.ends_with(b"/") && entry.size() == 0 => return Ok(()),
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::GNUSparse => return Err(sparse(&name)),
            _ => return self.no_file(&name),
        }
        let unreadable = |error| meter.unreadable(error);
        for attribute in entry
            .pax_extensions()
            .map_err(unreadable)?
            .into_iter()
            .flatten()
        {
            if attribute
                .map_err(unreadable)?
                .key_bytes()
                .starts_with(b"GNU.sparse")
            {
                return Err(sparse(&name));
            }
        }
        let size = entry.size();
        let read = match self.entry_path(without_here(&name))? {
            Some(path) => self.store(path, entry, &unreadable)?,
            None => self.pass_over(entry, &unreadable)?,
        };
        if read != size {
            return Err(invalid("ends within a file"));
        }
        Ok(())
    }

    fn pass_over(
        &mut self,
        bytes: &mut dyn Read,
        unreadable: &dyn Fn(io::Error) -> Error,
    ) -> Result<u64, Error> {
        let before = self.done.bytes;
        while self.read(bytes, unreadable)?.is_some() {}
        let passed = self.done.bytes.saturating_sub(before);
        self.done.bytes = before;
        Ok(passed)
    }
}

/// `./a` is `a`: so are the paths when a folder is archived from within.
fn without_here(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    name
}

fn sparse(name: &[u8]) -> Error {
    let message = format!(
        "{:?} is a sparse file, which is not supported; archive it as an ordinary one",
        shown(name)
    );
    Error::new(ErrorKind::NotImportable, message)
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidArchive, format!("the archive {what}"))
}

/// What is known of the bytes of the archive.
#[derive(Default)]
struct Meter {
    /// How many more may be read, where that is limited.
    left: Cell<Option<u64>>,
    /// There are no more.
    ended: Cell<bool>,
    /// They could not be read.
    failed: Cell<bool>,
}

impl Meter {
    fn unreadable(&self, error: io::Error) -> Error {
        if self.failed.get() {
            Error::caused(ErrorKind::Io, "cannot read the archive", error)
        } else {
            let message = "the archive is not whole, or none";
            Error::caused(ErrorKind::InvalidArchive, message, error)
        }
    }
}

struct Metered<R> {
    inner: R,
    meter: Rc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.get().unwrap_or(u64::MAX);
        let most = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(bytes) = bytes.get_mut(..most).filter(|bytes| !bytes.is_empty()) else {
            return Err(io::Error::other("there is too much between two files"));
        };
        let count = loop {
            match self.inner.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.inspect_err(|_| self.meter.failed.set(true))?,
            }
        };
        self.meter.ended.set(count == 0);
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        let left = self.meter.left.get();
        self.meter
            .left
            .set(left.map(|left| left.saturating_sub(length)));
        Ok(count)
    }
}
