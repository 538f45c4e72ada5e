//! What must hold for any bytes, for the fuzz targets in `offline-cli/fuzz`, which begin with the seeds that the tests hold the same laws against. A broken law panics.

use crate::media::cue_samples;
use crate::media::demux::{Maps, TransportDemuxer, fragmented, packed as packed_frames};
use crate::media::elementary::audio_frame::AudioKind;
use crate::media::fragments::Initialization;
use crate::media::movie::{self, Place, TrackBuilder};
use crate::media::samples::Demuxed;
use crate::media::transport_stream::Clock;
use crate::media::webvtt::{Segment, Subtitles};
use crate::media::{clear_initialization, clear_samples};
use crate::playback::range::{self, Asked};

/// Two files: the first two bytes are the length of the first one, with its low byte first.
fn two_files(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = input.split_first_chunk::<2>() else {
        return (&[], input);
    };
    let length = usize::from(u16::from_le_bytes(*length));
    rest.split_at(length.min(rest.len()))
}

/// A Transport Stream is taken apart, two segments of it, and made into a movie.
///
/// # Panics
/// When a law is broken.
pub fn transport(input: &[u8]) {
    let (first, second) = two_files(input);
    let mut demuxer = TransportDemuxer::default();
    for segment in [first, second] {
        lay_out(&demuxer.demux(segment), input.len());
    }
}

/// The same with packed audio.
///
/// # Panics
/// When a law is broken.
pub fn packed(input: &[u8]) {
    for kind in [AudioKind::Aac, AudioKind::Ac3, AudioKind::Eac3] {
        lay_out(
            &packed_frames(kind, input, &mut Clock::default()),
            input.len(),
        );
    }
}

/// The same with an initialization section and a segment of fragmented MP4.
///
/// # Panics
/// When a law is broken.
pub fn fragments(input: &[u8]) {
    let (map, segment) = two_files(input);
    two_fragments(map, segment);
}

pub(crate) fn two_fragments(map: &[u8], segment: &[u8]) {
    if let Ok(found) = cue_samples::read(map, segment) {
        let mut subtitles = Subtitles::default();
        subtitles.add(found, 500);
        // What is read again is as many cues as were written: no text ends one.
        let written = Segment::read(subtitles.to_webvtt().as_bytes());
        assert_eq!(written.cues.len(), subtitles.in_order().len());
    }
    let Ok(map) = Initialization::read(map) else {
        return;
    };
    let length = segment.len() as u64;
    let read = |offset: u64, wanted: usize| {
        let start = usize::try_from(offset.min(length)).unwrap_or(segment.len());
        let end = segment.len().min(start.saturating_add(wanted));
        Ok(segment.get(start..end).unwrap_or_default().to_vec())
    };
    if let Ok(demuxed) = fragmented(&Maps::new(vec![map]), 0, length, true, read) {
        lay_out(&demuxed, segment.len());
    }
}

/// Samples are decrypted in place with any key, and what describes them afterwards describes samples in clear.
///
/// # Panics
/// When a law is broken.
pub fn decrypt(input: &[u8]) {
    let (map, segment) = two_files(input);
    for map in [None, Some(map)] {
        let mut bytes = segment.to_vec();
        let _ = clear_samples(&mut bytes, map, [7; 16], Some([9; 16]));
    }
    let mut described = map.to_vec();
    if clear_initialization(&mut described).is_ok()
        && let Ok(described) = Initialization::read(&described)
    {
        assert!(!described.is_protected());
    }
}

/// A `Range` header, after eight bytes of length: a part is inside and not empty, and reads as it is written.
///
/// # Panics
/// When a law is broken.
pub fn range(input: &[u8]) {
    let Some((length, header)) = input.split_first_chunk::<8>() else {
        return;
    };
    let length = u64::from_le_bytes(*length);
    let Ok(header) = std::str::from_utf8(header) else {
        return;
    };
    if let Asked::Part(part) = range::parse(header, length) {
        assert!(part.start < part.end && part.end <= length);
        let written = format!("bytes={}-{}", part.start, part.end - 1);
        assert_eq!(range::parse(&written, length), Asked::Part(part));
    }
}

/// Makes a movie of what was found; there is room for no more than there was.
pub(crate) fn lay_out(demuxed: &Demuxed, length: usize) {
    let mut tracks = Vec::new();
    for stream in &demuxed.streams {
        let sizes = stream.samples.iter().map(|sample| u64::from(sample.size));
        let sizes: u64 = sizes.sum();
        assert!(stream.data.is_empty() || sizes == stream.data.len() as u64);
        assert!(stream.data.len() <= length * 2);
        let mut track = TrackBuilder::new("", "en", true);
        let place = Place {
            source: 0,
            segment: 0,
            stream: stream.id,
        };
        let added = track.add(0, stream, place);
        if added.and_then(|()| track.add(1, stream, place)).is_ok() {
            tracks.push(track);
        }
    }
    let parts = movie::place(&tracks);
    let _ = movie::lay_out(tracks, parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_taken() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let seeds = std::fs::read_dir(folder).unwrap();
        let mut count = 0;
        for seed in seeds {
            let bytes = std::fs::read(seed.unwrap().path()).unwrap();
            for law in [transport, packed, fragments, decrypt, range] {
                law(&bytes);
            }
            count += 1;
        }
        assert!(count >= 6, "the seeds are not there");
    }
}
