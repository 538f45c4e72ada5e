//! Packed audio: frames, and the time stamp before them.

use std::time::Duration;

use cache_inspect::media::packed_audio::PackedAudio;
use cache_inspect::media::{Container, ProblemKind, StreamKind, examine};

use crate::audio_bytes::{adts, tagged};

#[test]
fn adts_with_its_time() {
    let bytes = tagged(8_589_934_592 + 90_000, &adts(48_000, 94));
    let found = PackedAudio::read(&bytes, Container::Adts);
    assert_eq!(found.problems, []);
    // 33 bits of it count.
    assert_eq!(found.timestamp, Some(90_000));
    assert_eq!((found.frames, found.sample_rate), (94, Some(48_000)));
    assert_eq!(found.duration.as_millis(), 2_005);

    let segment = examine(&bytes, None);
    assert_eq!(segment.container, Container::Adts);
    assert_eq!(segment.streams[0].kind, StreamKind::Audio);
    assert_eq!(segment.streams[0].start, Some(Duration::from_secs(1)));
}

#[test]
fn without_a_time() {
    let found = PackedAudio::read(&adts(44_100, 3), Container::Adts);
    assert_eq!(found.problems[0].kind, ProblemKind::NoTimestamp);
    assert!(!found.problems[0].kind.is_harmful());
    assert_eq!(found.duration.as_micros(), 69_659);
}

#[test]
fn a_cut_and_damage_have_their_place() {
    let bytes = tagged(0, &adts(48_000, 10));
    let frame = (bytes.len() - 73) / 10;
    let cut = PackedAudio::read(&bytes[..bytes.len() - 5], Container::Adts);
    assert_eq!(cut.frames, 9);
    assert_eq!(cut.problems[0].kind, ProblemKind::Truncated);
    assert_eq!(cut.problems[0].offset, Some((bytes.len() - frame) as u64));
    assert!(cut.problems[0].what.ends_with("lacks 5 bytes"));

    let mut damaged = bytes;
    damaged[73 + 4 * frame] = 0;
    let found = PackedAudio::read(&damaged, Container::Adts);
    assert_eq!(found.problems[0].kind, ProblemKind::Damaged);
    assert_eq!(found.problems[0].offset, Some((73 + 4 * frame) as u64));

    let tag = PackedAudio::read(&tagged(0, &[])[..40], Container::Adts);
    assert_eq!(tag.problems[0].kind, ProblemKind::Truncated);
}

#[test]
fn headers_of_every_kind() {
    // 192 kbit/s of 48 kHz; 44.1 kHz has frames of two lengths.
    let ac3 = |codes, length| {
        let mut frame = vec![0x0b, 0x77, 0, 0, codes, 8 << 3];
        frame.resize(length, 0);
        frame
    };
    let found = PackedAudio::read(&[ac3(0x14, 768), ac3(0x14, 768)].concat(), Container::Ac3);
    assert_eq!((found.frames, found.duration.as_millis()), (2, 64));
    let found = PackedAudio::read(&[ac3(0x54, 834), ac3(0x55, 836)].concat(), Container::Ac3);
    assert_eq!((found.frames, found.sample_rate), (2, Some(44_100)));

    // An independent substream of six blocks, and a dependent one.
    let eac3 = |kind: u8, length: u16| {
        let [high, low] = (length / 2 - 1).to_be_bytes();
        let mut frame = vec![0x0b, 0x77, kind << 6 | high, low, 0x34, 16 << 3];
        frame.resize(length.into(), 0);
        frame
    };
    let found = PackedAudio::read(&[eac3(0, 1_024), eac3(1, 64)].concat(), Container::Eac3);
    assert_eq!((found.frames, found.duration.as_millis()), (2, 32));

    // 128 kbit/s of 44.1 kHz, without and with padding; layer 3.
    let mp3 = |third, length| {
        let mut frame = vec![0xff, 0xfb, third, 0];
        frame.resize(length, 0);
        frame
    };
    let found = PackedAudio::read(&[mp3(0x90, 417), mp3(0x92, 418)].concat(), Container::Mp3);
    assert_eq!((found.frames, found.duration.as_micros()), (2, 52_244));
    // The older tag at the end is no frame.
    let mut tag = b"TAG".to_vec();
    tag.resize(128, 0);
    let found = PackedAudio::read(&[mp3(0x90, 417), tag].concat(), Container::Mp3);
    assert_eq!((found.frames, found.problems.len()), (1, 1));
}
