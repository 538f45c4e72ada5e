//! `offline verify --deep`: what the media says, without trusting playlists.

use std::path::Path;

use segment_fetch::testing::Origin;
use serde_json::Value;

use crate::environment::{Environment, Said, has};
use crate::media;

/// Downloads a stream of a folder that `make` fills, all of it, and looks into it.
fn verify(make: impl FnOnce(&Path), playlist: &str) -> (Environment, Said) {
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    make(&root);
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url(&format!("/{playlist}"));
    let download = [
        "download",
        url.as_str(),
        "--audio",
        "all",
        "--subtitles",
        "all",
        "--id",
        "a",
    ];
    environment.run(download).fine();
    let said = environment.run(["verify", "--deep", "--json"]);
    (environment, said)
}

/// The kind of each finding, and when it is.
fn findings(found: &Value) -> Vec<(String, f64)> {
    (found["media"]["findings"].as_array().unwrap().iter())
        .map(|finding| {
            let kind = finding["problem"]["kind"].as_str().unwrap();
            (kind.to_owned(), finding["start"].as_f64().unwrap())
        })
        .collect()
}

/// Fills a folder.
type Make = fn(&Path);

#[test]
fn real_streams_are_whole_and_in_their_place() {
    if !has("ffmpeg") {
        return;
    }
    let streams: [(Make, &str, u64); 8] = [
        (
            |root| _ = media::transport_stream(root),
            "ts/master.m3u8",
            4,
        ),
        (media::fragmented, "fmp4/index.m3u8", 4),
        (media::byte_ranges, "br_ts/index.m3u8", 4),
        (media::byte_ranges, "br_fmp4/index.m3u8", 4),
        (media::encrypted, "aes/index.m3u8", 6),
        (media::alternate_audio, "alt/master.m3u8", 12),
        (media::discontinuous, "disc/index.m3u8", 4),
        (media::hevc, "hevc/index.m3u8", 2),
    ];
    for (make, playlist, segments) in streams {
        let (environment, said) = verify(make, playlist);
        let found = said.fine().json();
        assert_eq!(findings(&found), [], "{playlist}");
        let media = &found["media"];
        assert!(
            media["segments"].as_u64().unwrap() >= segments,
            "{playlist}: {media}"
        );
        assert_eq!(media["encrypted"], 0, "{playlist}");
        assert!(environment.inspect()["freshness"]["last_verified"].is_u64());
    }
}

#[test]
fn what_is_wrong_is_listed_by_time() {
    if !has("ffmpeg") {
        return;
    }
    let (environment, said) = verify(
        |root| {
            media::transport_stream(root);
            let name = |number: u32| root.join(format!("ts/high/s{number}.ts"));
            let (one, two) = (
                std::fs::read(name(1)).unwrap(),
                std::fs::read(name(2)).unwrap(),
            );
            std::fs::write(name(1), two).unwrap();
            std::fs::write(name(2), one).unwrap();
            // Whole packets of the last one are lost.
            let mut last = std::fs::read(name(3)).unwrap();
            last.drain(188 * 20..188 * 30);
            std::fs::write(name(3), last).unwrap();
        },
        "ts/high/index.m3u8",
    );
    assert_eq!(said.code, 1);
    let found = said.json();
    let kinds = findings(&found);
    let expected = [("time_jump", 2.0), ("time_jump", 4.0), ("damaged", 6.0)];
    for (finding, (kind, start)) in kinds.iter().zip(expected) {
        assert_eq!((&*finding.0, finding.1), (kind, start), "{found}");
    }
    assert!(kinds.is_sorted_by(|one, other| one.1 <= other.1));
    let first = &found["media"]["findings"][0];
    assert_eq!(first["id"], "a");
    assert_eq!(first["harmful"], true);
    assert!(
        first["path"]
            .as_str()
            .unwrap()
            .ends_with("segment-00000001.ts"),
        "{first}"
    );
    assert!(
        first["url"].as_str().unwrap().ends_with("/ts/high/s1.ts"),
        "{first}"
    );
    // The bytes are those that were stored.
    assert_eq!(found["damaged"], Value::Array(Vec::new()));
    environment.run(["verify"]).fine();

    let text = environment.run(["verify", "--deep", "a"]).stdout;
    assert!(text.contains("wrong a at 0:02 "), "{text}");
    assert!(text.contains("4 segments looked into"), "{text}");
}

#[test]
fn a_wrong_initialization_vector_is_found() {
    if !has("ffmpeg") {
        return;
    }
    let (_environment, said) = verify(
        |root| {
            media::encrypted(root);
            let path = root.join("aes/index.m3u8");
            let text = std::fs::read_to_string(&path).unwrap();
            let right = "IV=0x30313233";
            assert!(text.contains(right), "{text}");
            std::fs::write(path, text.replace(right, "IV=0x00000000")).unwrap();
        },
        "aes/index.m3u8",
    );
    assert_eq!(said.code, 1);
    assert_eq!(findings(&said.json()), [("key".to_owned(), 4.0)]);
}

#[test]
fn damaged_subtitles_are_found() {
    if !has("ffmpeg") {
        return;
    }
    let (_environment, said) = verify(
        |root| {
            media::alternate_audio(root);
            let subtitles = std::fs::read_dir(root.join("alt")).unwrap();
            let text = (subtitles.map(|entry| entry.unwrap().path()))
                .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten())
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension().is_some_and(|ending| ending == "vtt"))
                .unwrap();
            std::fs::write(text, "WEBVTT\n\n00:00:01.000 --> 00:00\n").unwrap();
        },
        "alt/master.m3u8",
    );
    assert_eq!(said.code, 1);
    let found = said.json();
    assert_eq!(findings(&found)[0].0, "damaged", "{found}");
}

#[test]
fn a_note_that_every_segment_earns_is_one_line() {
    // Two seconds of AAC in ADTS, without the tag that says when.
    let frame: [u8; 16] = [
        0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ];
    let (environment, said) = verify(
        |root| {
            let mut playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
            for number in 0..3 {
                std::fs::write(root.join(format!("{number}.aac")), frame.repeat(86)).unwrap();
                playlist.push_str(&format!("#EXTINF:2,\n{number}.aac\n"));
            }
            std::fs::write(root.join("index.m3u8"), playlist + "#EXT-X-ENDLIST\n").unwrap();
        },
        "index.m3u8",
    );
    assert_eq!(findings(&said.fine().json()).len(), 3);
    let text = environment.run(["verify", "--deep"]).fine().stdout;
    assert!(
        text.contains("note a from 0:00 to 0:04, 3 times: "),
        "{text}"
    );
    assert_eq!(text.matches("note").count(), 1, "{text}");
}
