//! 20,000 damaged files: an answer each time, soon, and with little memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use cache_inspect::TrackKind;
use cache_inspect::media::{Announced, Initialization, Sequence, examine, identify};

use crate::audio_bytes::{adts, tagged};
use crate::files::shaka;
use crate::{mp4_bytes, ts_bytes};

const FILES: usize = 20_000;

/// Nothing may take longer. A single measurement says little where other programs run, so what is slow is tried again.
const LIMIT: Duration = Duration::from_millis(100);

/// As much memory as a file of this many bytes may take is granted to shorter ones.
const SMALL: usize = 1_024;

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end.max(1)
    }
}

/// Whole files, each with the initialization section that it is read with.
fn originals() -> Vec<(Vec<u8>, Vec<u8>)> {
    let text = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n".to_owned()
        + &"00:00:01.000 --> 00:00:02.500\nSome words\n\n".repeat(60);
    let mut originals = vec![
        (mp4_bytes::segment(), mp4_bytes::init()),
        (
            [mp4_bytes::init(), mp4_bytes::segment()].concat(),
            Vec::new(),
        ),
        (ts_bytes::segment(900_000, 8), Vec::new()),
        (ts_bytes::segment(900_000, 8), ts_bytes::segment(0, 0)),
        (tagged(900_000, &adts(48_000, 94)), Vec::new()),
        (text.into_bytes(), Vec::new()),
    ];
    for scheme in ["clear", "cbcs", "cenc"] {
        for track in ["v", "a"] {
            let init = shaka(&format!("{scheme}/{track}-init.mp4"));
            let segment = shaka(&format!("{scheme}/{track}-1.m4s"));
            originals.push(([init.as_slice(), &segment].concat(), Vec::new()));
            originals.push((segment, init));
        }
    }
    originals.extend([
        (shaka("ts/v-1.ts"), Vec::new()),
        (shaka("ts/a-1.ts"), Vec::new()),
    ]);
    originals
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let length = bytes.len();
        let at = random.below(length);
        match random.below(8) {
            // Most headers are at the start.
            0..=2 => {
                let near = random.below(length.min(1_600));
                if let Some(byte) = bytes.get_mut(near) {
                    *byte = u8::try_from(random.below(256)).unwrap();
                }
            }
            3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            4 => {
                let word = [[0; 4], [0xff; 4], [0, 0, 0, 1], [0x7f, 0xff, 0xff, 0xff]];
                if let Some(found) = bytes.get_mut(at..at + 4) {
                    found.copy_from_slice(&word[random.below(4)]);
                }
            }
            5 => bytes.truncate(at),
            6 => {
                let end = (at + random.below(64)).min(length);
                bytes.drain(at..end);
            }
            _ => {
                let part = bytes[at..(at + random.below(64)).min(length)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}

/// Reads a file in every way.
fn read(segment: &[u8], init: &[u8]) {
    let initialization = Initialization::read(init).ok();
    let found = examine(segment, initialization.as_ref());
    let announced = Announced {
        duration: Duration::from_secs(1),
        ..Announced::default()
    };
    let mut sequence = Sequence::new(TrackKind::Main);
    black_box(sequence.next(&announced, &found));
    black_box(sequence.next(&announced, &found));
    black_box(identify(segment));
}

#[test]
fn twenty_thousand_damaged_files() {
    let originals = originals();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..FILES {
        let (mut segment, mut init) = originals[number % originals.len()].clone();
        mutate(&mut segment, &mut random);
        if number % 3 == 0 {
            mutate(&mut init, &mut random);
        }
        let mut fastest = Duration::MAX;
        let mut most = 0;
        for _ in 0..3 {
            let started = Instant::now();
            most = measure(|| read(&segment, &init)).bytes_max;
            fastest = fastest.min(started.elapsed());
            if fastest < LIMIT {
                break;
            }
        }
        assert!(fastest < LIMIT, "file {number} took {fastest:?}");
        let allowed = 4 * (segment.len() + init.len()).max(SMALL);
        assert!(
            most <= u64::try_from(allowed).unwrap(),
            "file {number} of {} bytes took {most} bytes of memory",
            segment.len() + init.len()
        );
    }
}
