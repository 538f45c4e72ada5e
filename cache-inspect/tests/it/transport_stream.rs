//! Transport Streams: what is in them, and what is wrong.

use std::time::Duration;

use cache_inspect::media::ts::TransportStream;
use cache_inspect::media::{Initialization, Problem, ProblemKind, StreamKind, examine};
use proptest::prelude::*;

use crate::ts_bytes::{AUDIO, Muxer, PACKET, VIDEO, segment};

fn kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    problems.iter().map(|problem| problem.kind).collect()
}

fn problems(bytes: &[u8]) -> Vec<Problem> {
    TransportStream::read(bytes, &[]).problems
}

/// Where the n-th packet of a PID begins.
fn packet_of(bytes: &[u8], pid: u16, n: usize) -> usize {
    (0..bytes.len() / PACKET)
        .map(|number| number * PACKET)
        .filter(|at| u16::from_be_bytes([bytes[at + 1] & 0x1f, bytes[at + 2]]) == pid)
        .nth(n)
        .unwrap()
}

#[test]
fn what_is_in_a_segment() {
    let bytes = segment(900_000, 50);
    let found = TransportStream::read(&bytes, &[]);
    assert_eq!(found.problems, []);
    assert_eq!(found.packets, (bytes.len() / PACKET) as u64);
    assert_eq!(found.programs, [(VIDEO, 0x1b), (AUDIO, 0x0f)]);
    let streams: Vec<_> = (found.streams.iter())
        .map(|stream| {
            (
                stream.kind,
                &*stream.codec,
                stream.samples,
                stream.start,
                stream.duration,
            )
        })
        .collect();
    let (start, duration) = (Some(Duration::from_secs(10)), Some(Duration::from_secs(2)));
    assert_eq!(
        streams,
        [
            (StreamKind::Video, "H.264", 50, start, duration),
            (StreamKind::Audio, "AAC", 50, start, duration)
        ]
    );
}

#[test]
fn the_clock_may_begin_anew_inside() {
    let bytes = segment((1 << 33) - 90_000, 50);
    let found = TransportStream::read(&bytes, &[]);
    assert_eq!(found.problems, []);
    assert_eq!(found.streams[0].duration, Some(Duration::from_secs(2)));
}

#[test]
fn frames_may_be_out_of_order() {
    let mut muxer = Muxer::default();
    muxer.tables(&[(VIDEO, 0x1b)]);
    for frame in [1, 4, 2, 3, 7, 5, 6, 0] {
        muxer.frame(VIDEO, 90_000 + frame * 3_600, 10);
    }
    let found = TransportStream::read(&muxer.bytes, &[]);
    assert_eq!(found.streams[0].start, Some(Duration::from_secs(1)));
    assert_eq!(found.streams[0].duration, Some(Duration::from_millis(320)));
}

#[test]
fn a_cut_is_found_wherever_it_is() {
    let bytes = segment(0, 10);
    // Inside a packet.
    let cut = problems(&bytes[..bytes.len() - 100]);
    assert!(kinds(&cut).contains(&ProblemKind::Truncated), "{cut:?}");
    assert_eq!(cut[0].offset, Some((bytes.len() - PACKET) as u64));
    // Between the packets of a PES packet that says how long it is.
    let mut muxer = Muxer::default();
    muxer.tables(&[(AUDIO, 0x0f)]);
    muxer.frame(AUDIO, 0, 1_000);
    let cut = problems(&muxer.bytes[..muxer.bytes.len() - PACKET]);
    assert_eq!(kinds(&cut), [ProblemKind::Truncated]);
    assert_eq!(cut[0].offset, Some(2 * PACKET as u64));
    assert!(
        cut[0]
            .what
            .starts_with("the PES packet at byte 376 of PID 257 lacks "),
        "{cut:?}"
    );
}

#[test]
fn lost_packets_are_found() {
    let mut bytes = segment(0, 10);
    let at = packet_of(&bytes, VIDEO, 7);
    bytes.drain(at..at + PACKET);
    let lost = problems(&bytes);
    assert_eq!(kinds(&lost), [ProblemKind::Damaged]);
    assert!(
        lost[0]
            .what
            .starts_with("packets of PID 256 are lost in 1 places"),
        "{lost:?}"
    );
    assert!(lost[0].offset.unwrap() >= at as u64);
}

