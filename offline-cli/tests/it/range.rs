//! A part of the time of a presentation.

use std::fmt::Write as _;

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::stream::{Plain, requests, segment_path, transport_stream};

/// Which segments of a plain stream were asked for.
fn asked(plain: &Plain) -> Vec<usize> {
    (0..plain.segments.len())
        .filter(|&index| plain.requests(index) > 0)
        .collect()
}

fn ranges(environment: &Environment) -> Value {
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    found["loaded_time_ranges"].clone()
}

#[test]
fn a_part_is_fetched_and_plays_and_may_grow() {
    let plain = Plain::new(20, 20);
    let environment = Environment::new();
    let url = plain.url();
    environment
        .run(["download", &url, "--from", "0:30", "--to", "45"])
        .fine();
    // Segments of four seconds: 28 to 48.
    assert_eq!(asked(&plain), [7, 8, 9, 10, 11]);
    let only = environment.only();
    assert_eq!(
        (&only["state"], &only["duration"]),
        (&json!("completed"), &json!(20.0))
    );
    assert_eq!(only["progress"], 1.0);
    assert_eq!(ranges(&environment), json!([[28.0, 48.0]]));
    let found = environment.inspect();
    assert_eq!(
        (&found["duration"], &found["missing"]),
        (&json!(20.0), &json!([]))
    );
    let folder = environment.export();
    let text = std::fs::read_to_string(folder.join("media/index.m3u8")).unwrap();
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:7\n"), "{text}");
    assert_eq!(text.matches("#EXTINF").count(), 5, "{text}");
    assert!(!text.contains("GAP"), "{text}");
    for index in 7..12 {
        let path = folder.join(format!("media/segment-{index:08}.ts"));
        assert!(std::fs::read(path).unwrap() == plain.segments[index]);
    }

    // What is part of it already is not fetched, nor is what lies apart.
    environment
        .run(["download", &url, "--from", "32", "--to", "40"])
        .fine();
    assert_eq!(asked(&plain).len(), 5);
    assert_eq!(ranges(&environment), json!([[28.0, 48.0]]));
    let said = environment
        .run(["download", &url, "--from", "1m", "--to", "64"])
        .refused(2);
    assert!(said.stderr.contains("another part"), "{}", said.stderr);
    assert_eq!(ranges(&environment), json!([[28.0, 48.0]]));

    // A wider one adds to it; while it is on its way, what was there plays.
    plain
        .origin
        .site()
        .always(&segment_path(13), Fault::Status(404));
    environment
        .run(["download", &url, "--from", "45", "--to", "60"])
        .refused(4);
    assert_eq!(ranges(&environment), json!([[28.0, 48.0]]));
    plain.origin.site().always(&segment_path(13), Fault::None);
    environment.run(["resume", &environment.only_id()]).fine();
    assert_eq!(ranges(&environment), json!([[28.0, 60.0]]));
    assert_eq!(plain.requests(11), 1);

    // Without a range it becomes the whole.
    environment.run(["download", &url]).fine();
    assert_eq!(ranges(&environment), json!([[0.0, 80.0]]));
    assert!(
        (0..20)
            .filter(|&index| index != 13)
            .all(|index| plain.requests(index) == 1)
    );
    // And stays it.
    environment.run(["download", &url, "--to", "10"]).fine();
    assert_eq!(ranges(&environment), json!([[0.0, 80.0]]));
}

