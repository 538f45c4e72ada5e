//! Samples of packed audio (RFC 8216bis section 3.1.4): frames after an ID3 tag that says when they begin.

use super::super::elementary::audio_frame::AudioKind;
use super::super::sample_aes::skip_id3;
use super::super::samples::{Demuxed, Stream};
use super::super::transport_stream::Clock;
use super::take_frames;

/// The owner of the time stamp.
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

/// The samples of a segment. Without a time stamp they follow those of the segment before.
pub(crate) fn packed(kind: AudioKind, segment: &[u8], clock: &mut Clock) -> Demuxed {
    let (tag, frames) = segment.split_at(skip_id3(segment).min(segment.len()));
    let stamp = memchr::memmem::find(tag, OWNER)
        .and_then(|at| tag.get(at + OWNER.len()..)?.first_chunk::<8>())
        .map(|stamp| clock.unwrap(i64::from_be_bytes(*stamp) & 0x1_ffff_ffff));
    let mut stream = Stream {
        id: 0,
        timescale: 90_000,
        formats: Vec::new(),
        samples: Vec::new(),
        data: Vec::new(),
    };
    let taken = take_frames(&mut stream, kind, frames, stamp);
    let mut demuxed = Demuxed::default();
    if taken < frames.len() {
        demuxed
            .left_out
            .push("an audio frame that is cut at the end of a segment".to_owned());
    }
    if !stream.samples.is_empty() {
        demuxed.streams.push(stream);
    }
    demuxed
}
