//! Numbers inside a box.

use super::super::{Damaged, Result};

const SHORT: Damaged = Damaged("an MP4 box is too small for its fields");

/// Reads fields one after the other, big-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// Starts behind the version and the flags of a full box.
    pub(crate) fn full(payload: &'a [u8]) -> Result<(Self, u8, u32)> {
        let mut fields = Self(payload);
        let word = fields.u32()?;
        let [version, ..] = word.to_be_bytes();
        Ok((fields, version, word & 0x00ff_ffff))
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// 64 bits in version 1, else 32.
    pub(crate) fn wide(&mut self, version: u8) -> Result<u64> {
        if version == 1 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }
}
