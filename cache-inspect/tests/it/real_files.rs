//! Files of ffmpeg and shaka-packager are whole and belong where they are, and ffprobe and the crate `mp4` read the same.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use cache_inspect::TrackKind;
use cache_inspect::media::mp4::FourCc;
use cache_inspect::media::{
    Announced, Container, Initialization, Segment, Sequence, StreamKind, examine,
};
use serde_json::Value;

use crate::audio_bytes::tagged;
use crate::files::{ffmpeg, has, packager, run, shaka};

const SOURCE: &str = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=6 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=6";
const ENCODED: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 48k";
const HLS: &str = "-f hls -hls_time 2 -hls_playlist_type vod";

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// EXTINF and address of each segment.
fn playlist(folder: &Path, name: &str) -> Vec<(Duration, String)> {
    let text = String::from_utf8(read(folder, name)).unwrap();
    let mut found = Vec::new();
    let mut duration = Duration::ZERO;
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXTINF:") {
            let seconds = value.split(',').next().unwrap();
            duration = Duration::from_secs_f64(seconds.parse().unwrap());
        } else if !line.starts_with('#') && !line.is_empty() {
            found.push((duration, line.to_owned()));
        }
    }
    assert!(found.len() > 1, "{text}");
    found
}

/// Reads the segments of a playlist, which have to be whole and to belong where they are.
fn check(folder: &Path, name: &str, initialization: Option<&Initialization>) -> Vec<Segment> {
    let mut sequence = Sequence::new(TrackKind::Main);
    let mut start = Duration::ZERO;
    let mut segments = Vec::new();
    for (duration, name) in playlist(folder, name) {
        let segment = examine(&read(folder, &name), initialization);
        assert_eq!(segment.problems, [], "{name}");
        let announced = Announced {
            start,
            duration,
            independent: true,
            ..Announced::default()
        };
        assert_eq!(sequence.next(&announced, &segment), [], "{name}");
        start += duration;
        segments.push(segment);
    }
    segments
}

/// What ffprobe says of each stream: packets, the earliest presentation or decoding time, and the end of the last packet.
fn probe(folder: &Path, name: &str, time: &str) -> BTreeMap<u64, (u64, f64, f64)> {
    let entries =
        format!("-v error -show_entries packet=stream_index,{time},duration_time -of json {name}");
    let answer: Value = serde_json::from_slice(&run(folder, "ffprobe", &entries)).unwrap();
    let mut streams = BTreeMap::new();
    for packet in answer["packets"].as_array().unwrap() {
        let number = |name: &str| {
            packet[name]
                .as_str()
                .map(|text| text.parse::<f64>().unwrap())
        };
        let index = packet["stream_index"].as_u64().unwrap();
        let (packets, first, last) = streams.entry(index).or_insert((0, f64::MAX, 0.0_f64));
        *packets += 1;
        let (Some(start), Some(duration)) = (number(time), number("duration_time")) else {
            continue;
        };
        *first = first.min(start);
        *last = last.max(start + duration);
    }
    streams
}

fn near(ours: Duration, theirs: f64, tolerance: f64, what: &str) {
    let ours = ours.as_secs_f64();
    assert!(
        (ours - theirs).abs() <= tolerance,
        "{what}: {ours} instead of {theirs}"
    );
}

#[test]
fn transport_streams_of_ffmpeg() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ffmpeg(
        folder,
        &format!("{SOURCE} {ENCODED} {HLS} -hls_segment_filename s%d.ts index.m3u8"),
    );
    let segments = check(folder, "index.m3u8", None);
    for (number, segment) in segments.iter().enumerate() {
        assert_eq!(segment.container, Container::MpegTs);
        let theirs = probe(folder, &format!("s{number}.ts"), "pts_time");
        assert_eq!(segment.streams.len(), theirs.len());
        for (index, stream) in (0..).zip(&segment.streams) {
            let (packets, start, end) = theirs[&index];
            near(stream.start.unwrap(), start, 0.001, &stream.codec);
            // The last unit is as long as the others are on average.
            let tolerance = 0.001
                + if stream.kind == StreamKind::Audio {
                    stream.unit.as_secs_f64()
                } else {
                    0.0
                };
            near(stream.end().unwrap(), end, tolerance, &stream.codec);
            if stream.kind == StreamKind::Video {
                assert_eq!(stream.samples, packets);
            }
        }
    }
}

