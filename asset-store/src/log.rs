//! The append-only log of changes since the current manifest.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::fs::{self, File, Fs};
use crate::manifest::MAX_BYTES;
use crate::{Error, ErrorKind, layout};

/// The log of one generation, opened at the first change.
#[derive(Debug)]
pub(crate) struct Log {
    fs: Fs,
    folder: PathBuf,
    name: String,
    path: PathBuf,
    file: Option<File>,
    /// Up to where the lines were whole when the writer was opened.
    length: u64,
    /// After a failure that left it unknown what is on the disk, nothing more is written.
    failed: bool,
}

impl Log {
    pub(crate) fn new(fs: &Fs, folder: PathBuf, generation: u64, length: u64) -> Log {
        let name = layout::log_name(generation);
        let path = folder.join(&name);
        Log {
            fs: fs.clone(),
            folder,
            name,
            path,
            file: None,
            length,
            failed: false,
        }
    }

    pub(crate) fn check_usable(&self) -> Result<(), Error> {
        if self.failed {
            let message = "could not be written before; open the writer again to continue";
            return Err(Error::at(ErrorKind::Io, &self.path, message));
        }
        Ok(())
    }

    /// Takes nothing more.
    pub(crate) fn give_up(&mut self) {
        self.failed = true;
    }

    /// Appends whole lines.
    ///
    /// After a failure they may be there or not, for readers and after a crash, so they stay: what they
    /// name must not be collected. Only the next writer, who reads what is there, can go on.
    pub(crate) fn append(&mut self, lines: &[u8], durable: bool) -> Result<(), Error> {
        self.check_usable()?;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(durable)?,
        };
        self.failed = true;
        file.write_all(lines)
            .map_err(|error| Error::io("write", &self.path, error))?;
        if durable {
            fs::sync_data(&file, &self.path)?;
        }
        self.failed = false;
        self.file = Some(file);
        Ok(())
    }

    fn open(&self, durable: bool) -> Result<File, Error> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        if length > 0 {
            // Whether an earlier writer's lines are on the disk is unknown, if its last sync failed, and
            // lines after a hole would be lost with it. So they are written anew, without a torn end.
            let mut lines = self.fs.read(&self.path, MAX_BYTES)?.unwrap_or_default();
            lines.truncate(length);
            self.fs.replace(&self.folder, &self.name, &lines)?;
        }
        let mut file = self.fs.open_or_create(&self.path)?;
        fs::set_length(&file, &self.path, self.length)?;
        file.seek(SeekFrom::Start(self.length))
            .map_err(|error| Error::io("seek in", &self.path, error))?;
        if durable && length == 0 {
            self.fs.sync_directory(&self.folder)?;
        }
        Ok(file)
    }
}
