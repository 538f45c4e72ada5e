//! Streams whose samples are encrypted, packaged by a program that is not ours, play without their keys.

use std::path::{Path, PathBuf};

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has};
use crate::media::frames;
use crate::serve::Serving;

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/streams")
        .join(name)
}

/// Downloads the stream of this name.
fn downloaded(name: &str) -> Environment {
    let environment = Environment::new();
    let origin = Origin::directory(stored(name)).unwrap();
    let url = origin.url("/master.m3u8");
    environment
        .run(["download", url.as_str(), "--id", "a"])
        .fine();
    environment
}

/// What ffmpeg decodes of the served and the exported stream is what it decodes of the same in clear.
fn plays_like(encrypted: &str, clear: &str) {
    if !has("ffmpeg") {
        return;
    }
    let environment = downloaded(encrypted);
    let serving = Serving::start(&environment);
    let exported = environment.export().join("index.m3u8");
    let movie = environment.path("movie.mp4");
    let path = movie.to_str().unwrap();
    environment
        .run(["export", "a", "--format", "mp4", "-o", path])
        .fine();
    for map in ["0:v:0", "0:a:0"] {
        let expected = frames(stored(clear).join("master.m3u8").to_str().unwrap(), map);
        assert!(expected.len() >= 40, "the clear stream does not play");
        assert!(
            frames(&serving.asset("a"), map) == expected,
            "served {map} differs"
        );
        let from_disk = frames(exported.to_str().unwrap(), map);
        assert!(from_disk == expected, "exported {map} differs");
        let hash = |line: &String| line.rsplit(',').next().unwrap().to_owned();
        let in_movie: Vec<String> = frames(path, map).iter().map(hash).collect();
        let expected: Vec<String> = expected.iter().map(hash).collect();
        assert!(in_movie == expected, "{map} of the movie differs");
    }
}

#[test]
fn a_pattern_of_blocks_in_mp4() {
    plays_like("cbcs", "fmp4");
}

#[test]
fn counter_mode_in_mp4() {
    plays_like("cenc", "fmp4");
}

#[test]
fn parts_of_slices_and_frames_in_transport_streams() {
    plays_like("sample-aes", "ts");
}

#[test]
fn lengths_stay_and_ranges_are_parts_of_the_whole() {
    for (name, file) in [
        ("cbcs", "segment-00000000.m4s"),
        ("sample-aes", "segment-00000000.ts"),
        ("cenc", "init-0.mp4"),
    ] {
        let environment = downloaded(name);
        let serving = Serving::start(&environment);
        let get = |file: &str, headers: &[(&str, &str)]| {
            serving.ask(
                "GET",
                &format!("{}/assets/a/variant-0/{file}", serving.path()),
                headers,
            )
        };
        let whole = get(file, &[]);
        let original = stored(name).join("v").join(match file {
            "init-0.mp4" => "init.mp4",
            "segment-00000000.ts" => "1.ts",
            _ => "1.m4s",
        });
        let original = std::fs::read(original).unwrap();
        assert_eq!(whole.body.len(), original.len(), "{name}");
        assert_ne!(whole.body, original, "{name} is served as stored");
        let part = get(file, &[("Range", "bytes=100-299")]);
        assert_eq!(
            (part.status, &part.body[..]),
            (206, &whole.body[100..300]),
            "{name}"
        );
        let playlist = get("index.m3u8", &[]);
        let playlist = String::from_utf8(playlist.body).unwrap();
        assert!(!playlist.contains("EXT-X-KEY"), "{playlist}");
    }
}
