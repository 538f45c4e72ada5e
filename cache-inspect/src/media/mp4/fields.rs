//! Numbers inside a box.

use super::boxes::{FourCc, Mp4Box};
use crate::error::{Error, ErrorKind};

/// Reads the fields of a box one after the other, big-endian.
pub(super) struct Fields<'a, 'b> {
    rest: &'a [u8],
    of: &'b Mp4Box<'a>,
}

impl<'a, 'b> Fields<'a, 'b> {
    pub(super) fn new(of: &'b Mp4Box<'a>) -> Self {
        Self {
            rest: of.payload(),
            of,
        }
    }

    /// Starts with the version and the flags of a full box.
    pub(super) fn full(of: &'b Mp4Box<'a>) -> Result<(Self, u8, u32), Error> {
        let mut fields = Self::new(of);
        let word = fields.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((fields, version, word & 0x00ff_ffff))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self
                .of
                .error(ErrorKind::InvalidSize, "too small for its fields"));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.bytes().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.bytes().map(u64::from_be_bytes)
    }

    /// A number that is 64 bits wide in version 1 of a box and 32 in version 0.
    pub(super) fn wide(&mut self, version: u8) -> Result<u64, Error> {
        if version == 1 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }

    pub(super) fn four_cc(&mut self) -> Result<FourCc, Error> {
        self.bytes().map(FourCc)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}
