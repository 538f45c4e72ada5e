//! The box walker and what it reads, on bytes made by hand.

use std::time::Duration;

use cache_inspect::ErrorKind;
use cache_inspect::media::mp4::{
    Boxes, FourCc, Fragment, InitSection, MAX_DEPTH, Mp4Box, Protection, SampleEntry, fragments,
};

use crate::mp4_bytes::{KEY_ID, boxed, full, init, segment, trak, words};

fn walk(bytes: &[u8]) -> Result<Vec<Mp4Box<'_>>, cache_inspect::Error> {
    Boxes::new(bytes).collect()
}

fn kind_of_error(bytes: &[u8]) -> ErrorKind {
    walk(bytes).unwrap_err().kind()
}

#[test]
fn boxes_tile_the_bytes() {
    let bytes = segment();
    let found = walk(&bytes).unwrap();
    let kinds: Vec<String> = found.iter().map(|one| one.kind().to_string()).collect();
    assert_eq!(kinds, ["styp", "moof", "mdat"]);
    let mut end = 0;
    for one in &found {
        assert_eq!(one.offset(), end);
        end += one.size();
    }
    assert_eq!(end, bytes.len() as u64);
    assert_eq!(found[2].payload(), [0; 51]);
}

#[test]
fn sizes_of_64_bits_and_up_to_the_end() {
    let large = [
        words(&[1]).as_slice(),
        b"mdat",
        &20_u64.to_be_bytes(),
        b"abcd",
    ]
    .concat();
    let last = [words(&[0]).as_slice(), b"mdat", b"efgh"].concat();
    let bytes = [large, last].concat();
    let found = walk(&bytes).unwrap();
    assert_eq!(found[0].payload(), b"abcd");
    assert_eq!(
        (found[1].offset(), found[1].payload()),
        (20, b"efgh".as_slice())
    );
}

#[test]
fn sizes_that_cannot_be() {
    for size in 2..8 {
        let bytes = [words(&[size]).as_slice(), b"free"].concat();
        assert_eq!(kind_of_error(&bytes), ErrorKind::InvalidSize);
    }
    let too_small = [words(&[1]).as_slice(), b"free", &15_u64.to_be_bytes()].concat();
    assert_eq!(kind_of_error(&too_small), ErrorKind::InvalidSize);
    let endless = [words(&[1]).as_slice(), b"free", &u64::MAX.to_be_bytes()].concat();
    assert_eq!(kind_of_error(&endless), ErrorKind::Truncated);
}

#[test]
fn a_cut_anywhere_but_between_boxes_is_found() {
    let bytes = segment();
    let mut ends: Vec<u64> = (walk(&bytes).unwrap().iter())
        .map(|found| found.offset() + found.size())
        .collect();
    ends.push(0);
    for length in 0..bytes.len() {
        let cut = walk(&bytes[..length]);
        if ends.contains(&(length as u64)) {
            assert!(cut.is_ok());
        } else {
            assert_eq!(cut.unwrap_err().kind(), ErrorKind::Truncated);
        }
    }
}

#[test]
fn size_0_and_overhang_inside_a_box() {
    for (size, what) in [
        (0, "box zzzz at byte 8: size 0 inside another box"),
        (9, "box zzzz at byte 8: reaches beyond its parent"),
    ] {
        let bytes = boxed(*b"moov", &[&words(&[size]), b"zzzz"]);
        let moov = walk(&bytes).unwrap()[0];
        let error = moov.children().unwrap().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize);
        assert_eq!(error.offset(), 8);
        assert_eq!(error.to_string(), what);
        assert!(InitSection::read(&bytes).is_err());
    }
}

#[test]
fn after_an_error_there_is_nothing() {
    let bytes = [words(&[3]).as_slice(), b"free", &boxed(*b"free", &[])].concat();
    let mut boxes = Boxes::new(&bytes);
    assert!(boxes.next().unwrap().is_err());
    assert!(boxes.next().is_none());
}

#[test]
fn nesting_ends() {
    let mut bytes = Vec::new();
    for _ in 0..=MAX_DEPTH {
        bytes = boxed(*b"nest", &[&bytes]);
    }
    let mut found = walk(&bytes).unwrap()[0];
    for _ in 1..MAX_DEPTH {
        found = found.children().unwrap().next().unwrap().unwrap();
    }
    assert_eq!(found.children().unwrap_err().kind(), ErrorKind::TooDeep);
}

#[test]
fn strange_types_are_printable() {
    assert_eq!(FourCc(*b"\0\x1b[1").to_string(), r"\x00\x1b[1");
}