#[test]
fn transport_streams_whose_clock_begins_anew() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // 2³³ ticks are 95,443.7 seconds: in the middle of a segment.
    let late = "-output_ts_offset 95439.7";
    ffmpeg(
        folder,
        &format!("{SOURCE} {ENCODED} {late} {HLS} -hls_segment_filename s%d.ts index.m3u8"),
    );
    let segments = check(folder, "index.m3u8", None);
    let starts: Vec<u64> = (segments.iter())
        .map(|segment| segment.streams[0].start.unwrap().as_secs())
        .collect();
    assert!(!starts.is_sorted(), "{starts:?}");
}

#[test]
fn fragmented_mp4_of_ffmpeg() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let fragmented = "-hls_segment_type fmp4 -hls_segment_filename s%d.m4s index.m3u8";
    ffmpeg(folder, &format!("{SOURCE} {ENCODED} {HLS} {fragmented}"));
    let init = read(folder, "init.mp4");
    let initialization = Initialization::read(&init).unwrap();
    let segments = check(folder, "index.m3u8", Some(&initialization));
    for (number, segment) in segments.iter().enumerate() {
        let bytes = [init.as_slice(), &read(folder, &format!("s{number}.m4s"))].concat();
        std::fs::write(folder.join("both.mp4"), bytes).unwrap();
        let theirs = probe(folder, "both.mp4", "dts_time");
        assert_eq!(segment.streams.len(), theirs.len());
        for (index, stream) in (0..).zip(&segment.streams) {
            let (packets, start, end) = theirs[&index];
            assert_eq!(stream.samples, packets);
            // ffprobe moves the times by the edit list, so only lengths can be compared.
            near(stream.duration.unwrap(), end - start, 0.03, &stream.codec);
        }
    }

    let theirs = mp4::Mp4Reader::read_header(Cursor::new(&init), init.len() as u64).unwrap();
    let Initialization::Mp4(ours) = initialization else {
        panic!("{initialization:?}");
    };
    assert_eq!(ours.brands[0].0, theirs.major_brand().value);
    assert_eq!(ours.tracks.len(), theirs.tracks().len());
    for track in &ours.tracks {
        let theirs = &theirs.tracks()[&track.id];
        assert_eq!(track.timescale.get(), theirs.timescale());
        assert_eq!(track.handler.0, theirs.trak.mdia.hdlr.handler_type.value);
        assert_eq!(
            track.sample_entries[0].codec.0,
            theirs.box_type().unwrap().value
        );
    }
}

#[test]
fn audio_of_ffmpeg() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sources = [
        ("adts", "aac", 48_000, Container::Adts),
        ("adts", "aac", 44_100, Container::Adts),
        ("ac3", "ac3", 48_000, Container::Ac3),
        ("ac3", "ac3", 44_100, Container::Ac3),
        ("eac3", "eac3", 48_000, Container::Eac3),
        ("mp3", "libmp3lame", 44_100, Container::Mp3),
        ("mp3", "libmp3lame", 22_050, Container::Mp3),
        ("mp2", "mp2", 48_000, Container::Mp3),
    ];
    for (format, codec, rate, container) in sources {
        let sine = format!("-f lavfi -i sine=sample_rate={rate}:duration=3");
        let plain = "-write_xing 0 -id3v2_version 0";
        let options = if format == "mp3" { plain } else { "" };
        let file = format!("audio.{}", if format == "adts" { "aac" } else { format });
        ffmpeg(
            folder,
            &format!("{sine} -c:a {codec} -b:a 96k -f {format} {options} {file}"),
        );
        let segment = examine(&tagged(180_000, &read(folder, &file)), None);
        let what = format!("{codec} {rate}");
        assert_eq!(segment.problems, [], "{what}");
        assert_eq!(segment.container, container, "{what}");
        let (packets, _, _) = probe(folder, &file, "pts_time")[&0];
        assert_eq!(segment.streams[0].samples, packets, "{what}");
        assert_eq!(
            segment.streams[0].start,
            Some(Duration::from_secs(2)),
            "{what}"
        );
        near(segment.streams[0].duration.unwrap(), 3.0, 0.08, &what);
    }
}

