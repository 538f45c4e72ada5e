//! What inspect calls playable plays with the origin gone, frame for frame like the original.

use std::path::{Path, PathBuf};

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has};
use crate::media::{self, frames};
use crate::serve::Serving;

/// An origin with a stream made in a folder of its own.
fn origin_of(make: impl FnOnce(&Path)) -> (Environment, PathBuf, Origin) {
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    make(&root);
    let origin = Origin::directory(&root).unwrap();
    (environment, root, origin)
}

/// Downloads a stream, stops the origin, and compares what ffmpeg decodes from the origin, the server and an export.
fn streams_the_same(
    make: impl FnOnce(&Path),
    playlist: &str,
    compared_with: &str,
    maps: &[&str],
) -> Option<Played> {
    if !has("ffmpeg") {
        return None;
    }
    let (environment, root, origin) = origin_of(make);
    let expected: Vec<Vec<String>> = maps
        .iter()
        .map(|map| frames(origin.url(&format!("/{compared_with}")).as_str(), map))
        .collect();
    let original = origin.url(&format!("/{compared_with}"));
    let hashes = |map: &&str| media::hashes(original.as_str(), map, &[]);
    let hashes = maps.iter().map(hashes).collect();
    assert!(
        expected.iter().all(|frames| frames.len() > 50),
        "the origin itself does not play"
    );
    environment
        .run([
            "download",
            origin.url(&format!("/{playlist}")).as_str(),
            "--id",
            "a",
        ])
        .fine();
    drop(origin);
    std::fs::remove_dir_all(&root).unwrap();

    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    let serving = Serving::start(&environment);
    let folder = environment.export();
    let exported = folder.join("index.m3u8");
    for (map, expected) in maps.iter().zip(&expected) {
        let served = frames(&serving.asset("a"), map);
        assert!(
            served == *expected,
            "served {map} differs: {} frames, {} expected",
            served.len(),
            expected.len()
        );
        let from_disk = frames(exported.to_str().unwrap(), map);
        assert!(
            from_disk == *expected,
            "exported {map} differs: {} frames, {} expected",
            from_disk.len(),
            expected.len()
        );
    }
    Some(Played {
        environment,
        hashes,
    })
}

/// An asset that was downloaded, and what its origin showed.
struct Played {
    environment: Environment,
    hashes: Vec<Vec<String>>,
}

/// The same, and as one file too, written and served.
fn plays_the_same(make: impl FnOnce(&Path), playlist: &str, compared_with: &str, maps: &[&str]) {
    let Some(played) = streams_the_same(make, playlist, compared_with, maps) else {
        return;
    };
    let environment = &played.environment;
    let movie = environment.path("movie.mp4");
    let path = movie.to_str().unwrap();
    environment
        .run(["export", "a", "--format", "mp4", "-o", path])
        .fine();
    let serving = Serving::start(environment);
    let served = serving.asset("a").replace("index.m3u8", "movie.mp4");
    for (map, expected) in maps.iter().zip(&played.hashes) {
        for file in [path, &served] {
            assert!(
                media::hashes(file, map, &[]) == *expected,
                "{map} of {file} differs"
            );
        }
    }
    if maps.len() == 2 {
        // As far apart as in the stream, and from the very start.
        let stream = environment.path("out").join("index.m3u8");
        let first = |input: &Path, kind: &str| media::first_time(input.to_str().unwrap(), kind);
        let (shown, heard) = (first(&movie, "v:0"), first(&movie, "a:0"));
        let apart = (shown - heard) - (first(&stream, "v:0") - first(&stream, "a:0"));
        assert!(
            apart.abs() < 0.001,
            "video and audio are {apart} s off each other"
        );
        assert!(
            shown.min(heard).abs() < 0.001,
            "it begins at {shown} and {heard}"
        );
    }
}

const BOTH: &[&str] = &["0:v:0", "0:a:0"];

#[test]
fn transport_streams_with_two_variants() {
    plays_the_same(
        |root| {
            media::transport_stream(root);
        },
        "ts/master.m3u8",
        "ts/high/index.m3u8",
        BOTH,
    );
}

#[test]
fn fragmented_mp4() {
    plays_the_same(
        media::fragmented,
        "fmp4/index.m3u8",
        "fmp4/index.m3u8",
        BOTH,
    );
}

