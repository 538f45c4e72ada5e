//! Damage: found, moved aside, named, never served, and mended.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use segment_fetch::testing::Fault;

use crate::environment::Environment;
use crate::stream::{Plain, segment_path};

/// The blob files of a store with at least this many bytes.
pub(crate) fn blobs(environment: &Environment, at_least: u64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![environment.store().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.metadata().unwrap().len() >= at_least {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn flip(path: &PathBuf, position: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[position] ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_found_and_mended() {
    let plain = Plain::new(5, 30);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    environment.run(["verify"]).fine();
    flip(&blobs(&environment, 5000)[2], 1234);

    let said = environment.run(["verify", "--json"]);
    assert_eq!(said.code, 1);
    let found = said.json();
    assert_eq!(found["damaged"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["repaired"].as_array().unwrap().len(), 0);
    let inspected = environment.inspect();
    assert_eq!(inspected["playable_offline"], false);
    assert_eq!(inspected["missing"].as_array().unwrap().len(), 1);
    environment
        .run(["export", &environment.only_id(), "-o", "out"])
        .refused(1);

    let said = environment.run(["verify", "--repair", "--json"]).fine();
    assert_eq!(said.json()["repaired"].as_array().unwrap().len(), 1);
    assert_eq!(environment.inspect()["playable_offline"], true);
    let fetched_again = (0..5).filter(|&index| plain.requests(index) == 2).count();
    assert_eq!(fetched_again, 1);
    environment.run(["verify"]).fine();
}

#[test]
fn a_deleted_blob_is_missing_and_comes_back_with_the_next_download() {
    let plain = Plain::new(3, 30);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    std::fs::remove_file(&blobs(&environment, 5000)[0]).unwrap();
    let found = environment.run(["verify", "--json"]).json();
    assert_eq!(found["missing"].as_array().unwrap().len(), 1);
    environment.run(["download", &plain.url()]).fine();
    environment.run(["verify"]).fine();
    assert_eq!((0..3).map(|index| plain.requests(index)).sum::<usize>(), 4);
}

#[test]
fn a_repair_keeps_to_the_rate_limit_whatever_it_repairs() {
    let environment = Environment::new();
    let plains = [Plain::new(2, 160), Plain::new(4, 80)];
    for plain in &plains {
        environment.run(["download", &plain.url()]).fine();
    }
    for blob in blobs(&environment, 10_000) {
        flip(&blob, 1234);
    }
    let began = Instant::now();
    let said = environment
        .run(["verify", "--repair", "--limit-rate", "50K", "--json"])
        .fine();
    let took = began.elapsed();
    assert_eq!(said.json()["repaired"].as_array().unwrap().len(), 6);
    // 120 320 bytes, of which a quarter of a second's worth may be saved up.
    assert!(took > Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_repair_without_the_origin_says_so() {
    let environment = Environment::new();
    {
        let plain = Plain::new(3, 30);
        environment.run(["download", &plain.url()]).fine();
    }
    flip(&blobs(&environment, 5000)[0], 0);
    let said = environment.run(["verify", "--repair", "--json"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.json()["damaged"].as_array().unwrap().len(), 1);
    assert!(said.stderr.contains("error: "), "{}", said.stderr);
}

/// Answers only those who send this field.
fn demand(plain: &Plain, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    let fault = Fault::Demand { name, value };
    let paths = (0..plain.segments.len()).map(segment_path);
    for path in paths.chain(["/media.m3u8".to_owned()]) {
        plain.origin.site().always(&path, fault.clone());
    }
}

#[test]
fn a_repair_says_to_the_origin_what_a_download_says() {
    let plain = Plain::new(3, 30);
    demand(&plain, HeaderName::from_static("x-ticket"), "42");
    let environment = Environment::new();
    let ticket = ["--header", "X-Ticket: 42", "--user-agent", "mender/1"];
    let run = |arguments: &[&str]| environment.run(arguments);
    run(&[&["download", &plain.url()][..], &ticket].concat()).fine();
    flip(&blobs(&environment, 5000)[0], 99);
    let said = run(&["verify", "--repair"]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let said = run(&[&["verify", "--repair", "--json"][..], &ticket].concat()).fine();
    assert_eq!(said.json()["repaired"].as_array().unwrap().len(), 1);
    let last = plain.origin.site().requests().pop().unwrap();
    assert_eq!(last.headers["user-agent"], "mender/1");
    run(&["verify"]).fine();
    // Without a repair nothing is sent to anybody.
    assert_eq!(run(&[&["verify"][..], &ticket].concat()).code, 2);
    assert_eq!(run(&["verify", "--insecure"]).code, 2);
}

#[test]
fn credentials_for_a_repair_go_to_one_server_only() {
    let (one, other) = (Plain::new(3, 30), Plain::new(3, 31));
    let environment = Environment::new();
    for (plain, id) in [(&one, "one"), (&other, "other")] {
        let run = environment.run(["download", &plain.url(), "--id", id]);
        run.fine();
    }
    for blob in blobs(&environment, 5000) {
        flip(&blob, 99);
    }
    demand(&one, AUTHORIZATION, "Bearer 1");
    let repair = ["verify", "--repair", "--header", "Authorization: Bearer 1"];
    let asked = |plain: &Plain| plain.origin.site().requests().len();
    let before = (asked(&one), asked(&other));
    let said = environment.run(repair).refused(2);
    assert!(said.stderr.contains("name the asset"), "{}", said.stderr);
    assert_eq!((asked(&one), asked(&other)), before);
    environment.run(repair.iter().chain(&["one"])).fine();
    environment.run(["verify", "--repair"]).fine();
    let leaked = other.origin.site().requests();
    assert!(
        leaked
            .iter()
            .all(|it| !it.headers.contains_key(AUTHORIZATION))
    );
}

#[test]
fn deleting_or_damaging_the_index_changes_no_answer() {
    let plain = Plain::new(4, 30);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    let answers = || {
        // When it was verified, or compared with its server, changes with each time.
        let mut inspected = environment.inspect();
        inspected["freshness"]["last_verified"].take();
        inspected["freshness"]["last_compared"].take();
        let others = [
            vec!["list", "--json"],
            vec!["verify", "--json"],
            vec!["purge", "--dry-run", "--max-size", "1", "--json"],
        ]
        .map(|arguments| environment.run(arguments).fine().stdout);
        (inspected, others)
    };
    let before = answers();
    let index = environment.store().join("index");
    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(answers(), before);
    std::fs::create_dir_all(&index).unwrap();
    std::fs::write(index.join("db"), b"not a database at all").unwrap();
    std::fs::write(index.join("conf"), b"garbage").unwrap();
    assert_eq!(answers(), before);
    environment.run(["download", &plain.url()]).fine();
    assert_eq!(answers(), before);
    assert_eq!(plain.requests(0), 1, "{}", segment_path(0));
}

#[test]
fn accepted_gaps_survive_repairs_and_attempts_to_fill_them() {
    let plain = Plain::new(5, 30);
    plain
        .origin
        .site()
        .always(&segment_path(3), Fault::Status(404));
    let environment = Environment::new();
    assert_eq!(
        environment
            .run(["download", "--allow-gaps", &plain.url()])
            .code,
        1
    );
    assert_eq!(environment.inspect()["playable_offline"], true);
    // An attempt to fill them that fails takes nothing away.
    environment.run(["download", &plain.url()]).refused(4);
    assert_eq!(environment.inspect()["playable_offline"], true);
    assert_eq!(
        environment
            .run(["download", "--allow-gaps", &plain.url()])
            .code,
        1
    );

    flip(&blobs(&environment, 5000)[0], 7);
    let said = environment.run(["verify", "--repair", "--json"]).fine();
    assert_eq!(
        said.json()["repaired"].as_array().unwrap().len(),
        1,
        "{}",
        said.stderr
    );
    let only = environment.only();
    assert_eq!(only["state"], "completed");
    assert_eq!(environment.inspect()["playable_offline"], true);
}

#[test]
fn a_damaged_playlist_manifest_or_head_is_mended() {
    let plain = Plain::new(3, 30);
    for damage in ["playlist", "HEAD", "manifest"] {
        let environment = Environment::new();
        environment
            .run(["download", &plain.url(), "--id", "a"])
            .fine();
        environment
            .run(["download", &plain.url(), "--id", "whole"])
            .fine();
        let asset = environment.store().join("assets/a");
        match damage {
            "playlist" => {
                let playlist = blobs(&environment, 0)
                    .into_iter()
                    .find(|path| std::fs::read(path).unwrap().starts_with(b"#EXTM3U"));
                flip(&playlist.unwrap(), 3);
            }
            "HEAD" => std::fs::write(asset.join("HEAD"), "nonsense").unwrap(),
            _ => {
                let mut files = std::fs::read_dir(&asset)
                    .unwrap()
                    .map(|entry| entry.unwrap().path());
                let manifest = files
                    .find(|path| path.extension().is_some_and(|ending| ending == "manifest"))
                    .unwrap();
                flip(&manifest, 40);
            }
        }
        // The others can be asked for all the same.
        let listed = environment.list();
        assert_eq!(listed.len(), 2, "{damage}: {listed:?}");
        assert!(
            listed.iter().any(|asset| asset["state"] == "completed"),
            "{damage}"
        );
        environment.run(["usage"]).fine();
        environment.run(["purge", "--dry-run"]).fine();
        let said = environment.run(["verify", "--repair", "--json"]);
        assert_eq!(said.code, 0, "{damage}: {}{}", said.stdout, said.stderr);
        assert!(
            !said.json()["repaired"].as_array().unwrap().is_empty(),
            "{damage}"
        );
        environment.run(["verify"]).fine();
        assert_eq!(
            environment.run(["inspect", "a", "--json"]).fine().json()["playable_offline"],
            true,
            "{damage}"
        );
    }
}
