//! SAMPLE-AES in Transport Streams and packed audio: parts of samples are encrypted by AES-128 in CBC mode,
//! each sample anew from the same IV.

mod packed;
mod transport;
mod video;

pub(crate) use packed::{decrypt as decrypt_packed, skip_id3};
pub(crate) use transport::decrypt as decrypt_transport_stream;

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};

use super::elementary::audio_frame::{self, AudioKind};
use super::{Damaged, Result};

/// Bytes at the start of an audio frame, behind its ADTS header, that stay clear.
const CLEAR_AUDIO: usize = 16;

/// A key with the IV that every sample starts from.
#[derive(Clone, Copy)]
pub(crate) struct SampleKey {
    pub(crate) key: [u8; 16],
    pub(crate) iv: [u8; 16],
}

impl std::fmt::Debug for SampleKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SampleKey(…)")
    }
}

impl SampleKey {
    fn cipher(&self) -> cbc::Decryptor<Aes128> {
        cbc::Decryptor::new(&Array::from(self.key), &Array::from(self.iv))
    }
}

/// Decrypts the audio frames at the start of the bytes up to their end. Says where frames end: a frame may be cut.
fn decrypt_frames(kind: AudioKind, bytes: &mut [u8], key: &SampleKey) -> Result<usize> {
    let mut position = 0;
    while let Some(rest) = bytes.get_mut(position..).filter(|rest| !rest.is_empty()) {
        let Some(found) = audio_frame::read(kind, rest) else {
            if rest.len() < 9 {
                break;
            }
            return Err(Damaged("its audio has no frames where they should be"));
        };
        let Some(frame) = rest.get_mut(..found.size) else {
            break;
        };
        if let Some(encrypted) = frame.get_mut(found.header + CLEAR_AUDIO..) {
            let (blocks, _) = Array::slice_as_chunks_mut(encrypted);
            key.cipher().decrypt_blocks(blocks);
        }
        position += found.size;
    }
    Ok(position)
}