#[test]
fn byte_ranges_explicit_and_implied() {
    plays_the_same(
        media::byte_ranges,
        "br_ts/index.m3u8",
        "br_ts/index.m3u8",
        BOTH,
    );
    plays_the_same(
        media::byte_ranges,
        "br_fmp4/index.m3u8",
        "br_fmp4/index.m3u8",
        BOTH,
    );
}

#[test]
fn encrypted_with_rotating_keys() {
    plays_the_same(media::encrypted, "aes/index.m3u8", "aes/index.m3u8", BOTH);
}

#[test]
fn alternate_audio_and_subtitles() {
    plays_the_same(
        media::alternate_audio,
        "alt/master.m3u8",
        "alt/master.m3u8",
        BOTH,
    );
}

#[test]
fn discontinuities_and_changing_maps() {
    plays_the_same(
        media::discontinuous,
        "disc/index.m3u8",
        "disc/index.m3u8",
        BOTH,
    );
    let played = streams_the_same(
        media::discontinuous,
        "maps/index.m3u8",
        "maps/index.m3u8",
        BOTH,
    );
    // ffmpeg loses frames where the map of a stream changes, so what is in the file is compared with both halves of it.
    let Some(Played { environment, .. }) = played else {
        return;
    };
    let halves = environment.path("halves");
    std::fs::create_dir_all(&halves).unwrap();
    media::discontinuous(&halves);
    let movie = environment.path("movie.mp4");
    let path = movie.to_str().unwrap();
    environment
        .run(["export", "a", "--format", "mp4", "-o", path])
        .fine();
    for map in BOTH {
        let packets = |name: &str| {
            let half = halves.join("maps").join(name);
            media::hashes(half.to_str().unwrap(), map, &["-c", "copy"])
        };
        let expected = [packets("a.m3u8"), packets("b.m3u8")].concat();
        assert!(
            media::hashes(path, map, &["-c", "copy"]) == expected,
            "{map} differs"
        );
    }
}

#[test]
fn one_transport_stream_of_its_segments() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    media::transport_stream(&root);
    media::discontinuous(&root);
    let origin = Origin::directory(&root).unwrap();
    for (id, playlist) in [
        ("a", "ts/master.m3u8"),
        ("b", "disc/index.m3u8"),
        ("c", "maps/index.m3u8"),
    ] {
        let url = origin.url(&format!("/{playlist}"));
        environment
            .run(["download", url.as_str(), "--id", id])
            .fine();
    }
    let path = environment.path("movie.ts");
    let export =
        |id: &str| environment.run(["export", id, "--format", "ts", "-o", path.to_str().unwrap()]);
    export("b").refused(1);
    export("c").refused(1);
    assert!(!path.exists());
    export("a").fine();
    let whole: Vec<u8> = (0..4)
        .flat_map(|index| std::fs::read(root.join(format!("ts/high/s{index}.ts"))).unwrap())
        .collect();
    assert!(std::fs::read(&path).unwrap() == whole);
    // What is there is not overwritten, and nothing unfinished stays.
    export("a").refused(2);
    let left = std::fs::read_dir(environment.path(".")).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.contains("unfinished")));
}

#[test]
fn every_map_keeps_its_bytes_and_its_segments() {
    if !has("ffmpeg") {
        return;
    }
    let (environment, root, origin) = origin_of(media::discontinuous);
    environment
        .run([
            "download",
            origin.url("/maps/index.m3u8").as_str(),
            "--id",
            "a",
        ])
        .fine();
    let folder = environment.export();
    let text = std::fs::read_to_string(folder.join("media/index.m3u8")).unwrap();
    let uris: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("#EXT-X-MAP:URI=")
                .or(Some(line).filter(|line| !line.starts_with('#')))
        })
        .map(|uri| uri.trim_matches('"'))
        .collect();
    let originals = ["a.mp4", "a0.m4s", "a1.m4s", "b.mp4", "b0.m4s", "b1.m4s"];
    assert_eq!(uris.len(), originals.len(), "{text}");
    for (uri, original) in uris.iter().zip(originals) {
        let original = std::fs::read(root.join("maps").join(original)).unwrap();
        assert!(
            std::fs::read(folder.join("media").join(uri)).unwrap() == original,
            "{uri} differs"
        );
    }
}

