//! What the store asks of a file system: a few calls, each of them one step that a crash comes
//! before or after. The real ones are in [`local`](super::local); tests bring simulated ones.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::num::NonZeroUsize;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    /// A link that was not followed, a device, a socket.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Metadata {
    pub(crate) kind: Kind,
    pub(crate) length: u64,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) read_only: bool,
    /// The number of the owner, where the system has such.
    pub(crate) owner: Option<u32>,
    /// Whether others than the owner may write.
    pub(crate) is_shared: bool,
}

/// One name in a folder. Of links it is the link that is described.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) is_directory: bool,
    /// 0 for what is no file.
    pub(crate) length: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// One name in a folder, and no more than the folder itself says about it.
pub(crate) struct Name {
    pub(crate) name: String,
    /// Where the file system keeps what it knows of the file: what is near is read and changed together. 0 where
    /// that is not known.
    pub(crate) place: u64,
}

/// How a file is opened. Files that are created can be read and written by their owner only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// An existing file, for reading.
    Read,
    /// An existing or a new one, for reading and writing.
    ReadWrite,
    /// A new one, for writing; an error if there is one.
    CreateNew,
    /// An empty one, for writing, in place of the content that is there.
    Truncate,
}

/// The calls with a path.
pub(crate) trait FileSystem: Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    /// What is at `path` itself: links are not followed.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Whether anything is at `path`, links followed.
    fn exists(&self, path: &Path) -> bool;
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn FileHandle>>;
    /// A folder that only its owner can enter.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// The same with the missing ones above it; one that is there is no error.
    fn create_directory_all(&self, path: &Path) -> io::Result<()>;
    /// Brings the names in a folder to the medium, where the system can.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Gives a file or a folder another name; a file that has it loses it in the same moment.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// An empty folder.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    /// A folder with all below it, without following links.
    fn remove_directory_all(&self, path: &Path) -> io::Result<()>;
    /// Gives the bytes of `from` to a new file: sharing the blocks where the file system can, else by another
    /// name for it if that is asked for, else as a copy, which only its owner can read if it is secret.
    fn copy_file(&self, from: &Path, to: &Path, hard_link: bool, secret: bool) -> io::Result<()>;
    /// Takes write permission away, and others' read permission too when the content is secret.
    fn make_immutable(&self, path: &Path, secret: bool) -> io::Result<()>;
    /// What is in a folder, in no order. Names that are not Unicode are left out.
    fn list(&self, path: &Path) -> io::Result<Vec<Item>>;
    /// The names in a folder, cheaper than [`list`](FileSystem::list).
    fn list_names(&self, path: &Path) -> io::Result<Vec<Name>> {
        let items = self.list(path)?.into_iter();
        let name = |item: Item| Name {
            name: item.name,
            place: 0,
        };
        Ok(items.map(name).collect())
    }
    /// At most `most` of the names in a folder, in no order, those that are not Unicode too.
    fn list_kinds(&self, path: &Path, most: usize) -> io::Result<Vec<(OsString, Kind)>>;
    /// The names of the folders in a folder, cheaper than [`list`](FileSystem::list).
    fn list_directories(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Bytes left for this user on the volume of `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Bytes of the volume of `path`, used or free.
    fn volume_bytes(&self, path: &Path) -> io::Result<u64>;
    /// The number of the user we are, where the system has such.
    fn user(&self) -> Option<u32>;
    /// Whether we may make files in the folder at `path`, as far as can be told without trying.
    fn is_writable(&self, _path: &Path) -> bool {
        true
    }
    /// The processes that have a lock on the file at `path`, where the system tells.
    fn lock_holders(&self, _path: &Path) -> Vec<u32> {
        Vec::new()
    }
    /// How many threads may call it at the same time to good use. With one, the order of the calls is always the same.
    fn calls_at_once(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
    /// Whether its paths mean something to other libraries, which make system calls of their own.
    fn is_local(&self) -> bool;
}

/// The calls on an open file. Locks end when it is dropped.
pub(crate) trait FileHandle:
    Read + Write + Seek + Debug + Send + Sync + UnwindSafe + RefUnwindSafe
{
    fn metadata(&self) -> io::Result<Metadata>;
    /// Cuts or lengthens it.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Lets the system begin to write these bytes to the medium, without waiting for it; promises nothing.
    fn start_write_back(&self, _offset: u64, _length: u64) {}
    /// Keeps space for the first `length` bytes, without becoming longer. Does nothing where the file
    /// system cannot.
    fn allocate(&self, length: u64) -> io::Result<()>;
    /// Brings bytes and length to the medium.
    fn sync_data(&self) -> io::Result<()>;
    /// Brings everything about the file to the medium.
    fn sync_all(&self) -> io::Result<()>;
    fn try_lock(&self) -> Result<(), TryLockError>;
    fn try_lock_shared(&self) -> Result<(), TryLockError>;
    /// The file that readers outside of the crate get.
    fn into_file(self: Box<Self>) -> io::Result<File>;
}
