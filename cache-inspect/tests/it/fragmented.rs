//! Segments of fragmented MP4 against their initialization section.

use std::time::Duration;

use cache_inspect::media::{Initialization, Problem, ProblemKind, StreamKind, examine};

use crate::mp4_bytes::{boxed, full, init, segment, words};

fn problems(bytes: &[u8]) -> Vec<Problem> {
    let initialization = Initialization::read(&init()).unwrap();
    examine(bytes, Some(&initialization)).problems
}

fn kinds(bytes: &[u8]) -> Vec<ProblemKind> {
    problems(bytes).iter().map(|problem| problem.kind).collect()
}

/// A fragment of one track with samples of ten bytes, and its media data.
fn fragment(track: u32, time: u32, samples: u32, media: usize) -> Vec<u8> {
    let traf = boxed(
        *b"traf",
        &[
            &full(
                *b"tfhd",
                0,
                0x02_0038,
                &[&words(&[track, 512, 10, 0x0101_0000])],
            ),
            &full(*b"tfdt", 0, 0, &[&words(&[time])]),
            &full(*b"trun", 0, 0x4, &[&words(&[samples, 0x0200_0000])]),
        ],
    );
    let mfhd = full(*b"mfhd", 0, 0, &[&words(&[1])]);
    [
        boxed(*b"moof", &[&mfhd, &traf]),
        boxed(*b"mdat", &[&vec![0; media]]),
    ]
    .concat()
}

#[test]
fn what_is_in_a_segment() {
    let initialization = Initialization::read(&init()).unwrap();
    let found = examine(&segment(), Some(&initialization));
    assert_eq!(found.problems, []);
    let streams: Vec<_> = (found.streams.iter())
        .map(|one| (one.id, one.kind, &*one.codec, one.encrypted, one.samples))
        .collect();
    assert_eq!(
        streams,
        [
            (1, StreamKind::Video, "avc1", true, 3),
            (2, StreamKind::Audio, "mp4a", false, 2)
        ]
    );
    assert_eq!(found.streams[1].start, Some(Duration::from_secs(2)));
    assert_eq!(found.streams[0].duration, Some(Duration::from_millis(120)));
}

#[test]
fn whether_the_first_sample_stands_alone() {
    let initialization = Initialization::read(&init()).unwrap();
    let stands_alone =
        |bytes: &[u8]| examine(bytes, Some(&initialization)).streams[0].starts_independent;
    assert_eq!(stands_alone(&fragment(1, 0, 3, 30)), Some(true));
    let mut dependent = fragment(1, 0, 3, 30);
    // The flags of the first sample are the last word of the run.
    let at = dependent.len() - 38 - 4;
    dependent[at..at + 4].copy_from_slice(&0x0101_0000_u32.to_be_bytes());
    assert_eq!(stands_alone(&dependent), Some(false));
}

#[test]
fn samples_have_to_be_there() {
    assert_eq!(kinds(&fragment(1, 0, 3, 30)), []);
    let short = problems(&fragment(1, 0, 3, 29));
    assert_eq!(short[0].kind, ProblemKind::Truncated);
    assert_eq!(
        short[0].what,
        "the samples of the fragment at byte 0 lack 1 bytes"
    );
    // The first of two.
    let second = fragment(1, 1_536, 3, 30);
    let short = [fragment(1, 0, 3, 29), second.clone()].concat();
    assert_eq!(kinds(&short), [ProblemKind::Truncated]);
    // Two fragments may share the media data behind them.
    let first = fragment(1, 0, 3, 0);
    let both = [
        &first[..first.len() - 8],
        &second,
        &boxed(*b"mdat", &[&[0; 30]]),
    ]
    .concat();
    assert_eq!(kinds(&both), []);
}

#[test]
fn a_cut_is_found_wherever_it_is() {
    let whole = segment();
    for end in 1..whole.len() {
        assert!(!problems(&whole[..end]).is_empty(), "cut at {end}");
    }
}

#[test]
fn tracks_are_those_of_the_initialization_section() {
    let found = problems(&fragment(7, 0, 3, 30));
    assert_eq!(
        found[0].what,
        "track 7 is not in the initialization section"
    );
    assert_eq!(found[0].kind, ProblemKind::OtherTracks);
    let without = examine(&segment(), None);
    assert_eq!(without.problems[0].kind, ProblemKind::NoInitialization);
    // A segment that brings its own needs none.
    let own = examine(&[init(), segment()].concat(), None);
    assert_eq!(own.problems, []);
    let text = examine(b"WEBVTT\n", Some(&Initialization::read(&init()).unwrap()));
    assert_eq!(text.problems[0].kind, ProblemKind::OtherTracks);
}

#[test]
fn fragments_follow_each_other() {
    // 12,800 ticks a second.
    let joined = |time| [fragment(1, 0, 25, 250), fragment(1, time, 25, 250)].concat();
    assert_eq!(kinds(&joined(12_800)), []);
    assert_eq!(kinds(&joined(64_000)), [ProblemKind::TimeJump]);
}

#[test]
fn there_has_to_be_a_fragment() {
    assert_eq!(kinds(&boxed(*b"mdat", &[&[0; 30]])), [ProblemKind::Empty]);
}