#[test]
fn other_codecs_in_transport_streams() {
    for name in ["hevc_ac3", "h264_eac3"] {
        let playlist = format!("{name}/index.m3u8");
        plays_the_same(media::other_codecs, &playlist, &playlist, BOTH);
    }
}

#[test]
fn packed_audio() {
    plays_the_same(
        media::audio_only,
        "audio/index.m3u8",
        "audio/index.m3u8",
        &["0:a:0"],
    );
}

#[test]
fn subtitles_keep_their_bytes() {
    if !has("ffmpeg") {
        return;
    }
    let (environment, root, origin) = origin_of(media::alternate_audio);
    environment
        .run([
            "download",
            origin.url("/alt/master.m3u8").as_str(),
            "--id",
            "a",
        ])
        .fine();
    let folder = environment.export();
    for index in 0..2 {
        let original = std::fs::read(root.join(format!("alt/subs/{index}.vtt"))).unwrap();
        let exported =
            std::fs::read(folder.join(format!("subtitles-2/segment-{index:08}.vtt"))).unwrap();
        assert_eq!(exported, original);
    }
}

#[test]
fn subtitles_of_a_movie_are_in_its_time() {
    if !has("ffmpeg") {
        return;
    }
    let (environment, _root, origin) = origin_of(media::alternate_audio);
    let url = origin.url("/alt/master.m3u8");
    let arguments = [
        "download",
        url.as_str(),
        "--id",
        "a",
        "--audio",
        "all",
        "--subtitles",
        "all",
    ];
    environment.run(arguments).fine();
    let movie = environment.path("film.mp4");
    let path = movie.to_str().unwrap();
    let said = environment
        .run(["export", "a", "--format", "mp4", "-o", path, "--json"])
        .fine()
        .json();
    assert_eq!(said["files"], 3, "{said}");
    let read = |name: &str| std::fs::read_to_string(environment.path(name)).unwrap();
    // The cues count from 1.4 s on the clock of the media, where ffmpeg's streams begin.
    let begins = media::first_time(
        &format!("{}", environment.export().join("index.m3u8").display()),
        "v:0",
    );
    let early = media::first_time(path, "v:0") - begins + 1.4;
    let expected = |seconds: f64, point: &str| {
        let milliseconds = ((seconds + early) * 1000.0).round();
        format!(
            "00:00:{:02}{point}{:03}",
            milliseconds.div_euclid(1000.0),
            milliseconds.rem_euclid(1000.0)
        )
    };
    let (webvtt, subrip) = (read("film.en.vtt"), read("film.en.srt"));
    for (index, start) in [0.5, 4.5].into_iter().enumerate() {
        let line = format!(
            "{} --> {}\nCue {index}\n",
            expected(start, "."),
            expected(start + 2.5, ".")
        );
        assert!(webvtt.contains(&line), "{line}{webvtt}");
        let line = format!(
            "{} --> {}\nCue {index}\n",
            expected(start, ","),
            expected(start + 2.5, ",")
        );
        assert!(subrip.contains(&line), "{line}{subrip}");
    }
    let serving = Serving::start(&environment);
    let served = serving.ask(
        "GET",
        &format!("{}/assets/a/subtitles/en.vtt", serving.path()),
        &[],
    );
    assert_eq!(
        (served.status, String::from_utf8(served.body).unwrap()),
        (200, webvtt)
    );
    // The same as a track, which players of MP4 files know.
    let expected = ["eng", "deu"];
    assert_eq!(media::languages(path, "a"), expected);
    assert_eq!(media::languages(path, "s"), ["eng"]);
    let track = environment.path("track.srt");
    media::ffmpeg(
        &environment.path("."),
        &[&["-i", path, "-map", "0:s", track.to_str().unwrap()]],
    );
    let drawn = std::fs::read_to_string(&track).unwrap();
    let drawn = drawn
        .replace("<font face=\"Serif\" size=\"12\">", "")
        .replace("</font>", "");
    assert_eq!(drawn, subrip);
    // Nothing is written over what is beside it.
    std::fs::remove_file(&movie).unwrap();
    environment
        .run(["export", "a", "--format", "mp4", "-o", path])
        .refused(2);
    assert!(!movie.exists());
}