#[test]
fn text_of_ffmpeg() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text =
        "1\n00:00:01,500 --> 00:00:03,000\nHello\n\n2\n00:01:01,000 --> 01:00:02,000\nWorld\n";
    std::fs::write(folder.join("text.srt"), text).unwrap();
    ffmpeg(folder, "-i text.srt text.vtt");
    let found = examine(&read(folder, "text.vtt"), None);
    assert_eq!(found.problems, []);
    assert_eq!(found.streams[0].samples, 2);
    assert_eq!(found.streams[0].start, Some(Duration::from_millis(1_500)));
    assert_eq!(found.streams[0].end(), Some(Duration::from_secs(3_602)));
}

/// Two segments of one second each.
fn check_shaka(read: impl Fn(&str) -> Vec<u8>, folder: &str) {
    for (track, codec, kind) in [
        ("v", "avc1", StreamKind::Video),
        ("a", "mp4a", StreamKind::Audio),
    ] {
        let init = Initialization::read(&read(&format!("{folder}/{track}-init.mp4"))).unwrap();
        let Initialization::Mp4(section) = &init else {
            panic!("{init:?}");
        };
        assert!(section.fragmented);
        assert!(
            section.brands.contains(&FourCc(*b"cmfc")),
            "{:?}",
            section.brands
        );
        let protection = section.tracks[0].sample_entries[0].protection;
        let scheme = protection.map(|protection| protection.scheme.unwrap().to_string());
        assert_eq!(scheme.as_deref(), (folder != "clear").then_some(folder));
        if let Some(protection) = protection {
            let key_id = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128;
            assert_eq!(protection.key_id, Some(key_id.to_be_bytes()));
        }
        let mut sequence = Sequence::new(TrackKind::Main);
        for number in 1..=2 {
            let segment = examine(
                &read(&format!("{folder}/{track}-{number}.m4s")),
                Some(&init),
            );
            assert_eq!(segment.problems, [], "{folder} {track} {number}");
            assert_eq!(
                (&*segment.streams[0].codec, segment.streams[0].kind),
                (codec, kind)
            );
            assert_eq!(segment.streams[0].encrypted, folder != "clear");
            let announced = Announced {
                start: Duration::from_secs(number - 1),
                duration: Duration::from_secs(1),
                independent: true,
                ..Announced::default()
            };
            assert_eq!(
                sequence.next(&announced, &segment),
                [],
                "{folder} {track} {number}"
            );
        }
    }
}

#[test]
fn files_that_shaka_packager_wrote() {
    for folder in ["clear", "cbcs", "cenc"] {
        check_shaka(shaka, folder);
    }
    for (track, codec) in [("v", "H.264"), ("a", "AAC")] {
        let mut sequence = Sequence::new(TrackKind::Main);
        for number in 1..=2 {
            let segment = examine(&shaka(&format!("ts/{track}-{number}.ts")), None);
            assert_eq!(segment.problems, []);
            assert_eq!(segment.streams[0].codec, codec);
            let announced = Announced {
                start: Duration::from_secs(number - 1),
                duration: Duration::from_secs(1),
                ..Announced::default()
            };
            assert_eq!(sequence.next(&announced, &segment), []);
        }
    }
}

#[test]
fn files_that_shaka_packager_writes() {
    let Some(packager) = packager().filter(|_| has("ffmpeg")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ffmpeg(
        folder,
        &format!("{SOURCE} {ENCODED} -movflags +faststart source.mp4"),
    );
    let keys = "--enable_raw_key_encryption --keys label=:key_id=00112233445566778899aabbccddeeff:key=000102030405060708090a0b0c0d0e0f --clear_lead 0 --protection_systems=";
    for (scheme, options) in [
        ("clear", String::new()),
        ("cbcs", format!("{keys} --protection_scheme cbcs")),
        ("cenc", format!("{keys} --protection_scheme cenc")),
    ] {
        let streams = [("video", "v"), ("audio", "a")].map(|(stream, name)| {
            format!("in=source.mp4,stream={stream},init_segment={scheme}/{name}-init.mp4,segment_template={scheme}/{name}-$Number$.m4s")
        });
        run(
            folder,
            &packager,
            &format!("{} --segment_duration 1 {options}", streams.join(" ")),
        );
        check_shaka(|name| read(folder, name), scheme);
    }
}
