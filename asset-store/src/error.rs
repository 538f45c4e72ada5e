//! The one error type of the crate.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an operation on the store failed.
///
/// [`kind`](Error::kind) says what a program can do about it, the message says what happened and
/// where, [`source`](std::error::Error::source) keeps the error of the system.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Arc<Inner>);

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    shortage: Option<Shortage>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong, as far as a program needs to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no store at the path, and none was to be created.
    NotFound,
    /// The folder holds something else than a store.
    NotAStore,
    /// The store was written by a newer version of this crate.
    NewerFormat,
    /// No asset has this id.
    UnknownAsset,
    /// Somebody else holds what is needed: another writer of the asset, a garbage collection.
    Busy,
    /// The disk, or what the system allows this user of it, is full.
    DiskFull,
    /// It does not fit into the quota of the store, see [`StoreOptions::quota`](crate::StoreOptions::quota).
    OverQuota,
    /// What is to be made is there already.
    AlreadyExists,
    /// Bytes on the disk are not what was written; what was damaged has been moved aside.
    Damaged,
    /// What is named is not there: an entry of the asset, or the blob of an entry.
    Missing,
    /// An asset id, entry path, document name or digest that is not allowed.
    InvalidName,
    /// A partial was asked to continue beyond its end.
    InvalidOffset,
    /// More bytes than the operation takes.
    TooLarge,
    /// What was to be imported is neither a file nor a folder: a link, a device, a sparse file of an archive.
    NotImportable,
    /// What was to be imported changed while it was read.
    Changed,
    /// An archive is none, or not whole.
    InvalidArchive,
    /// The store belongs to another user, or others may write in it, so nothing in it can be trusted.
    NotPrivate,
    /// Any other failure of the file system.
    Io,
}

/// Why something does not fit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shortage {
    /// The quota, or what is free on the volume.
    pub limit: u64,
    /// What of the limit is stored already, or reserved by others.
    pub used: u64,
    /// What was to be added.
    pub needed: u64,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            path: None,
            shortage: None,
            source: None,
        }))
    }

    /// Something does not fit.
    pub(crate) fn short(kind: ErrorKind, message: String, shortage: Shortage) -> Error {
        Error(Arc::new(Inner {
            kind,
            message,
            path: None,
            shortage: Some(shortage),
            source: None,
        }))
    }

    /// An error about `path`; `message` must not name it.
    pub(crate) fn at(kind: ErrorKind, path: &Path, message: &str) -> Error {
        Error(Arc::new(Inner {
            kind,
            message: format!("{}: {message}", path.display()),
            path: Some(path.to_owned()),
            shortage: None,
            source: None,
        }))
    }

    /// A failed call of the file system: `action` is an infinitive, as in "read" or "rename to x".
    pub(crate) fn io(action: &str, path: &Path, source: io::Error) -> Error {
        let kind = kind_of(&source);
        let hint = match kind {
            ErrorKind::DiskFull => ": the disk or the quota is full, free some space",
            _ => "",
        };
        Error(Arc::new(Inner {
            kind,
            message: format!("cannot {action} {}{hint}", path.display()),
            path: Some(path.to_owned()),
            shortage: None,
            source: Some(Box::new(source)),
        }))
    }

    /// An error with the failure that led to it.
    #[cfg(feature = "tar")]
    pub(crate) fn caused(kind: ErrorKind, message: impl Into<String>, source: io::Error) -> Error {
        Error(Arc::new(Inner {
            kind,
            message: message.into(),
            path: None,
            shortage: None,
            source: Some(Box::new(source)),
        }))
    }

    /// What went wrong, for a program.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// By how much something does not fit, where that is known: of [`ErrorKind::OverQuota`], and of
    /// [`ErrorKind::DiskFull`] from a reservation.
    pub fn shortage(&self) -> Option<Shortage> {
        self.0.shortage
    }

    /// The file or folder it is about, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
        _ => ErrorKind::Io,
    }
}
