//! From bytes to boxes.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// How deep boxes may be nested; the outermost are at depth 1. The deepest box that a player
/// needs is at 10: `moov/trak/mdia/minf/stbl/stsd/encv/sinf/schi/tenc`.
pub const MAX_DEPTH: usize = 10;

/// The type of a box, or another code of four characters. Displayed and serialized with its
/// unprintable characters escaped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(
    /// Its four bytes.
    pub [u8; 4],
);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for FourCc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One box.
#[derive(Clone, Copy)]
pub struct Mp4Box<'a> {
    kind: FourCc,
    offset: u64,
    header: usize,
    payload: &'a [u8],
    depth: usize,
}

impl<'a> Mp4Box<'a> {
    /// Its type.
    pub fn kind(&self) -> FourCc {
        self.kind
    }

    /// Where it starts, in bytes from the start of the input.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its bytes, header included.
    pub fn size(&self) -> u64 {
        to_u64(self.header).saturating_add(to_u64(self.payload.len()))
    }

    /// What follows the header.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The boxes inside it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooDeep`] if they would be deeper than [`MAX_DEPTH`].
    pub fn children(&self) -> Result<Boxes<'a>, Error> {
        self.children_after(0)
    }

    /// The boxes inside it that follow `fields`, a number of bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooDeep`] if they would be deeper than [`MAX_DEPTH`],
    /// [`ErrorKind::InvalidSize`] if the box is too small for the fields.
    pub fn children_after(&self, fields: usize) -> Result<Boxes<'a>, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(ErrorKind::TooDeep, "boxes are nested too deeply"));
        }
        let Some(rest) = self.payload.get(fields..) else {
            return Err(self.error(ErrorKind::InvalidSize, "too small for its fields"));
        };
        Ok(Boxes {
            rest,
            offset: self
                .offset
                .saturating_add(to_u64(self.header))
                .saturating_add(to_u64(fields)),
            depth: self.depth + 1,
        })
    }

    /// The first child of this type.
    pub(crate) fn child(&self, kind: [u8; 4]) -> Result<Option<Mp4Box<'a>>, Error> {
        self.children()?.find_kind(kind)
    }

    /// The first child of this type, which must be there.
    pub(crate) fn require(
        &self,
        kind: [u8; 4],
        lacking: &'static str,
    ) -> Result<Mp4Box<'a>, Error> {
        self.child(kind)?
            .ok_or_else(|| self.error(ErrorKind::MissingBox, lacking))
    }

    pub(crate) fn error(&self, kind: ErrorKind, what: &'static str) -> Error {
        Error::new(kind, Some(self.kind), self.offset, what)
    }
}

impl fmt::Debug for Mp4Box<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mp4Box")
            .field("kind", &self.kind)
            .field("offset", &self.offset)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Boxes one after the other. After an error there are no more.
///
/// Outermost boxes tile the input: if the iteration ends without an error, the input is whole.
#[derive(Clone, Debug)]
pub struct Boxes<'a> {
    rest: &'a [u8],
    offset: u64,
    depth: usize,
}

impl<'a> Boxes<'a> {
    /// The outermost boxes of a file or segment.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
            depth: 1,
        }
    }

    /// The first box of this type.
    pub(crate) fn find_kind(mut self, kind: [u8; 4]) -> Result<Option<Mp4Box<'a>>, Error> {
        self.find(|found| found.as_ref().map_or(true, |found| found.kind.0 == kind))
            .transpose()
    }

    /// Reads the next header: the type, bytes of the header, bytes of the box.
    fn header(&self) -> Result<(FourCc, usize, usize), Error> {
        let Some((size, after_size)) = self.rest.split_first_chunk::<4>() else {
            return Err(self.ends_early(None));
        };
        let Some((kind, after_kind)) = after_size.split_first_chunk::<4>() else {
            return Err(self.ends_early(None));
        };
        let kind = FourCc(*kind);
        let invalid = |what| {
            Err(Error::new(
                ErrorKind::InvalidSize,
                Some(kind),
                self.offset,
                what,
            ))
        };
        let (header, size) = match u32::from_be_bytes(*size) {
            0 if self.depth > 1 => return invalid("size 0 inside another box"),
            0 => (8, to_u64(self.rest.len())),
            1 => match after_kind.first_chunk::<8>() {
                Some(size) => (16, u64::from_be_bytes(*size)),
                None => return Err(self.ends_early(Some(kind))),
            },
            size => (8, u64::from(size)),
        };
        if size < to_u64(header) {
            return invalid("smaller than its header");
        }
        match usize::try_from(size) {
            Ok(size) if size <= self.rest.len() => Ok((kind, header, size)),
            _ => Err(self.ends_early(Some(kind))),
        }
    }

    /// The bytes end before the box does: of the file, or of the parent.
    fn ends_early(&self, kind: Option<FourCc>) -> Error {
        if self.depth > 1 {
            let what = "reaches beyond its parent";
            Error::new(ErrorKind::InvalidSize, kind, self.offset, what)
        } else {
            let what = "the bytes end before it does";
            Error::new(ErrorKind::Truncated, kind, self.offset, what)
        }
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Mp4Box<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (kind, header, size) = match self.header() {
            Ok(found) => found,
            Err(error) => {
                self.rest = &[];
                return Some(Err(error));
            }
        };
        let (whole, rest) = self.rest.split_at_checked(size)?;
        let found = Mp4Box {
            kind,
            offset: self.offset,
            header,
            payload: whole.get(header..)?,
            depth: self.depth,
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(to_u64(size));
        Some(Ok(found))
    }
}

impl std::iter::FusedIterator for Boxes<'_> {}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
