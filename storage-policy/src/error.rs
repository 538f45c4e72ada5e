//! The error of this crate.

use std::fmt;

/// Why no plan could be made, or a word not be read.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An item names a blob that the inventory has no length for.
    BlobOutOfRange,
    /// An item names one blob twice.
    DuplicateBlob,
    /// Two items have the same id.
    DuplicateItem,
    /// The blobs of the inventory together are longer than 2^64 - 1 bytes, or there are more than
    /// 2^32 - 1 items.
    TooLarge,
    /// Free space is asked for, but the inventory does not say how much there is.
    UnknownFreeSpace,
    /// A word that names no priority.
    UnknownPriority,
}

#[derive(Debug)]
pub(crate) enum Inner {
    BlobOutOfRange {
        item: String,
        blob: u32,
        blobs: usize,
    },
    DuplicateBlob {
        item: String,
        blob: u32,
    },
    DuplicateItem {
        item: String,
    },
    TooLarge,
    UnknownFreeSpace,
    UnknownPriority {
        word: String,
    },
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match *self.inner {
            Inner::BlobOutOfRange { .. } => ErrorKind::BlobOutOfRange,
            Inner::DuplicateBlob { .. } => ErrorKind::DuplicateBlob,
            Inner::DuplicateItem { .. } => ErrorKind::DuplicateItem,
            Inner::TooLarge => ErrorKind::TooLarge,
            Inner::UnknownFreeSpace => ErrorKind::UnknownFreeSpace,
            Inner::UnknownPriority { .. } => ErrorKind::UnknownPriority,
        }
    }
}

impl From<Inner> for Error {
    fn from(inner: Inner) -> Self {
        Self {
            inner: Box::new(inner),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.inner {
            Inner::BlobOutOfRange { item, blob, blobs } => write!(
                f,
                "item {item:?} holds blob {blob}, but the inventory has {blobs} blobs"
            ),
            Inner::DuplicateBlob { item, blob } => {
                write!(
                    f,
                    "item {item:?} holds blob {blob} twice; name each blob once"
                )
            }
            Inner::DuplicateItem { item } => {
                write!(f, "two items of the inventory have the id {item:?}")
            }
            Inner::TooLarge => {
                f.write_str("the inventory has more items or bytes than can be counted")
            }
            Inner::UnknownFreeSpace => f.write_str(
                "a minimum of free bytes is asked for, but the free bytes of the volume are not known",
            ),
            Inner::UnknownPriority { word } => {
                write!(
                    f,
                    "unknown priority {word:?}; expected default or important"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
