//! Whether segments belong where the playlist has them.

use std::time::Duration;

use cache_inspect::TrackKind;
use cache_inspect::media::{Announced, Problem, ProblemKind, Segment, Sequence, examine};
use proptest::prelude::*;

use crate::audio_bytes::{adts, tagged};
use crate::ts_bytes::segment as transport_stream;

/// Two seconds each, the first at ten seconds of the media.
fn segment(number: u64) -> Segment {
    examine(&transport_stream(900_000 + number * 180_000, 50), None)
}

fn announced(number: u64) -> Announced {
    Announced {
        start: Duration::from_secs(2 * number),
        duration: Duration::from_secs(2),
        ..Announced::default()
    }
}

/// The kinds of problems of segments, each with its place in the playlist.
fn follow(segments: &[(u64, Segment)]) -> Vec<Vec<ProblemKind>> {
    let mut sequence = Sequence::new(TrackKind::Main);
    (segments.iter())
        .map(|(place, segment)| kinds(&sequence.next(&announced(*place), segment)))
        .collect()
}

fn kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    problems.iter().map(|problem| problem.kind).collect()
}

fn numbers(places: &[u64]) -> Vec<(u64, Segment)> {
    (0..)
        .zip(places.iter().map(|number| segment(*number)))
        .collect()
}

const JUMP: ProblemKind = ProblemKind::TimeJump;

#[test]
fn one_after_the_other() {
    assert!(follow(&numbers(&[0, 1, 2, 3])).iter().all(Vec::is_empty));
}

#[test]
fn only_those_in_the_wrong_place_are_named() {
    let found = follow(&numbers(&[0, 1, 3, 2, 4, 5]));
    assert_eq!(
        found,
        [vec![], vec![], vec![JUMP], vec![JUMP], vec![], vec![]]
    );
    let found = follow(&numbers(&[0, 1, 1, 3]));
    assert_eq!(found, [vec![], vec![], vec![JUMP], vec![]]);
    // Where all the others go on from there, it is named once.
    let found = follow(&numbers(&[0, 1, 12, 13, 14]));
    assert_eq!(found, [vec![], vec![], vec![JUMP], vec![], vec![]]);
}

#[test]
fn it_says_how_far_off() {
    let mut sequence = Sequence::new(TrackKind::Main);
    sequence.next(&announced(0), &segment(0));
    let found = sequence.next(&announced(1), &segment(4));
    assert_eq!(
        found[0].to_string(),
        "H.264 begins 6.000 s later than the segments before and the playlist say"
    );
}

#[test]
fn the_playlist_tells_the_times_behind_a_hole() {
    let [first, .., last, wrong] = [0, 1, 5, 6].map(segment);
    assert_eq!(follow(&[(0, first.clone()), (5, last)])[1], []);
    assert_eq!(follow(&[(0, first), (5, wrong)])[1], [JUMP]);
}

#[test]
fn the_end_of_long_units_is_not_known_well() {
    let mut sequence = Sequence::new(TrackKind::Audio);
    let mut packed = crate::ts_bytes::Muxer::default();
    packed.tables(&[(0x101, 0x0f)]);
    for (start, bytes) in [
        (0, 1_000),
        (32_000, 1_000),
        (64_000, 1_000),
        (96_000, 1_000),
        (128_000, 500),
    ] {
        packed.frame(0x101, 900_000 + start, bytes);
    }
    let two = Announced {
        duration: Duration::from_millis(1_600),
        ..announced(0)
    };
    assert_eq!(sequence.next(&two, &examine(&packed.bytes, None)), []);
    // The last unit was half as long as the others.
    let mut last = crate::ts_bytes::Muxer::default();
    last.tables(&[(0x101, 0x0f)]);
    last.frame(0x101, 900_000 + 144_000, 100);
    let short = Announced {
        start: two.duration,
        duration: Duration::from_millis(21),
        ..two
    };
    assert_eq!(sequence.next(&short, &examine(&last.bytes, None)), []);
}

#[test]
fn a_discontinuity_begins_anew() {
    let mut sequence = Sequence::new(TrackKind::Main);
    sequence.next(&announced(0), &segment(0));
    let anew = Announced {
        discontinuity: true,
        ..announced(1)
    };
    let audio = examine(&tagged(0, &adts(48_000, 94)), None);
    assert_eq!(sequence.next(&anew, &audio), []);
}