#[test]
fn a_damaged_part_is_repaired_as_what_it_is() {
    let plain = Plain::new(10, 20);
    let environment = Environment::new();
    let url = plain.url();
    environment.run(["download", &url, "--to", "8"]).fine();
    let folder = environment.store().join("blobs");
    let segment = walk(&folder)
        .into_iter()
        .find(|path| std::fs::read(path).unwrap() == plain.segments[1]);
    std::fs::remove_file(segment.unwrap()).unwrap();
    environment.run(["verify", "--repair"]).fine();
    assert_eq!(ranges(&environment), json!([[0.0, 8.0]]));
    assert_eq!(asked(&plain), [0, 1]);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Video in segments of six seconds and audio in segments of four, with dates.
fn film() -> Origin {
    let site = Site::new();
    for (track, seconds, count) in [("video", 6, 10_u64), ("audio", 4, 15)] {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:6\n");
        text.push_str("#EXT-X-PROGRAM-DATE-TIME:2026-05-01T20:00:00Z\n");
        for index in 0..count {
            let path = format!("/{track}/{index}.ts");
            site.route(
                &path,
                Resource::new(transport_stream(seconds * 100 + index, 20)),
            );
            writeln!(text, "#EXTINF:{seconds},\n{path}").unwrap();
        }
        text.push_str("#EXT-X-ENDLIST\n");
        site.route(&format!("/{track}.m3u8"), Resource::new(text));
    }
    site.route(
        "/master.m3u8",
        Resource::new(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"audio.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"\nvideo.m3u8\n",
        ),
    );
    Origin::serve(site).unwrap()
}

fn asked_of(origin: &Origin, track: &str, count: usize) -> Vec<usize> {
    (0..count)
        .filter(|index| requests(origin, &format!("/{track}/{index}.ts")) > 0)
        .collect()
}

#[test]
fn every_track_covers_what_the_main_one_needs() {
    for (from, to) in [
        ("20", "29"),
        ("2026-05-01T20:00:20Z", "2026-05-01T22:00:29+02:00"),
    ] {
        let origin = film();
        let environment = Environment::new();
        let url = origin.url("/master.m3u8").to_string();
        let arguments = ["download", &url, "--from", from, "--to", to];
        let said = environment
            .run([&arguments[..], &["--dry-run", "--json"]].concat())
            .fine();
        // That of the longest track.
        assert_eq!(said.json()["duration"], 16.0);
        let origin = film();
        let url = origin.url("/master.m3u8").to_string();
        environment
            .run(["download", &url, "--from", from, "--to", to])
            .fine();
        // 18 to 30 in video, so 16 to 32 in audio.
        assert_eq!(asked_of(&origin, "video", 10), [3, 4]);
        assert_eq!(asked_of(&origin, "audio", 15), [4, 5, 6, 7]);
        assert_eq!(ranges(&environment), json!([[18.0, 30.0]]));
        let folder = environment.export();
        let text = std::fs::read_to_string(folder.join("variant-0/index.m3u8")).unwrap();
        assert!(
            text.contains("#EXT-X-PROGRAM-DATE-TIME:2026-05-01T20:00:18"),
            "{text}"
        );
    }
}

#[test]
fn ranges_of_nothing_are_refused() {
    let plain = Plain::new(4, 20);
    let environment = Environment::new();
    let url = plain.url();
    for (arguments, needle) in [
        (["--from", "10", "--to", "5"], "nothing is between"),
        (["--from", "1h", "--to", "2h"], "nothing is between"),
        (
            ["--from", "2026-05-01T20:00:20Z", "--to", "1h"],
            "does not say when",
        ),
        (["--from", "soon", "--to", "1h"], "is no time"),
    ] {
        let said = environment.run([&["download", &url], &arguments[..]].concat());
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stderr.contains(needle), "{}", said.stderr);
        assert!(environment.list().is_empty());
    }
    assert!(asked(&plain).is_empty());
}

#[test]
fn a_part_waits_in_the_queue_as_a_part() {
    let plain = Plain::new(10, 20);
    let environment = Environment::new();
    let url = plain.url();
    environment
        .run(["download", &url, "--queue", "--from", "8", "--to", "0:16"])
        .fine();
    environment.run(["download"]).fine();
    assert_eq!(asked(&plain), [2, 3]);
    assert_eq!(ranges(&environment), json!([[8.0, 16.0]]));
}
