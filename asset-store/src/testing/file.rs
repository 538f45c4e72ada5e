//! Simulated open files.

use std::fs::TryLockError;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Step;
use super::disk::NodeId;
use super::system::{Held, SimulatedSystem};
use crate::fs::{FileHandle, Metadata, unique_name};

/// An open file. It stays what it is when its name goes away.
#[derive(Debug)]
pub(super) struct SimulatedFile {
    pub(super) number: u64,
    pub(super) system: SimulatedSystem,
    pub(super) node: NodeId,
    pub(super) position: usize,
    pub(super) writable: bool,
}

impl SimulatedFile {
    fn check_writable(&self) -> io::Result<()> {
        if self.writable {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    fn lock(&self, exclusive: bool) -> Result<(), TryLockError> {
        let mut state = self.system.state();
        let refused = state.locks.iter().any(|held| {
            held.node == self.node && held.handle != self.number && (held.exclusive || exclusive)
        });
        if refused {
            return Err(TryLockError::WouldBlock);
        }
        state.locks.retain(|held| held.handle != self.number);
        state.locks.push(Held {
            node: self.node,
            handle: self.number,
            exclusive,
        });
        Ok(())
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let mut state = self.system.state();
        state.locks.retain(|held| held.handle != self.number);
    }
}

impl Read for SimulatedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.system.state();
        let file = state
            .disk
            .file(self.node)
            .ok_or(io::ErrorKind::IsADirectory)?;
        let mut rest = file.live.get(self.position..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

impl Write for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_writable()?;
        let (node, at) = (self.node, self.position);
        let mut state = self.system.state();
        if state.fault_of(Step::Write).is_some() {
            // Some of it gets through first.
            let count = state.chance.below(bytes.len() + 1);
            state
                .disk
                .change_file(node, |file| file.write(at, &bytes[..count]));
        }
        state.step(Step::Write, |disk| {
            disk.change_file(node, |file| file.write(at, bytes));
        })?;
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SimulatedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(position) = to else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        self.position = usize::try_from(position).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(position)
    }
}

impl FileHandle for SimulatedFile {
    fn metadata(&self) -> io::Result<Metadata> {
        Ok(self.system.state().metadata(self.node))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.check_writable()?;
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut state = self.system.state();
        let unchanged = state
            .disk
            .file(self.node)
            .is_some_and(|file| file.live.len() == length);
        if unchanged {
            return Ok(());
        }
        let node = self.node;
        state.step(Step::SetLength, |disk| {
            disk.change_file(node, |file| file.set_length(length));
        })
    }

    fn allocate(&self, _length: u64) -> io::Result<()> {
        self.check_writable()?;
        self.system.state().step(Step::Allocate, |_| {})
    }

    fn sync_data(&self) -> io::Result<()> {
        self.system.state().sync_file(self.node, false)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.system.state().sync_file(self.node, true)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        self.lock(true)
    }

    fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.lock(false)
    }

    /// A real file without a name that holds the same bytes.
    fn into_file(self: Box<Self>) -> io::Result<std::fs::File> {
        // In memory, where there is such a folder: tests open thousands.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = folder.join(unique_name("asset-store-"));
        let mut options = std::fs::OpenOptions::new();
        let mut real = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        std::fs::remove_file(&path)?;
        let state = self.system.state();
        let file = state
            .disk
            .file(self.node)
            .ok_or(io::ErrorKind::IsADirectory)?;
        real.write_all(&file.live)?;
        drop(state);
        real.rewind()?;
        Ok(real)
    }
}
