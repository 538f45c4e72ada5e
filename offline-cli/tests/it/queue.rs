//! The queue, and steering downloads from other processes.

use std::process::Child;
use std::time::{Duration, Instant};

use segment_fetch::testing::{Fault, Resource};
use serde_json::Value;

use crate::commands::multivariant;
use crate::environment::{Environment, wait_for};
use crate::stream::{Plain, playlist, requests, segment_path};

/// An origin whose last of ten segments never comes.
fn stalled() -> Plain {
    let plain = Plain::new(10, 20);
    plain
        .origin
        .site()
        .always(&segment_path(9), Fault::Stall(100));
    plain
}

fn heal(plain: &Plain) {
    plain.origin.site().always(&segment_path(9), Fault::None);
}

fn wait_for_nine(environment: &Environment, id: &str) {
    wait_for("a download of all but one segment", || {
        asset(environment, id)["progress"].as_f64().unwrap() >= 0.9
    });
}

/// What `list` says of an asset, whether it is there yet or not.
fn asset(environment: &Environment, id: &str) -> Value {
    let mut listed = environment.list().into_iter();
    listed
        .find(|asset| asset["id"] == id)
        .unwrap_or_else(|| serde_json::json!({"progress": 0.0}))
}

fn ended(mut child: Child) -> i32 {
    child.wait().unwrap().code().unwrap()
}

