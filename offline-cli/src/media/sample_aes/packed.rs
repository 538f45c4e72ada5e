//! Packed audio: frames one after the other, with ID3 tags before and between them.

use super::super::elementary::audio_frame::AudioKind;
use super::super::{Damaged, Result};
use super::{SampleKey, decrypt_frames};

/// Decrypts a segment of packed audio in place.
///
/// # Errors
/// When it has no frames of this kind, or the last one is cut.
pub(crate) fn decrypt(kind: AudioKind, segment: &mut [u8], key: &SampleKey) -> Result<()> {
    let start = skip_id3(segment);
    let frames = segment.get_mut(start..).unwrap_or_default();
    let length = frames.len();
    if decrypt_frames(kind, frames, key)? == length {
        Ok(())
    } else {
        Err(Damaged("its last audio frame is cut"))
    }
}

/// Bytes of the ID3 tags at the start.
pub(crate) fn skip_id3(bytes: &[u8]) -> usize {
    let mut start = 0_usize;
    while let Some([b'I', b'D', b'3', _, _, flags, a, b, c, d]) =
        bytes.get(start..).and_then(|rest| rest.first_chunk::<10>())
    {
        let content = [a, b, c, d]
            .iter()
            .fold(0_usize, |size, byte| size << 7 | usize::from(**byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        start = (start + 10 + content + footer).min(bytes.len());
    }
    start
}
