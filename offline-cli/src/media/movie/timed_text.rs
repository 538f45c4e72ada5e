//! Subtitles as a track of timed text (3GPP TS 26.245), which players of MP4 files know; few know WebVTT there.

use super::super::cue_text::{Piece, pieces};
use super::super::samples::{Demuxed, Format, Sample, Stream};
use super::super::webvtt::{Cue, Subtitles};

/// The height of letters, of the 5 % of a picture's height that they are drawn with elsewhere.
const LETTERS: u32 = 20;
/// Ticks per second, in which the times of Transport Streams are exact.
const TICKS: u32 = 90_000;

/// A track of one segment: all cues that are shown before `end` milliseconds, the first sample at 0.
///
/// `base` is what the times of the track begin with, in ticks of 90 kHz. Samples do not overlap, so that cues
/// that do are shown one below the other; nothing is shown by samples without text.
pub(crate) fn timed_text(
    subtitles: &Subtitles,
    (width, height): (u32, u32),
    base: i64,
    end: i64,
) -> Demuxed {
    let size = u8::try_from(height / LETTERS).unwrap_or(u8::MAX).max(12);
    let mut stream = Stream {
        id: 0,
        timescale: TICKS,
        formats: vec![Format::Entry {
            handler: *b"sbtl",
            entry: sample_entry(width, height, size),
            width,
            height,
        }],
        samples: Vec::new(),
        data: Vec::new(),
    };
    let cues: Vec<&Cue> = subtitles.in_order();
    let mut times: Vec<i64> = cues
        .iter()
        .flat_map(|cue| [cue.start, cue.end])
        .map(|time| time.clamp(0, end))
        .chain([0, end])
        .collect();
    times.sort_unstable();
    times.dedup();
    let mut shown: Vec<&Cue> = Vec::new();
    let mut waiting = cues.into_iter().peekable();
    for (&from, &to) in times.iter().zip(times.get(1..).unwrap_or_default()) {
        shown.retain(|cue| cue.end > from);
        while let Some(cue) = waiting.next_if(|cue| cue.start <= from) {
            if cue.end > from {
                shown.push(cue);
            }
        }
        let before = stream.data.len();
        write_sample(&mut stream.data, &shown, size);
        stream.samples.push(Sample {
            decode: stream.samples.is_empty().then_some(base),
            composition: 0,
            duration: Some(u32::try_from((to - from).saturating_mul(90)).unwrap_or(u32::MAX)),
            size: u32::try_from(stream.data.len() - before).unwrap_or(0),
            is_sync: true,
            format: 0,
        });
    }
    Demuxed {
        streams: vec![stream],
        ..Demuxed::default()
    }
}

/// The text with its length before it, and a table of the faces that it has in places.
fn write_sample(out: &mut Vec<u8>, cues: &[&Cue], size: u8) {
    let mut text = String::new();
    let mut styles: Vec<u8> = Vec::new();
    let (mut count, mut position) = (0_u16, 0_u16);
    for cue in cues {
        if !text.is_empty() {
            text.push('\n');
            position = position.saturating_add(1);
        }
        for Piece { text: piece, face } in pieces(&cue.text) {
            let end =
                position.saturating_add(u16::try_from(piece.chars().count()).unwrap_or(u16::MAX));
            // Longer text than a length can say is not subtitles.
            if text.len() + piece.len() > usize::from(u16::MAX) {
                break;
            }
            text.push_str(&piece);
            if face != 0 {
                styles.extend_from_slice(&position.to_be_bytes());
                styles.extend_from_slice(&end.to_be_bytes());
                styles.extend_from_slice(&[0, 1, face, size, 255, 255, 255, 255]);
                count = count.saturating_add(1);
            }
            position = end;
        }
    }
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    if count > 0 {
        let length = u32::try_from(styles.len() + 10).unwrap_or(0);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(b"styl");
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&styles);
    }
}

/// White letters in the middle of the lowest line, over the whole picture.
fn sample_entry(width: u32, height: u32, size: u8) -> Vec<u8> {
    let edge = |length: u32| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let mut entry = b"\0\0\0\x40tx3g\0\0\0\0\0\0\0\x01\0\0\0\0\x01\xff\0\0\0\0\0\0\0\0".to_vec();
    entry.extend_from_slice(&edge(height));
    entry.extend_from_slice(&edge(width));
    entry.extend_from_slice(&[0, 0, 0, 0, 0, 1, 0, size, 255, 255, 255, 255]);
    entry.extend_from_slice(b"\0\0\0\x12ftab\0\x01\0\x01\x05Serif");
    entry
}
