//! The error of this crate.

use std::fmt;

use crate::priority::Priority;
use crate::store_policy::Contradiction;

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
    /// An item, or a part of one, names one blob twice.
    DuplicateBlob,
    /// Two items have the same id.
    DuplicateItem,
    /// Two parts of an item have the same name.
    DuplicatePart,
    /// A policy says something that cannot be: a mistake in a file, or values that contradict each other.
    InvalidPolicy,
    /// The blobs of the inventory together are longer than 2^64 - 1 bytes, or there are more than
    /// 2^32 - 1 items.
    TooLarge,
    /// Free space is asked for, but the inventory does not say how much there is, or of how much.
    UnknownFreeSpace,
    /// A word that names no priority.
    UnknownPriority,
    /// A word that is none of those that are allowed in its place.
    UnknownWord,
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
    DuplicatePart {
        item: String,
        part: String,
    },
    InvalidPolicy {
        line: usize,
        column: usize,
        key: Option<String>,
        what: String,
    },
    Contradiction(Contradiction),
    TooLarge,
    UnknownFreeSpace,
    UnknownVolume,
    UnknownPriority {
        word: String,
    },
    UnknownWord {
        word: String,
        allowed: String,
    },
}

impl Inner {
    pub(crate) fn unknown_word(word: &str, allowed: &[&str]) -> Self {
        Self::UnknownWord {
            word: word.to_owned(),
            allowed: allowed.join(" or "),
        }
    }
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match *self.inner {
            Inner::BlobOutOfRange { .. } => ErrorKind::BlobOutOfRange,
            Inner::DuplicateBlob { .. } => ErrorKind::DuplicateBlob,
            Inner::DuplicateItem { .. } => ErrorKind::DuplicateItem,
            Inner::DuplicatePart { .. } => ErrorKind::DuplicatePart,
            Inner::InvalidPolicy { .. } | Inner::Contradiction(_) => ErrorKind::InvalidPolicy,
            Inner::TooLarge => ErrorKind::TooLarge,
            Inner::UnknownFreeSpace | Inner::UnknownVolume => ErrorKind::UnknownFreeSpace,
            Inner::UnknownPriority { .. } => ErrorKind::UnknownPriority,
            Inner::UnknownWord { .. } => ErrorKind::UnknownWord,
        }
    }

    /// The line of the policy file where the mistake is, from 1.
    pub fn line(&self) -> Option<usize> {
        match *self.inner {
            Inner::InvalidPolicy { line, .. } => Some(line),
            _ => None,
        }
    }

    /// The column where the mistake is, in characters from 1.
    pub fn column(&self) -> Option<usize> {
        match *self.inner {
            Inner::InvalidPolicy { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The key that the mistake is about, such as `tags.news.max_bytes`.
    pub fn key(&self) -> Option<&str> {
        match &*self.inner {
            Inner::InvalidPolicy { key, .. } => key.as_deref(),
            Inner::Contradiction(wrong) => Some(wrong.key),
            _ => None,
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
            Inner::DuplicatePart { item, part } => {
                write!(f, "item {item:?} has two parts called {part:?}")
            }
            Inner::InvalidPolicy {
                line, column, what, ..
            } => write!(f, "line {line}, column {column}: {what}"),
            Inner::Contradiction(Contradiction { key, what }) => write!(f, "{key} {what}"),
            Inner::TooLarge => {
                f.write_str("the inventory has more items or bytes than can be counted")
            }
            Inner::UnknownFreeSpace => f.write_str(
                "a minimum of free bytes is asked for, but the free bytes of the volume are not known",
            ),
            Inner::UnknownVolume => f.write_str(
                "a share of the volume is to be free, but the size of the volume is not known",
            ),
            Inner::UnknownPriority { word } => {
                let allowed = Priority::ALLOWED;
                write!(f, "unknown priority {word:?}; expected {allowed}")
            }
            Inner::UnknownWord { word, allowed } => {
                write!(f, "{word:?} is not known here; expected {allowed}")
            }
        }
    }
}

impl std::error::Error for Error {}
