//! The error of reading media bytes.

use std::fmt;

use crate::media::mp4::FourCc;

/// Why media bytes could not be read.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes end before a box does.
    Truncated,
    /// A box says that it is smaller than its header, reaches beyond its parent, or has size 0
    /// inside another one.
    InvalidSize,
    /// Boxes are nested deeper than any known format does.
    TooDeep,
    /// There are more boxes of one kind than any known format has.
    TooMany,
    /// A box that must be there is not.
    MissingBox,
    /// The content of a box contradicts itself.
    InvalidBox,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    /// The box it is about; `None` if its type could not be read.
    in_box: Option<FourCc>,
    offset: u64,
    what: &'static str,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        in_box: Option<FourCc>,
        offset: u64,
        what: &'static str,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                in_box,
                offset,
                what,
            }),
        }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Where the box starts that it is about, in bytes from the start of the input.
    pub fn offset(&self) -> u64 {
        self.inner.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            in_box,
            offset,
            what,
            ..
        } = &*self.inner;
        match in_box {
            Some(kind) => write!(f, "box {kind} at byte {offset}: {what}"),
            None => write!(f, "box at byte {offset}: {what}"),
        }
    }
}

impl std::error::Error for Error {}