#[test]
fn the_queue_is_worked_off_in_order() {
    let environment = Environment::new();
    let plains: Vec<Plain> = (0..3).map(|_| Plain::new(4, 20)).collect();
    // Not in the order of their names.
    for (name, plain) in ["c", "a", "b"].into_iter().zip(&plains) {
        let said = environment
            .run(["download", "--queue", "--id", name, "--json", &plain.url()])
            .fine();
        assert_eq!(said.json()[0]["state"], "queued");
        assert_eq!(asset(&environment, name)["state"], "queued");
        assert!(plain.origin.site().requests().is_empty());
    }
    // Asking again changes nothing about the order.
    environment
        .run(["download", "--queue", "--id", "c", &plains[0].url()])
        .fine();
    environment.run(["inspect", "a"]).fine();
    environment.run(["verify"]).fine();
    environment.run(["usage"]).fine();
    let said = environment
        .run(["download", "--jobs", "1", "--json"])
        .fine();
    let begun: Vec<String> = said
        .events()
        .iter()
        .filter(|event| event["event"] == "resolved")
        .map(|event| event["asset"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(begun, ["c", "a", "b"]);
    for asset in environment.list() {
        assert_eq!(asset["state"], "completed");
    }
    let said = environment.run(["download"]).fine();
    assert!(said.stderr.contains("nothing waits"), "{}", said.stderr);
    for plain in &plains {
        assert!((0..4).all(|index| plain.requests(index) == 1));
    }
}

#[test]
fn the_rate_limit_is_for_all_of_the_queue_together() {
    let environment = Environment::new();
    // Not the same media, of which one would be fetched and reused.
    let plains = [Plain::new(8, 50), Plain::new(10, 40)];
    for (name, plain) in ["a", "b"].into_iter().zip(&plains) {
        environment
            .run(["download", "--queue", "--id", name, &plain.url()])
            .fine();
    }
    let began = Instant::now();
    environment
        .run(["download", "--jobs", "2", "--limit-rate", "50K"])
        .fine();
    // 150 400 bytes: three seconds, and a quarter of one may be saved up. Each origin for itself would take half of that.
    let took = began.elapsed();
    assert!(took > Duration::from_millis(2_600), "{took:?}");
}

#[test]
fn two_of_the_queue_run_at_once_and_one_that_fails_is_in_nobodys_way() {
    let environment = Environment::new();
    let (first, second, third) = (stalled(), stalled(), Plain::new(4, 20));
    let gone = Plain::new(1, 20);
    gone.origin.site().always("/media.m3u8", Fault::Status(404));
    for (name, plain) in [
        ("first", &first),
        ("second", &second),
        ("gone", &gone),
        ("third", &third),
    ] {
        environment
            .run(["download", "--queue", "--id", name, &plain.url()])
            .fine();
    }
    let child = environment.start(["download"]);
    wait_for_nine(&environment, "first");
    wait_for_nine(&environment, "second");
    assert!(third.origin.site().requests().is_empty());
    heal(&first);
    // Other processes put more into the queue while it is worked off.
    let late = Plain::new(2, 20);
    environment
        .run(["download", "--queue", "--id", "late", &late.url()])
        .fine();
    environment.run(["pause", "first"]).fine();
    wait_for("the late one", || {
        asset(&environment, "late")["state"] == "completed"
    });
    assert_eq!(asset(&environment, "third")["state"], "completed");
    assert_eq!(asset(&environment, "first")["state"], "paused");
    environment.run(["cancel", "second"]).fine();
    assert_eq!(ended(child), 1);
    let gone = asset(&environment, "gone");
    assert_eq!(gone["state"], "failed");
    assert!(gone["reason"].as_str().unwrap().contains("404"), "{gone}");
    assert_eq!(asset(&environment, "second")["state"], "cancelled");
}

#[test]
fn another_process_pauses_a_download_which_waits_until_it_is_resumed() {
    let environment = Environment::new();
    let plain = stalled();
    let child = environment.start(["download", "--id", "film", &plain.url()]);
    wait_for_nine(&environment, "film");
    environment.run(["pause", "film"]).fine();
    assert_eq!(ended(child), 130);
    assert_eq!(environment.only()["state"], "paused");
    // To pause what is paused is no mistake.
    environment.run(["pause", "film"]).fine();
    heal(&plain);
    let said = environment.run(["download"]).fine();
    assert!(said.stderr.contains("nothing waits"), "{}", said.stderr);
    assert_eq!(environment.only()["state"], "paused");
    environment.run(["resume", "film"]).fine();
    assert_eq!(environment.only()["state"], "completed");
    assert!((0..9).all(|index| plain.requests(index) == 1));
    let said = environment.run(["pause", "film"]).refused(2);
    assert!(said.stderr.contains("complete"), "{}", said.stderr);
    // The wish of long ago does not stop a new run.
    environment
        .run(["download", "--id", "film", &plain.url()])
        .fine();
}

#[test]
fn a_cancelled_download_keeps_its_bytes_until_it_is_removed() {
    let environment = Environment::new();
    let plain = stalled();
    let child = environment.start(["download", "--id", "film", &plain.url()]);
    wait_for_nine(&environment, "film");
    let said = environment.run(["cancel", "film", "--json"]).fine();
    assert_eq!(said.json()[0]["state"], "cancelled");
    assert_eq!(ended(child), 130);
    let kept = environment.only();
    assert_eq!(kept["state"], "cancelled");
    assert!(kept["bytes"].as_u64().unwrap() >= 9 * 20 * 188);
    environment.run(["download"]).fine();
    assert_eq!(environment.only()["state"], "cancelled");
    heal(&plain);
    environment.run(["resume", "film"]).fine();
    assert!((0..9).all(|index| plain.requests(index) == 1));
    let queued = Plain::new(1, 20);
    environment
        .run(["download", "--queue", "--id", "later", &queued.url()])
        .fine();
    environment.run(["cancel", "later"]).fine();
    environment.run(["download"]).fine();
    assert!(queued.origin.site().requests().is_empty());
    environment.run(["remove", "later"]).fine();
}

#[cfg(unix)]
#[test]
fn the_queue_waits_for_what_it_requires() {
    let environment = Environment::new();
    let plain = Plain::new(2, 20);
    environment
        .run(["download", "--queue", &plain.url()])
        .fine();
    for (option, value, reason) in [
        ("--only-if", "test -e allowed", "says no"),
        ("--only-if", "no-such-command", "says no"),
        ("--min-free", "1000000TB", "are free"),
    ] {
        let said = environment.run(["download", option, value]).fine();
        assert!(said.stderr.contains("not now"), "{}", said.stderr);
        assert!(said.stderr.contains(reason), "{}", said.stderr);
        assert_eq!(environment.only()["state"], "queued");
    }
    assert!(plain.origin.site().requests().is_empty());
    let said = environment.run(["download", "--hours", "7"]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    std::fs::write(environment.path("allowed"), "").unwrap();
    environment
        .run([
            "download",
            "--only-if",
            "test -e allowed",
            "--min-free",
            "1kB",
            "--hours",
            "0-12",
        ])
        .fine();
    environment
        .run([
            "download",
            "--only-if",
            "test -e allowed",
            "--hours",
            "12-0",
        ])
        .fine();
    assert_eq!(environment.only()["state"], "completed");
}

#[test]
fn what_is_complete_plays_while_more_of_it_waits() {
    let origin = multivariant();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    environment.run(["download", "--id", "film", &url]).fine();
    environment
        .run(["download", "--queue", "--id", "film", "--audio", "de", &url])
        .fine();
    assert_eq!(environment.only()["state"], "queued");
    assert_eq!(environment.inspect()["playable_offline"], true);
    environment.run(["pause", "film"]).fine();
    assert_eq!(environment.inspect()["playable_offline"], true);
    environment.run(["resume", "film"]).fine();
    assert_eq!(environment.only()["state"], "completed");
    assert_eq!(requests(&origin, "/de/0.ts"), 1);
    assert_eq!(requests(&origin, "/v720/0.ts"), 1);
}

#[cfg(unix)]
#[test]
fn a_killed_download_is_in_the_queue() {
    let environment = Environment::new();
    let plain = stalled();
    let mut child = environment.start(["download", "--id", "film", &plain.url()]);
    wait_for_nine(&environment, "film");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(environment.only()["state"], "paused");
    heal(&plain);
    environment.run(["download"]).fine();
    assert_eq!(environment.only()["state"], "completed");
    assert!((0..9).all(|index| plain.requests(index) == 1));
}

#[test]
fn a_download_goes_on_from_a_fresh_address() {
    let environment = Environment::new();
    let plain = Plain::new(10, 20);
    let site = plain.origin.site();
    site.always(&segment_path(9), Fault::Status(403));
    let said = environment
        .run(["download", "--id", "film", &plain.url()])
        .refused(4);
    assert!(said.stderr.contains("expired"), "{}", said.stderr);
    assert!(said.stderr.contains("offline resume"), "{}", said.stderr);
    let asked: Vec<usize> = (0..9).map(|index| plain.requests(index)).collect();
    site.always("/media.m3u8", Fault::Status(410));
    environment.run(["resume", "film"]).refused(4);
    let signed = playlist(10).replace(".ts", ".ts?Signature=fresh");
    let signed = signed.replace("segments/", "/segments/");
    site.route("/fresh/media.m3u8", Resource::new(signed));
    site.always(&segment_path(9), Fault::None);
    let fresh = plain.origin.url("/fresh/media.m3u8").to_string();
    // Another address for the same asset has to be meant.
    let said = environment
        .run(["download", "--id", "film", &fresh])
        .refused(2);
    assert!(said.stderr.contains("another address"), "{}", said.stderr);
    environment.run(["resume", "film", "--url", &fresh]).fine();
    assert_eq!(environment.only()["state"], "completed");
    for (index, asked) in asked.into_iter().enumerate() {
        assert_eq!(plain.requests(index), asked, "segment {index}");
    }
    plain.assert_exported(&environment.export());
    // It is remembered.
    let asked = requests(&plain.origin, "/fresh/media.m3u8");
    environment.run(["resume", "film"]).fine();
    assert_eq!(requests(&plain.origin, "/fresh/media.m3u8"), asked + 1);
    // Another film is not mixed in.
    let other = Plain::new(4, 30);
    environment
        .run(["resume", "film", "--url", &other.url()])
        .refused(3);
    std::fs::remove_dir_all(environment.path("out")).unwrap();
    plain.assert_exported(&environment.export());
}