#[test]
fn the_clock_may_begin_anew() {
    let wrapping = |number: u64| {
        examine(
            &transport_stream((1 << 33) - 180_000 + number * 180_000, 50),
            None,
        )
    };
    let segments: Vec<_> = (0..3).map(|number| (number, wrapping(number))).collect();
    assert!(follow(&segments).iter().all(Vec::is_empty));
}

#[test]
fn as_long_as_announced() {
    let mut sequence = Sequence::new(TrackKind::Main);
    let short = examine(&transport_stream(0, 30), None);
    let found = sequence.next(&announced(0), &short);
    assert_eq!(
        found[0].to_string(),
        "it is 1.200 s long, and announced with 2.000 s"
    );
    assert_eq!(found[0].kind, ProblemKind::Duration);
    // Frames of an I-frame playlist are shown for longer than they are.
    let mut frames = Sequence::new(TrackKind::IFrames);
    assert_eq!(frames.next(&announced(0), &short), []);
    let next = examine(&transport_stream(180_000, 1), None);
    assert_eq!(frames.next(&announced(1), &next), []);
    assert_eq!(kinds(&frames.next(&announced(2), &next)), [JUMP]);
}

#[test]
fn other_tracks_are_no_part_of_it() {
    let mut sequence = Sequence::new(TrackKind::Main);
    sequence.next(&announced(0), &segment(0));
    let audio = examine(&tagged(0, &adts(48_000, 94)), None);
    let found = sequence.next(&announced(1), &audio);
    assert_eq!(
        found[0].to_string(),
        "it is AAC, and those before are MPEG-TS"
    );
    // It is not taken for the new rule.
    assert_eq!(sequence.next(&announced(2), &segment(2)), []);

    let mut other = crate::ts_bytes::Muxer::default();
    other.tables(&[(0x100, 0x24), (0x101, 0x0f)]);
    other.frame(0x100, 900_000 + 180_000 * 3, 100);
    let found = sequence.next(&announced(3), &examine(&other.bytes, None));
    assert_eq!(
        found[0].to_string(),
        "it has H.265, and those before have H.264"
    );
}

#[test]
fn what_is_announced_to_stand_alone() {
    let mut video = segment(0);
    video.streams[0].starts_independent = Some(false);
    let announced = Announced {
        independent: true,
        ..announced(0)
    };
    let found = Sequence::new(TrackKind::Main).next(&announced, &video);
    assert_eq!(kinds(&found), [ProblemKind::NotIndependent]);
    assert!(!found[0].kind.is_harmful());
}

#[test]
fn cues_belong_to_their_segments() {
    let text = |ticks: u64, start: u64| {
        let text = format!(
            "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{ticks}\n\n00:00:{start:02}.500 --> 00:00:{:02}.000\nHi\n",
            start + 2
        );
        examine(text.as_bytes(), None)
    };
    let mut sequence = Sequence::new(TrackKind::Subtitles);
    let six = |number: u64| Announced {
        start: Duration::from_secs(6 * number),
        duration: Duration::from_secs(6),
        ..Announced::default()
    };
    let silent = examine(
        b"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n",
        None,
    );
    assert_eq!(sequence.next(&six(0), &text(900_000, 1)), []);
    assert_eq!(sequence.next(&six(1), &silent), []);
    assert_eq!(sequence.next(&six(2), &text(900_000, 14)), []);
    assert_eq!(kinds(&sequence.next(&six(3), &text(900_000, 1))), [JUMP]);
    assert_eq!(kinds(&sequence.next(&six(4), &text(900_000, 50))), [JUMP]);
    assert_eq!(sequence.next(&six(5), &text(900_000, 33)), []);
}

proptest! {
    #[test]
    fn whatever_comes_nothing_panics(
        segments in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<bool>(), 0_u64..1 << 33), 1..6),
    ) {
        let mut sequence = Sequence::new(TrackKind::Main);
        for (start, duration, discontinuity, ticks) in segments {
            let announced = Announced {
                start: Duration::from_secs(start),
                duration: Duration::from_secs(duration),
                discontinuity,
                independent: false,
            };
            sequence.next(&announced, &examine(&transport_stream(ticks, 2), None));
            let mut long = segment(0);
            long.streams[0].start = Some(Duration::MAX);
            sequence.next(&announced, &long);
        }
    }
}
