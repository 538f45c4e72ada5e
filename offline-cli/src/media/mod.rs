//! Media bytes taken apart and put together: Transport Streams, elementary streams, fragmented MP4, movies.
//!
//! Everything read here came from a server: nothing is believed before it is checked, nothing is
//! allocated because a header says so, and damage is an error, never a panic.

mod common_encryption;
pub(crate) mod cue_samples;
mod cue_text;
pub(crate) mod demux;
pub(crate) mod elementary;
pub(crate) mod fragments;
pub(crate) mod movie;
mod sample_aes;
pub(crate) mod samples;
pub(crate) mod transport_stream;
pub(crate) mod webvtt;

use std::fmt;

use cache_inspect::media::{Container, identify};

use elementary::audio_frame::AudioKind;
use fragments::Initialization;
use sample_aes::SampleKey;

/// Media that is not what its format says, or more than is handled; says why in a fragment of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged(pub(crate) &'static str);

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Damaged {}

impl From<cache_inspect::Error> for Damaged {
    fn from(_: cache_inspect::Error) -> Self {
        Self("its MP4 boxes are damaged")
    }
}

impl From<Damaged> for crate::Error {
    fn from(damaged: Damaged) -> Self {
        Self::new(crate::ErrorKind::Storage, "media cannot be read").because(damaged)
    }
}

impl From<Damaged> for std::io::Error {
    fn from(damaged: Damaged) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, damaged)
    }
}

pub(crate) type Result<T> = std::result::Result<T, Damaged>;

/// Decrypts in place a segment whose samples are encrypted: `SAMPLE-AES` in Transport Streams and packed audio, and
/// the schemes `cenc` and `cbcs` of Common Encryption in fragmented MP4. Nothing changes its size.
///
/// `map` is the Media Initialization Section as the server has it, which MP4 needs; `iv` is what the playlist says,
/// which the other formats need.
///
/// # Errors
/// When the segment is not made of what its format says, or is encrypted in another way.
pub fn clear_samples(
    segment: &mut [u8],
    map: Option<&[u8]>,
    key: [u8; 16],
    iv: Option<[u8; 16]>,
) -> std::result::Result<(), crate::Error> {
    let kind = match identify(segment) {
        Container::MpegTs => None,
        Container::Adts => Some(AudioKind::Aac),
        Container::Ac3 => Some(AudioKind::Ac3),
        Container::Eac3 => Some(AudioKind::Eac3),
        // Subtitles are in clear beside encrypted video.
        Container::WebVtt => return Ok(()),
        Container::Mp4 => {
            let map = map.ok_or(Damaged("it has no initialization section"))?;
            return Ok(common_encryption::decrypt(
                segment,
                &Initialization::read(map)?,
                key,
            )?);
        }
        _ => return Err(Damaged("its samples are in a format that cannot be decrypted").into()),
    };
    let iv = iv.ok_or(Damaged("its key has no IV"))?;
    let key = SampleKey { key, iv };
    match kind {
        None => sample_aes::decrypt_transport_stream(segment, &key)?,
        Some(kind) => sample_aes::decrypt_packed(kind, segment, &key)?,
    }
    Ok(())
}

/// Changes a Media Initialization Section in place so that it describes samples in clear. Nothing changes its size.
///
/// # Errors
/// When its boxes are damaged.
pub fn clear_initialization(map: &mut [u8]) -> std::result::Result<(), crate::Error> {
    let is_of_boxes = match identify(map) {
        Container::Mp4 => true,
        // The first of its boxes may be of no known kind.
        Container::Unknown => Initialization::read(map).is_ok(),
        _ => false,
    };
    if is_of_boxes {
        common_encryption::clear_initialization(map)?;
    }
    Ok(())
}
