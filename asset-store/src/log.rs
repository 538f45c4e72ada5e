//! The append-only log of changes since the current manifest.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::fs::{self, File, Fs};
use crate::{Error, ErrorKind, layout};

/// The log of one generation, opened at the first change.
#[derive(Debug)]
pub(crate) struct Log {
    fs: Fs,
    folder: PathBuf,
    path: PathBuf,
    file: Option<File>,
    /// Up to where the lines are whole and acknowledged.
    length: u64,
    /// After a failure that left it unknown what is on the disk, nothing more is written.
    failed: bool,
}

impl Log {
    pub(crate) fn new(fs: &Fs, folder: PathBuf, generation: u64, length: u64) -> Log {
        let path = folder.join(layout::log_name(generation));
        Log {
            fs: fs.clone(),
            folder,
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

    /// Appends whole lines. On failure the log is as it was.
    pub(crate) fn append(&mut self, lines: &[u8], durable: bool) -> Result<(), Error> {
        self.check_usable()?;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(durable)?,
        };
        if let Err(error) = file.write_all(lines) {
            let error = Error::io("write", &self.path, error);
            self.failed = self.cut(&mut file).is_err();
            self.file = Some(file);
            return Err(error);
        }
        if durable && let Err(error) = fs::sync_data(&file, &self.path) {
            // The lines may or may not be there after a crash, and a second sync proves nothing, so
            // they must not be seen as there.
            let _ = self.cut(&mut file);
            self.failed = true;
            return Err(error);
        }
        self.length = self
            .length
            .saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        self.file = Some(file);
        Ok(())
    }

    fn open(&self, durable: bool) -> Result<File, Error> {
        let mut file = self.fs.open_or_create(&self.path)?;
        self.cut(&mut file)?;
        if durable {
            self.fs.sync_directory(&self.folder)?;
        }
        Ok(file)
    }

    /// Cuts off a torn end and goes there.
    fn cut(&self, file: &mut File) -> Result<(), Error> {
        fs::set_length(file, &self.path, self.length)?;
        file.seek(SeekFrom::Start(self.length))
            .map_err(|error| Error::io("seek in", &self.path, error))?;
        Ok(())
    }
}
