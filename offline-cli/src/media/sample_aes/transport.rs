//! SAMPLE-AES in Transport Streams: samples are decrypted inside the packets they came in, so that times,
//! clocks and the length stay what they were.

use std::ops::Range;

use super::super::elementary::audio_frame::AudioKind;
use super::super::transport_stream::{PesHeader, Scanner, Section, Stream, Unit, checksum};
use super::super::{Damaged, Result};
use super::{SampleKey, decrypt_frames, video};

/// Stream types of encrypted samples and of the same in clear.
const TYPES: [(u8, u8); 4] = [(0xdb, 0x1b), (0xcf, 0x0f), (0xc1, 0x81), (0xc2, 0x87)];

/// Decrypts a segment in place.
///
/// # Errors
/// When an encrypted stream is not made of what its type says.
pub(crate) fn decrypt(segment: &mut [u8], key: &SampleKey) -> Result<()> {
    let mut scanner = Scanner::default();
    let mut sample = Vec::new();
    let mut room = video::Room::default();
    while let Some(unit) = scanner.next(segment) {
        let (stream, pieces) = match unit {
            Unit::Table(section, streams) => {
                rename(segment, section, &streams);
                continue;
            }
            Unit::Pes { stream, pieces } => (stream, pieces),
        };
        let kind = scanner.streams().get(stream).map(|stream| stream.kind);
        let kind = match kind {
            Some(0xdb) => None,
            Some(0xcf) => Some(AudioKind::Aac),
            Some(0xc1) => Some(AudioKind::Ac3),
            Some(0xc2) => Some(AudioKind::Eac3),
            _ => continue,
        };
        sample.clear();
        for piece in &pieces {
            sample.extend_from_slice(segment.get(piece.clone()).unwrap_or_default());
        }
        let header = PesHeader::read(&sample)
            .ok_or(Damaged("an encrypted stream has no PES header"))?
            .length;
        let payload = sample.get_mut(header..).unwrap_or_default();
        if let Some(kind) = kind {
            let length = payload.len();
            if decrypt_frames(kind, payload, key)? != length {
                return Err(Damaged(
                    "an encrypted audio frame is cut by the end of its packet",
                ));
            }
        } else {
            video::decrypt(payload, key, &mut room);
        }
        put_back(segment, &pieces, &sample);
        scanner.reuse(pieces);
    }
    Ok(())
}

/// Writes the bytes over the pieces they were taken from.
fn put_back(segment: &mut [u8], pieces: &[Range<usize>], mut bytes: &[u8]) {
    for piece in pieces {
        let (now, rest) = bytes.split_at(piece.len().min(bytes.len()));
        if let Some(to) = segment.get_mut(piece.start..piece.start + now.len()) {
            to.copy_from_slice(now);
        }
        bytes = rest;
    }
}

/// Calls the streams of a table what they are in clear.
fn rename(segment: &mut [u8], mut section: Section, streams: &[Stream]) {
    let mut renamed = false;
    for stream in streams {
        let clear = TYPES
            .iter()
            .find(|(encrypted, _)| *encrypted == stream.kind);
        if let (Some((_, clear)), Some(byte)) = (clear, section.bytes.get_mut(stream.place)) {
            *byte = *clear;
            renamed = true;
        }
    }
    let Some(end) = section.bytes.len().checked_sub(4).filter(|_| renamed) else {
        return;
    };
    let sum = checksum(section.bytes.get(..end).unwrap_or_default());
    section.bytes.truncate(end);
    section.bytes.extend_from_slice(&sum.to_be_bytes());
    for (byte, place) in section.bytes.iter().zip(&section.places) {
        if let Some(to) = segment.get_mut(*place) {
            *to = *byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_packets_are_taken(
            packets in proptest::collection::vec((0_u16..4, any::<u8>(), proptest::collection::vec(0_u8..8, 184)), 1..12),
            table in proptest::collection::vec(any::<u8>(), 30),
        ) {
            let mut segment = Vec::new();
            for (pid, flags, payload) in packets {
                let start = segment.len();
                segment.extend([0x47, flags & 0x40, if pid == 3 { 0 } else { u8::try_from(pid).unwrap() }, flags & 0x30]);
                segment.extend(payload);
                if pid == 1 {
                    // A table that may well be one.
                    segment[start + 4..start + 8].copy_from_slice(&[0, 2, 0xb0, 26]);
                    segment[start + 8..start + 38].copy_from_slice(&table);
                }
            }
            let length = segment.len();
            let _ = decrypt(&mut segment, &SampleKey { key: [1; 16], iv: [2; 16] });
            prop_assert_eq!(segment.len(), length);
        }
    }
}
