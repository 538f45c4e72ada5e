//! What a download tells of itself: loaded time ranges, progress in bounds, a summary at the end.

use std::time::Instant;

use asset_store::Store;
use offline_cli::session::{DownloadEvent, DownloadRequest, Network, Session};
use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::{Environment, Said};
use crate::stream::{Plain, playlist, segment_path, transport_stream};

/// The events of a kind, in order.
fn of(said: &Said, kind: &str) -> Vec<Value> {
    let mut events = said.events();
    events.retain(|event| event["event"] == kind);
    events
}

#[test]
fn loaded_ranges_are_those_of_inspect_and_a_summary_comes_before_the_end() {
    let plain = Plain::new(10, 30);
    plain
        .origin
        .site()
        .always("/segments/4.ts", Fault::Status(404));
    let environment = Environment::new();
    let said = environment.run(["download", "--json", "--allow-gaps", &plain.url()]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let loaded = of(&said, "loaded").pop().unwrap();
    assert_eq!(
        (&loaded["track"], &loaded["ranges"]),
        (&json!("media"), &json!([[0.0, 16.0], [20.0, 40.0]]))
    );
    assert_eq!(
        environment.inspect()["loaded_time_ranges"],
        loaded["ranges"]
    );

    let summary = of(&said, "summary");
    assert_eq!(summary.len(), 1);
    let summary = &summary[0];
    assert_eq!(
        (&summary["resources"], &summary["failed"]),
        (&json!(9), &json!(1))
    );
    assert!(summary["requests"].as_u64().unwrap() >= 10, "{summary}");
    assert_eq!(summary["bytes"], 9 * 30 * 188);
    assert_eq!(summary["tracks"], json!(["media"]));
    assert!(
        summary["first_bytes"].as_f64().unwrap() <= summary["duration"].as_f64().unwrap(),
        "{summary}"
    );
    let events = said.events();
    assert_eq!(events[events.len() - 2]["event"], "summary");
    assert_eq!(events[events.len() - 1]["event"], "completed");
}

#[test]
fn a_resumed_download_begins_with_what_is_there() {
    let plain = Plain::new(8, 30);
    let site = plain.origin.site();
    site.always("/segments/6.ts", Fault::Status(404));
    let environment = Environment::new();
    let failed = environment.run(["download", "--json", "--id", "a", &plain.url()]);
    assert_eq!(failed.code, 4);
    let events = failed.events();
    assert_eq!(events[events.len() - 2]["event"], "summary");
    assert_eq!(events[events.len() - 1]["event"], "failed");
    assert_eq!(
        of(&failed, "loaded").pop().unwrap()["ranges"],
        json!([[0.0, 24.0], [28.0, 32.0]])
    );

    site.always("/segments/6.ts", Fault::None);
    let done = environment
        .run(["download", "--json", "--id", "a", &plain.url()])
        .fine();
    let loaded = of(&done, "loaded");
    assert_eq!(loaded.last().unwrap()["ranges"], json!([[0.0, 32.0]]));
    let summary = &of(&done, "summary")[0];
    assert_eq!(
        (&summary["resources"], &summary["failed"]),
        (&json!(1), &json!(0))
    );
    // Nothing is left to do, and that is told as well.
    let again = environment
        .run(["download", "--json", "--id", "a", &plain.url()])
        .fine();
    assert_eq!(
        of(&again, "loaded").pop().unwrap()["ranges"],
        json!([[0.0, 32.0]])
    );
    let summary = &of(&again, "summary")[0];
    assert_eq!(
        (&summary["requests"], &summary["first_bytes"]),
        (&json!(0), &Value::Null)
    );
}

#[test]
fn attempts_that_failed_are_counted() {
    let plain = Plain::new(3, 30);
    plain
        .origin
        .site()
        .script("/segments/1.ts", [Fault::Status(503)]);
    let environment = Environment::new();
    let said = environment.run(["download", "--json", &plain.url()]).fine();
    let summary = &of(&said, "summary")[0];
    assert_eq!(
        (&summary["recoverable_errors"], &summary["last_error"]),
        (&json!(1), &json!("Status(503)"))
    );
}

#[test]
fn a_part_is_told_in_the_time_of_the_whole() {
    let plain = Plain::new(10, 30);
    let environment = Environment::new();
    let said = environment
        .run([
            "download",
            "--json",
            "--from",
            "8",
            "--to",
            "24",
            &plain.url(),
        ])
        .fine();
    let loaded = of(&said, "loaded").pop().unwrap();
    assert_eq!(loaded["ranges"], json!([[8.0, 24.0]]));
    assert_eq!(
        environment.inspect()["loaded_time_ranges"],
        loaded["ranges"]
    );
}

#[test]
fn many_small_segments_do_not_drown_who_listens() {
    const COUNT: usize = 3000;
    let site = Site::new();
    let segment = Resource::new(transport_stream(1, 2));
    for index in 0..COUNT {
        site.route(&format!("/segments/{index}.ts"), segment.clone());
    }
    site.route("/media.m3u8", Resource::new(playlist(COUNT)));
    let origin = Origin::serve(site).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let session = Session::new(store, Network::new().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut progress, mut loaded, mut last) = (0u128, 0u128, None);
    let mut tracks = Vec::new();
    let began = Instant::now();
    let request = DownloadRequest::new(origin.url("/media.m3u8"));
    let outcome =
        runtime.block_on(
            session.download(request, std::future::pending(), |event| match event {
                DownloadEvent::Progress {
                    resources_stored,
                    resources,
                    tracks: told,
                    ..
                } => {
                    progress += 1;
                    last = Some((resources_stored, resources));
                    tracks = told;
                }
                DownloadEvent::Loaded { ranges, .. } => {
                    loaded += 1;
                    assert!(ranges.len() <= 1000);
                }
                _ => {}
            }),
        );
    let outcome = outcome.unwrap();
    let ticks = began.elapsed().as_millis();
    assert!(progress <= ticks / 50 + 2, "{progress} in {ticks} ms");
    assert!(loaded <= ticks / 250 + 2, "{loaded} in {ticks} ms");
    assert_eq!(last, Some((COUNT as u64, COUNT as u64)));
    let [track] = tracks.as_slice() else {
        panic!("{tracks:?}");
    };
    assert_eq!(
        (track.segments_stored, track.segments),
        (COUNT as u64, COUNT as u64)
    );
    assert_eq!(track.bytes, outcome.bytes_received);
    assert!(outcome.gaps.is_empty());
}

#[test]
fn each_track_counts_its_segments_and_bytes_also_of_what_was_there() {
    let plain = Plain::new(5, 100);
    let environment = Environment::new();
    let url = plain.url();
    plain
        .origin
        .site()
        .always(&segment_path(4), Fault::Status(404));
    environment.run(["download", &url, "--json"]).code_is(4);
    plain.origin.site().always(&segment_path(4), Fault::None);
    let store = Store::open(environment.store()).unwrap();
    let session = Session::new(store, Network::new().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut last = Vec::new();
    let request = DownloadRequest::new(url.parse().unwrap());
    let download = session.download(request, std::future::pending(), |event| {
        if let DownloadEvent::Progress { tracks, .. } = event {
            last = tracks;
        }
    });
    runtime.block_on(download).unwrap();
    let expected = json!([
        {"track": "media", "bytes": 18_800, "segments_stored": 5, "segments": 5}
    ]);
    assert_eq!(json!(last), expected);
}
