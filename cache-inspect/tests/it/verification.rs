//! The media of an asset, read through a catalog.

use std::time::Duration;

use cache_inspect::media::ProblemKind;
use cache_inspect::testing::catalog_contract;
use cache_inspect::{
    AssetDescription, File, MemoryCatalog, MissingKind, Prerequisite, PrerequisiteKind, Reading,
    SegmentDescription, Track, TrackKind, Verification, verify,
};

use crate::mp4_bytes;
use crate::support::seconds;
use crate::ts_bytes;

const ID: &str = "film";

/// A track of so many segments of two seconds each, all present.
fn track(kind: TrackKind, name: &str, segments: u32) -> Track {
    let segments = (0..segments).map(|number| SegmentDescription {
        start: seconds(2) * number,
        duration: seconds(2),
        present: true,
        path: format!("{name}/{number}"),
        url: format!("https://media.example/{name}/{number}"),
        ..SegmentDescription::default()
    });
    Track {
        kind,
        segments: segments.collect(),
        ..Track::default()
    }
}

fn transport_stream(number: u64) -> Vec<u8> {
    ts_bytes::segment(900_000 + 180_000 * number, 50)
}

/// An asset with these tracks, and these contents of its files.
fn catalog(tracks: Vec<Track>, contents: &[(&str, Reading, &[u8])]) -> MemoryCatalog {
    let mut catalog = MemoryCatalog::default();
    let mut files = Vec::new();
    for (path, reading, bytes) in contents {
        // What is encrypted has padding.
        let padding = u64::from(*reading == Reading::Decrypted) * 16;
        files.push(File {
            path: (*path).to_owned(),
            blob: format!("digest of {path}"),
            length: bytes.len() as u64 + padding,
            ..File::default()
        });
        catalog.put(ID, path, reading.clone(), bytes.to_vec());
    }
    catalog.insert(AssetDescription {
        id: ID.to_owned(),
        tracks,
        files,
        ..AssetDescription::default()
    });
    catalog_contract(&catalog).unwrap();
    catalog
}

fn summary(found: &Verification) -> Vec<(usize, MissingKind, u64, ProblemKind)> {
    (found.findings.iter())
        .map(|one| (one.track, one.of, one.start.as_secs(), one.problem.kind))
        .collect()
}

const SEGMENT: MissingKind = MissingKind::Segment;

#[test]
fn what_is_whole_has_no_finding() {
    let contents: Vec<_> = (0..4).map(transport_stream).collect();
    let catalog = catalog(
        vec![track(TrackKind::Main, "main", 4)],
        &[
            ("main/0", Reading::Stored, &contents[0]),
            ("main/1", Reading::Decrypted, &contents[1]),
            ("main/2", Reading::Stored, &contents[2]),
            ("main/3", Reading::Decrypted, &contents[3]),
        ],
    );
    let found = verify(&catalog, ID).unwrap();
    assert_eq!(summary(&found), []);
    assert_eq!((found.segments, found.encrypted), (4, 0));
    assert_eq!(found.bytes, contents.concat().len() as u64);
    assert!(verify(&catalog, "another").is_err());
}

#[test]
fn findings_come_by_time_with_their_place() {
    let cut = transport_stream(3);
    let cut = &cut[..cut.len() - 100];
    let (zero, one, four) = (
        transport_stream(0),
        transport_stream(1),
        transport_stream(4),
    );
    let catalog = catalog(
        vec![
            track(TrackKind::Main, "main", 5),
            track(TrackKind::Subtitles, "text", 2),
        ],
        &[
            ("main/0", Reading::Stored, &zero),
            (
                "main/1",
                Reading::Decrypted,
                b"noise that is no media at all",
            ),
            ("main/2", Reading::Stored, &one),
            ("main/3", Reading::Stored, cut),
            ("main/4", Reading::Stored, &four),
            (
                "text/0",
                Reading::Stored,
                b"WEBVTT\n\n00:00.500 --> 00:01.000\nHi\n",
            ),
            ("text/1", Reading::Stored, b"<html>Please log in</html>"),
        ],
    );
    let found = verify(&catalog, ID).unwrap();
    assert_eq!(
        summary(&found),
        [
            (0, SEGMENT, 2, ProblemKind::Key),
            (1, SEGMENT, 2, ProblemKind::NotMedia),
            (0, SEGMENT, 4, ProblemKind::TimeJump),
            (0, SEGMENT, 6, ProblemKind::Truncated),
        ]
    );
    let first = &found.findings[0];
    assert_eq!(
        (&*first.path, &*first.url),
        ("main/1", "https://media.example/main/1")
    );
    assert_eq!(first.duration, seconds(2));
    assert_eq!(found.harmful().count(), 4);
}

#[test]
fn what_cannot_be_read_is_a_finding_or_said() {
    let (zero, three) = (transport_stream(0), transport_stream(3));
    let catalog = catalog(
        vec![track(TrackKind::Main, "main", 5)],
        &[
            ("main/0", Reading::Stored, &zero),
            (
                "main/1",
                Reading::WrongKey("its padding is wrong".to_owned()),
                b"",
            ),
            (
                "main/2",
                Reading::Unreadable("the disk is broken".to_owned()),
                b"",
            ),
            ("main/3", Reading::Stored, &three),
            ("main/4", Reading::Encrypted, b""),
        ],
    );
    let found = verify(&catalog, ID).unwrap();
    assert_eq!(
        summary(&found),
        [
            (0, SEGMENT, 2, ProblemKind::Key),
            (0, SEGMENT, 4, ProblemKind::Unreadable)
        ]
    );
    assert_eq!(found.findings[1].problem.to_string(), "the disk is broken");
    assert_eq!((found.segments, found.encrypted), (4, 1));
}

