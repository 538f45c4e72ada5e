//! AES-128 in CBC mode over whole files, opened at any block.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};

/// Bytes of a block.
pub(super) const BLOCK: u64 = 16;

/// A key with the IV of the first block.
pub(super) struct Cipher {
    pub(super) key: [u8; 16],
    pub(super) iv: [u8; 16],
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Cipher(…)")
    }
}

/// A part of a file, all of it.
pub(super) fn read_stored(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(offset))?;
    let read = file.take(length).read_to_end(&mut bytes)?;
    if read as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// What of a part of a file is in the memory of the system, from its start on; `None` where that is nothing, or cannot be known.
#[cfg(target_os = "linux")]
pub(super) fn read_at_hand(file: &File, offset: u64, buffer: &mut [u8]) -> Option<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut buffers = [io::IoSliceMut::new(buffer)];
    let read = preadv2(file, &mut buffers, offset, ReadWriteFlags::NOWAIT);
    read.ok().filter(|read| *read > 0)
}

/// The same where a system does not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_at_hand(_: &File, _: u64, _: &mut [u8]) -> Option<usize> {
    None
}

impl Cipher {
    /// Reads and decrypts whole blocks that are in the memory of the system, as many as the buffer holds.
    pub(super) fn decrypt_at_hand(
        &self,
        file: &File,
        offset: u64,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let mut iv = self.iv;
        if !offset.is_multiple_of(BLOCK) {
            return None;
        }
        if let Some(before) = offset.checked_sub(BLOCK) {
            read_at_hand(file, before, &mut iv).filter(|read| *read == iv.len())?;
        }
        let whole = buffer.len() - buffer.len() % iv.len();
        let buffer = buffer.get_mut(..whole)?;
        let read = read_at_hand(file, offset, buffer)?;
        let bytes = buffer.get_mut(..read - read % iv.len())?;
        Self::decrypt(self.key, iv, bytes).ok()?;
        Some(bytes.len())
    }

    /// Decrypts whole blocks of a file. The block before the first one is its IV, which makes random access cheap.
    pub(super) fn decrypt_blocks(
        &self,
        file: &mut File,
        first: u64,
        length: u64,
    ) -> io::Result<Vec<u8>> {
        let mut iv = self.iv;
        if let Some(before) = first.checked_sub(BLOCK) {
            let previous = read_stored(file, before, BLOCK)?;
            iv = previous
                .try_into()
                .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        }
        let mut bytes = read_stored(file, first, length)?;
        Self::decrypt(self.key, iv, &mut bytes)?;
        Ok(bytes)
    }

    /// Decrypts whole blocks, after the one that `iv` is.
    fn decrypt(key: [u8; 16], iv: [u8; 16], bytes: &mut [u8]) -> io::Result<()> {
        let (blocks, rest) = Array::slice_as_chunks_mut(bytes);
        if !rest.is_empty() {
            return Err(invalid("its length is not a multiple of 16"));
        }
        cbc::Decryptor::<Aes128>::new(&Array::from(key), &Array::from(iv)).decrypt_blocks(blocks);
        Ok(())
    }

    /// Decrypts a whole file; how many bytes it has without the padding.
    pub(super) fn decrypt_all(&self, bytes: &mut [u8]) -> io::Result<usize> {
        Self::decrypt(self.key, self.iv, bytes)?;
        let padding = padding(bytes)?;
        Ok(bytes.len().saturating_sub(padding.into()))
    }
}

/// How many bytes of padding the last block has (PKCS#7).
pub(super) fn padding(clear: &[u8]) -> io::Result<u8> {
    let padding = clear.last().copied().unwrap_or_default();
    let is_padding = (1..=16).contains(&padding)
        && clear.len() >= usize::from(padding)
        && (clear.iter().rev().take(padding.into())).all(|&byte| byte == padding);
    if is_padding {
        Ok(padding)
    } else {
        Err(invalid(
            "its padding is wrong: the key or the segment is not the right one",
        ))
    }
}

pub(super) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
