//! For tests (feature `testing`): a file system in memory that can be cut off at every step.
//!
//! A [`SimulatedFileSystem`] keeps three things apart: what programs see, what is on the medium for
//! certain, and the changes between the two, each of which a power cut may keep, tear or lose.
//! Every call that changes something is a numbered [`Step`]. Nothing has to be run again to see what a
//! crash at a step leaves: the disk is remembered as it was after each.
//!
//! ```
//! use asset_store::testing::SimulatedFileSystem;
//! use asset_store::{AssetId, EntryAttributes, StoreOptions};
//!
//! let system = SimulatedFileSystem::new();
//! let store = system.open_store(&StoreOptions::default())?;
//! let id = AssetId::new("film")?;
//! let writer = store.writer(&id)?;
//! writer.put("1.ts", b"acknowledged", EntryAttributes::new("segment"))?;
//! let acknowledged = system.steps().len();
//! drop((writer, store));
//!
//! for seed in 0..20 {
//!     let after = system.power_cut(acknowledged, seed);
//!     let store = after.open_store(&StoreOptions::default())?;
//!     assert_eq!(store.asset(&id)?.entries().len(), 1);
//! }
//! # Ok::<(), asset_store::Error>(())
//! ```
//!
//! # What a power cut may do
//!
//! * Of writes and lengths that were not synced, any choice survives, torn at any byte or into blocks
//!   of 512 or 4096 bytes; what lies between may read as zeros or as something else.
//! * Of names that were given or taken in folders that were not synced, any choice survives, but each
//!   call as a whole, and each name in the order of its changes.
//! * `fdatasync` brings bytes and length, but not the mode. Syncing a new file does not bring its name.
//! * After a failed sync of a file its bytes count as written and are not; another sync does not bring
//!   them.

mod chance;
mod disk;
mod file;
mod system;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chance::Chance;
use disk::Disk;
use system::{SimulatedSystem, State};

use crate::fs::Fs;
use crate::{Error, Store, StoreOptions};

/// Where the store lies in every simulated file system. Not even its parent is there at first.
const STORE: &str = "/library/store";

/// A call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// A file was created.
    Create,
    /// A folder was created.
    CreateDirectory,
    /// Bytes were written.
    Write,
    /// A file was cut or lengthened.
    SetLength,
    /// Space was kept for a file.
    Allocate,
    /// A file or folder got another name.
    Rename,
    /// A file or folder was deleted.
    Remove,
    /// The permissions of a file were changed.
    SetMode,
    /// `fdatasync` or `fsync` of a file.
    SyncFile,
    /// `fsync` of a folder.
    SyncDirectory,
}

impl Step {
    fn takes_space(self) -> bool {
        use Step::{Allocate, Create, CreateDirectory, SyncFile, Write};
        matches!(self, Allocate | Create | CreateDirectory | Write | SyncFile)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The step fails with `EIO`, once.
    Io,
    /// This step and all after it that take space fail with `ENOSPC`, until a file of 1 MiB is deleted.
    DiskFull,
}

impl Fault {
    fn into_error(self) -> io::Error {
        match self {
            Fault::Io => io::Error::other("simulated input/output error"),
            Fault::DiskFull => io::ErrorKind::StorageFull.into(),
        }
    }
}

/// A promise that a file system breaks without saying so: to see that tests notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Syncing a file reports success and does nothing.
    FileSyncDoesNothing,
    /// Syncing a folder reports success and does nothing.
    DirectorySyncDoesNothing,
}

/// A file of a [`SimulatedFileSystem`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// From the root of the file system on, with `/`.
    pub path: String,
    /// In bytes.
    pub length: u64,
    /// Permission bits.
    pub mode: u32,
}

/// A file system in memory for one store. Clones are the same one.
#[derive(Clone, Debug)]
pub struct SimulatedFileSystem {
    system: SimulatedSystem,
}

impl Default for SimulatedFileSystem {
    fn default() -> SimulatedFileSystem {
        SimulatedFileSystem::new()
    }
}

impl SimulatedFileSystem {
    /// An empty one.
    pub fn new() -> SimulatedFileSystem {
        SimulatedFileSystem::with(Disk::new(), None)
    }

    /// An empty one that breaks a promise.
    pub fn flawed(flaw: Flaw) -> SimulatedFileSystem {
        SimulatedFileSystem::with(Disk::new(), Some(flaw))
    }

    fn with(disk: Disk, flaw: Option<Flaw>) -> SimulatedFileSystem {
        let state = Arc::new(Mutex::new(State::new(disk, flaw)));
        SimulatedFileSystem {
            system: SimulatedSystem(state),
        }
    }

    /// Opens the store on it.
    ///
    /// # Errors
    /// Those of [`Store::open_with`].
    pub fn open_store(&self, options: &StoreOptions) -> Result<Store, Error> {
        Store::open_on(Fs::new(self.system.clone()), Path::new(STORE), options)
    }

    /// The steps that were made so far.
    pub fn steps(&self) -> Vec<Step> {
        self.system.state().steps.clone()
    }

    /// Lets the step number `step`, counted from 0, go wrong.
    pub fn fail(&self, step: usize, fault: Fault) {
        self.system.state().fault = Some((step, fault));
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.system.state().fault = None;
    }

    /// What the next process finds when this one dies after `steps` steps: everything, and what was
    /// not synced still is not.
    #[must_use]
    pub fn killed(&self, steps: usize) -> SimulatedFileSystem {
        let (disk, flaw) = self.at(steps);
        SimulatedFileSystem::with(disk, flaw)
    }

    /// What is there after a power cut after `steps` steps; `seed` decides what survives of what was
    /// not synced.
    #[must_use]
    pub fn power_cut(&self, steps: usize, seed: u64) -> SimulatedFileSystem {
        let (disk, flaw) = self.at(steps);
        SimulatedFileSystem::with(disk.after_power_cut(&mut Chance::new(seed)), flaw)
    }

    /// All files as programs see them now, by path.
    pub fn files(&self) -> Vec<StoredFile> {
        let state = self.system.state();
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), disk::ROOT)];
        while let Some((path, folder)) = folders.pop() {
            let names = state
                .disk
                .directory(folder)
                .map(|directory| &directory.live);
            for (name, &node) in names.into_iter().flatten() {
                let path = format!("{path}/{name}");
                match state.disk.file(node) {
                    Some(file) => files.push(StoredFile {
                        length: file.live.len() as u64,
                        mode: file.mode,
                        path,
                    }),
                    None => folders.push((path, node)),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    fn at(&self, steps: usize) -> (Disk, Option<Flaw>) {
        let state = self.system.state();
        let disk = state.history.get(steps).unwrap_or(&state.disk);
        (disk.clone(), state.flaw)
    }
}