#[test]
fn what_is_not_stored_is_passed_over() {
    let mut main = track(TrackKind::Main, "main", 5);
    main.segments[1].present = false;
    main.segments[2].gap = true;
    // What a hole hides is in force behind it.
    main.segments[1].discontinuity = true;
    let (zero, nine) = (transport_stream(0), transport_stream(9));
    let ten = transport_stream(10);
    let catalog = catalog(
        vec![main],
        &[
            ("main/0", Reading::Stored, &zero),
            ("main/2", Reading::Stored, b"not looked at"),
            ("main/3", Reading::Stored, &nine),
            ("main/4", Reading::Stored, &ten),
        ],
    );
    let found = verify(&catalog, ID).unwrap();
    assert_eq!(summary(&found), []);
    assert_eq!(found.segments, 3);
}

#[test]
fn one_playlist_of_several_renditions_is_read_once() {
    let zero = transport_stream(0);
    let catalog = catalog(
        vec![
            track(TrackKind::Audio, "audio", 1),
            track(TrackKind::Audio, "audio", 1),
        ],
        &[("audio/0", Reading::Stored, &zero)],
    );
    assert_eq!(verify(&catalog, ID).unwrap().segments, 1);
}

/// A track of fragmented MP4 with these initialization sections.
fn mapped(segments: u32, maps: &[(&str, bool, std::ops::Range<usize>)]) -> Track {
    let prerequisites = maps.iter().map(|(path, present, used_by)| Prerequisite {
        what: PrerequisiteKind::Map,
        path: (*path).to_owned(),
        present: *present,
        used_by: used_by.clone(),
        ..Prerequisite::default()
    });
    let mut track = track(TrackKind::Main, "main", segments);
    track.prerequisites = prerequisites.collect();
    for segment in &mut track.segments {
        segment.discontinuity = true;
        segment.duration = Duration::from_millis(120);
    }
    track
}

#[test]
fn initialization_sections_are_in_force_where_they_are_used() {
    let (init, segment) = (mp4_bytes::init(), mp4_bytes::segment());
    let other = [
        &init[..24],
        &mp4_bytes::boxed(
            *b"moov",
            &[&mp4_bytes::trak(9, *b"vide", 90_000, &[&mp4_bytes::encv()])],
        ),
    ]
    .concat();
    let maps = [
        ("init", true, 0..2),
        ("other", true, 2..3),
        ("init", true, 3..4),
    ];
    let segments = ["main/0", "main/1", "main/2", "main/3", "main/4"];
    let mut contents: Vec<(&str, Reading, &[u8])> = vec![
        ("init", Reading::Stored, &init),
        ("other", Reading::Stored, &other),
    ];
    contents.extend(segments.map(|path| (path, Reading::Stored, segment.as_slice())));
    let catalog = catalog(vec![mapped(5, &maps)], &contents);
    let found = verify(&catalog, ID).unwrap();
    // Both tracks of the segment are not in the other section, and the last segment has no section.
    assert_eq!(
        summary(&found),
        [
            (0, SEGMENT, 4, ProblemKind::OtherTracks),
            (0, SEGMENT, 4, ProblemKind::OtherTracks),
            (0, SEGMENT, 8, ProblemKind::NoInitialization)
        ]
    );
}

#[test]
fn a_bad_initialization_section_is_named_once() {
    let (init, segment) = (mp4_bytes::init(), mp4_bytes::segment());
    let maps = [
        ("bad", true, 0..2),
        ("gone", false, 2..3),
        ("bad", true, 3..4),
    ];
    let catalog = catalog(
        vec![mapped(4, &maps)],
        &[
            ("bad", Reading::Stored, &init[..100]),
            ("main/0", Reading::Stored, &segment),
            ("main/1", Reading::Stored, &segment),
            ("main/2", Reading::Stored, &segment),
            ("main/3", Reading::Stored, &segment),
        ],
    );
    let found = verify(&catalog, ID).unwrap();
    assert_eq!(
        summary(&found),
        [(0, MissingKind::Map, 0, ProblemKind::Truncated)]
    );
    assert_eq!(found.findings[0].duration, Duration::from_millis(2_120));
}

#[test]
fn frames_of_an_i_frame_playlist_may_be_cut_out() {
    let mut muxer = ts_bytes::Muxer::default();
    muxer.tables(&[(ts_bytes::AUDIO, 0x1b)]);
    muxer.frame(ts_bytes::AUDIO, 0, 1_000);
    let cut = &muxer.bytes[..muxer.bytes.len() - ts_bytes::PACKET];
    let contents: [(&str, Reading, &[u8]); 1] = [("frames/0", Reading::Stored, cut)];
    let found = |kind| verify(&catalog(vec![track(kind, "frames", 1)], &contents), ID).unwrap();
    assert_eq!(summary(&found(TrackKind::IFrames)), []);
    assert_eq!(summary(&found(TrackKind::Main)).len(), 1);
}