#[test]
fn an_initialization_section() {
    let init = InitSection::read(&init()).unwrap();
    assert!(init.fragmented);
    assert_eq!(
        init.brands,
        [FourCc(*b"iso6"), FourCc(*b"iso6"), FourCc(*b"dash")]
    );
    let video = init.track(1).unwrap();
    assert_eq!(video.handler, FourCc(*b"vide"));
    assert_eq!(video.timescale.get(), 12_800);
    assert_eq!(video.default_sample_duration, Some(512));
    let clear = |format| SampleEntry {
        format: FourCc(format),
        codec: FourCc(format),
        protection: None,
    };
    let encrypted = SampleEntry {
        format: FourCc(*b"encv"),
        codec: FourCc(*b"avc1"),
        protection: Some(Protection {
            scheme: Some(FourCc(*b"cbcs")),
            key_id: Some(KEY_ID),
        }),
    };
    assert_eq!(video.sample_entries, [clear(*b"avc1"), encrypted]);
    let audio = init.track(2).unwrap();
    assert_eq!(audio.handler, FourCc(*b"soun"));
    assert_eq!(audio.sample_entries, [clear(*b"mp4a")]);
    assert!(init.track(3).is_none());
    assert_eq!(audio.time(72_000), Duration::from_millis(1_500));
    assert_eq!(audio.time(u64::MAX).as_secs(), u64::MAX / 48_000);
}

#[test]
fn initialization_sections_that_lack_something() {
    let error = InitSection::read(&segment()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingBox);
    let entry = boxed(*b"mp4a", &[&[0; 28]]);
    for (track, kind) in [
        (trak(1, *b"soun", 0, &[&entry]), ErrorKind::InvalidBox),
        (trak(1, *b"soun", 1, &[]), ErrorKind::MissingBox),
        (boxed(*b"trak", &[]), ErrorKind::MissingBox),
        (
            trak(1, *b"vide", 1, &[&boxed(*b"encv", &[&[0; 78]])]),
            ErrorKind::MissingBox,
        ),
        (
            trak(1, *b"vide", 1, &[&boxed(*b"encv", &[&[0; 77]])]),
            ErrorKind::InvalidSize,
        ),
    ] {
        let error = InitSection::read(&boxed(*b"moov", &[&track])).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let many = trak(1, *b"soun", 1, &[&entry]).repeat(300);
    let error = InitSection::read(&boxed(*b"moov", &[&many])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMany);
}

#[test]
fn a_fragment() {
    let init = InitSection::read(&init()).unwrap();
    let found: Vec<Fragment> = fragments(&segment()).collect::<Result<_, _>>().unwrap();
    let [fragment] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((fragment.sequence, fragment.offset), (42, 16));
    let [video, audio] = &fragment.tracks[..] else {
        panic!("{fragment:?}");
    };
    assert_eq!(
        (video.id, video.samples, video.ticks),
        (1, 3, 500 + 512 + 524)
    );
    assert_eq!(video.base_decode_time, Some(1 << 33));
    assert_eq!(
        video.duration(init.track(1).unwrap()),
        Some(Duration::from_millis(120))
    );
    assert_eq!(
        (audio.id, audio.samples, audio.samples_of_default_duration),
        (2, 2, 2)
    );
    assert_eq!(audio.base_decode_time, Some(96_000));
    let declared = init.track(2).unwrap();
    assert_eq!(audio.duration(declared), Some(declared.time(2_048)));
    let mut silent = declared.clone();
    silent.default_sample_duration = None;
    assert_eq!(audio.duration(&silent), None);
}

#[test]
fn a_fragment_that_is_cut_is_an_error() {
    let bytes = segment();
    let mut cut = fragments(&bytes[..bytes.len() - 1]);
    assert!(cut.next().unwrap().is_ok());
    assert_eq!(
        cut.next().unwrap().unwrap_err().kind(),
        ErrorKind::Truncated
    );
    assert!(cut.next().is_none());
}

#[test]
fn a_run_of_more_samples_than_bytes_is_an_error() {
    let run = |flags, count| {
        let traf = boxed(
            *b"traf",
            &[
                &full(*b"tfhd", 0, 0x8, &[&words(&[1, 1_000])]),
                &full(*b"trun", 0, flags, &[&words(&[count, 5, 6])]),
            ],
        );
        let mfhd = full(*b"mfhd", 0, 0, &[&words(&[1])]);
        let moof = boxed(*b"moof", &[&mfhd, &traf]);
        fragments(&moof).next().unwrap()
    };
    assert_eq!(run(0x100, 2).unwrap().tracks[0].ticks, 11);
    assert_eq!(run(0x100, 1).unwrap().tracks[0].ticks, 5);
    assert_eq!(run(0x300, 1).unwrap().tracks[0].ticks, 5);
    for (flags, count) in [(0x100, 3), (0x300, 2), (0xf00, u32::MAX)] {
        assert_eq!(run(flags, count).unwrap_err().kind(), ErrorKind::InvalidBox);
    }
    // Samples without fields cost no bytes and are counted, not walked.
    assert_eq!(
        run(0, u32::MAX).unwrap().tracks[0].ticks,
        u64::from(u32::MAX) * 1_000
    );
}