#[test]
fn a_packet_may_be_sent_twice_but_not_three_times() {
    let bytes = segment(0, 10);
    let at = packet_of(&bytes, VIDEO, 7);
    let packet = bytes[at..at + PACKET].to_vec();
    let mut twice = bytes.clone();
    twice.splice(at..at, packet.iter().copied());
    assert_eq!(problems(&twice), []);
    twice.splice(at..at, packet);
    assert_eq!(kinds(&problems(&twice)), [ProblemKind::Damaged]);
}

#[test]
fn a_counter_may_jump_where_that_is_said() {
    let mut muxer = Muxer::default();
    muxer.tables(&[(VIDEO, 0x1b)]);
    for frame in 0..4 {
        muxer.frame(VIDEO, frame * 3_600, 10);
    }
    let at = packet_of(&muxer.bytes, VIDEO, 2);
    muxer.bytes[at + 3] ^= 8;
    assert_eq!(kinds(&problems(&muxer.bytes)), [ProblemKind::Damaged]);
    // The packet has an adaptation field; its flags come behind the length.
    muxer.bytes[at + 5] |= 0x80;
    let after = packet_of(&muxer.bytes, VIDEO, 3);
    muxer.bytes[after + 3] ^= 8;
    assert_eq!(problems(&muxer.bytes), []);
}

#[test]
fn damage_is_found_with_its_place() {
    let bytes = segment(0, 10);
    let mut no_sync = bytes.clone();
    no_sync[PACKET * 6] = 0;
    let found = problems(&no_sync);
    assert_eq!(found[0].kind, ProblemKind::Damaged);
    assert_eq!(found[0].offset, Some(6 * PACKET as u64));

    let mut marked = bytes.clone();
    marked[PACKET * 6 + 1] |= 0x80;
    assert_eq!(
        problems(&marked)[0].what,
        "the packet at byte 1128 is marked as damaged"
    );

    let mut table = bytes;
    *table[..PACKET].last_mut().unwrap() ^= 1;
    let found = problems(&table);
    assert_eq!(found[0].what, "the table at byte 0 is damaged");
    assert!(kinds(&found).contains(&ProblemKind::NoInitialization));
}

#[test]
fn tables_may_come_with_the_initialization_section() {
    let bytes = segment(0, 10);
    let (tables, media) = bytes.split_at(2 * PACKET);
    assert!(kinds(&examine(media, None).problems).contains(&ProblemKind::NoInitialization));
    let initialization = Initialization::read(tables).unwrap();
    assert_eq!(
        initialization,
        Initialization::MpegTs(vec![(VIDEO, 0x1b), (AUDIO, 0x0f)])
    );
    let found = examine(media, Some(&initialization));
    assert_eq!(found.problems, []);
    assert_eq!(found.streams.len(), 2);
}

#[test]
fn tables_alone_are_no_media() {
    let found = examine(&segment(0, 0), None);
    assert_eq!(kinds(&found.problems), [ProblemKind::Empty]);
}

#[test]
fn long_tables_are_put_together() {
    let mut muxer = Muxer::default();
    let streams: Vec<_> = (0..60).map(|number| (VIDEO + number, 0x1b)).collect();
    muxer.tables(&streams);
    for number in 0..60 {
        muxer.frame(VIDEO + number, 0, 10);
    }
    let found = TransportStream::read(&muxer.bytes, &[]);
    assert_eq!(found.programs, streams);
    assert_eq!(found.streams.len(), 60);
}

proptest! {
    #[test]
    fn a_missing_packet_never_goes_unnoticed(number in 0_usize..100) {
        let mut bytes = segment(0, 20);
        let packets = bytes.len() / PACKET;
        let number = number % packets;
        bytes.drain(number * PACKET..(number + 1) * PACKET);
        let at = number * PACKET;
        // By the first one and the last one of a PID nothing can be told, unless it is a table.
        let whole = segment(0, 20);
        let pid = u16::from_be_bytes([whole[at + 1] & 0x1f, whole[at + 2]]);
        let of_pid = (0..packets).map(|number| number * PACKET).filter(|at| {
            u16::from_be_bytes([whole[at + 1] & 0x1f, whole[at + 2]]) == pid
        });
        let of_pid: Vec<_> = of_pid.collect();
        let is_inside = at != of_pid[0] && at != of_pid[of_pid.len() - 1];
        prop_assume!(is_inside || of_pid.len() == 1);
        prop_assert!(!problems(&bytes).is_empty());
    }
}
