//! An origin that misbehaves: the stored bytes are right, or there is an error.

use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::environment::Environment;
use crate::stream::{Plain, playlist, requests, segment_path, transport_stream};

#[test]
fn a_plain_download_stores_every_byte() {
    let plain = Plain::new(12, 50);
    let environment = Environment::new();
    let said = environment.run(["download", "--json", &plain.url()]).fine();
    let events = said.events();
    assert_eq!(events[0]["event"], "resolved");
    assert_eq!(events.last().unwrap()["event"], "completed");
    let only = environment.only();
    assert_eq!(only["state"], "completed");
    assert_eq!(only["progress"], 1.0);
    assert_eq!(only["duration"], 48.0);
    let length: usize = plain.segments.iter().map(Vec::len).sum();
    assert_eq!(
        only["bytes"].as_u64().unwrap(),
        (length + playlist(12).len()) as u64
    );
    plain.assert_exported(&environment.export());
}

#[test]
fn faults_of_the_server_are_survived() {
    let plain = Plain::new(8, 400);
    let site = plain.origin.site();
    site.script(&segment_path(0), [Fault::Cut(1000), Fault::Cut(20_000)]);
    site.script(&segment_path(1), [Fault::Status(503)]);
    site.script(&segment_path(2), [Fault::Reset]);
    site.script(&segment_path(3), [Fault::AnnounceMore(10)]);
    site.script(&segment_path(4), [Fault::Html]);
    site.script(&segment_path(5), [Fault::Gzip]);
    site.script(
        &segment_path(6),
        [Fault::RetryAfter {
            status: 429,
            value: "0".to_owned(),
        }],
    );
    site.script(&segment_path(7), [Fault::Chunked]);
    let environment = Environment::new();
    let said = environment.run(["download", &plain.url()]);
    // HTML and unasked gzip are answers, not accidents: they may be refused, but never stored.
    if said.code != 0 {
        environment.run(["download", &plain.url()]).fine();
    }
    plain.assert_exported(&environment.export());
}

#[test]
fn a_missing_segment_fails_the_download_unless_gaps_are_allowed() {
    let plain = Plain::new(6, 20);
    plain
        .origin
        .site()
        .always(&segment_path(3), Fault::Status(404));
    let environment = Environment::new();
    let said = environment.run(["download", &plain.url()]).refused(4);
    assert!(
        said.stderr.contains("3.ts") && said.stderr.contains("--allow-gaps"),
        "{}",
        said.stderr
    );
    let only = environment.only();
    assert_eq!(only["state"], "failed");
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], false);
    assert_eq!(found["missing"].as_array().unwrap().len(), 1);
    assert_eq!(
        found["loaded_time_ranges"],
        serde_json::json!([[0.0, 12.0], [16.0, 24.0]])
    );
    environment
        .run(["export", &environment.only_id(), "-o", "out"])
        .refused(1);

    let said = environment.run(["download", "--json", "--allow-gaps", &plain.url()]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let completed = said.events().pop().unwrap();
    assert_eq!(completed["event"], "completed");
    assert_eq!(completed["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(environment.inspect()["playable_offline"], true);
    let folder = environment.export();
    let text = std::fs::read_to_string(folder.join("media/index.m3u8")).unwrap();
    assert_eq!(text.matches("#EXT-X-GAP").count(), 1, "{text}");

    // The hole is filled as soon as the server has it.
    plain.origin.site().always(&segment_path(3), Fault::None);
    environment.run(["download", &plain.url()]).fine();
    assert_eq!(
        environment.inspect()["missing"].as_array().unwrap().len(),
        0
    );
}

#[test]
fn finished_segments_are_never_asked_for_again() {
    let plain = Plain::new(6, 20);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    environment.run(["download", &plain.url()]).fine();
    for index in 0..6 {
        assert_eq!(plain.requests(index), 1);
    }
}

#[test]
fn a_signature_is_no_part_of_the_identity() {
    let plain = Plain::new(4, 20);
    let signed = |token: &str| {
        let text = playlist(4).replace(".ts", &format!(".ts?Expires=1&Signature={token}"));
        plain
            .origin
            .site()
            .route("/media.m3u8", Resource::new(text));
        format!("{}?token={token}", plain.url())
    };
    let environment = Environment::new();
    plain
        .origin
        .site()
        .always(&segment_path(2), Fault::Status(404));
    environment.run(["download", &signed("one")]).refused(4);
    plain.origin.site().always(&segment_path(2), Fault::None);
    environment.run(["download", &signed("two")]).fine();
    assert_eq!(environment.list().len(), 1);
    assert_eq!(plain.requests(0), 1);
    let last = plain
        .origin
        .site()
        .requests()
        .into_iter()
        .rfind(|request| request.path == segment_path(2))
        .unwrap();
    assert_eq!(last.query.as_deref(), Some("Expires=1&Signature=two"));
}

#[test]
fn a_playlist_that_changed_is_not_mixed_up() {
    let plain = Plain::new(4, 20);
    plain
        .origin
        .site()
        .always(&segment_path(2), Fault::Status(404));
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).refused(4);
    plain
        .origin
        .site()
        .route("/media.m3u8", Resource::new(playlist(3)));
    let said = environment.run(["download", &plain.url()]).refused(3);
    assert!(said.stderr.contains("changed"), "{}", said.stderr);
    // What was there before is still there.
    assert_eq!(environment.only()["state"], "failed");
}

#[test]
fn a_resource_that_is_used_twice_is_fetched_once() {
    let site = Site::new();
    let bytes = transport_stream(1, 30);
    site.route("/s.ts", Resource::new(bytes.clone()));
    site.route("/key", Resource::new(vec![7; 16]));
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns.ts\n#EXTINF:4,\ns.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\ns.ts\n#EXT-X-ENDLIST\n";
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/media.m3u8").as_str()])
        .fine();
    assert_eq!(requests(&origin, "/s.ts"), 1);
    let found = environment.inspect();
    assert_eq!(found["variants"][0]["segments_present"], 3);
    let folder = environment.export();
    for index in 0..3 {
        assert_eq!(
            std::fs::read(folder.join(format!("media/segment-{index:08}.ts"))).unwrap(),
            bytes
        );
    }
}

#[test]
fn redirects_are_followed_and_their_end_is_the_base() {
    let site = Site::new();
    site.always(
        "/start.m3u8",
        Fault::Redirect {
            status: 302,
            location: "/deep/er/media.m3u8?session=1".to_owned(),
        },
    );
    site.route(
        "/deep/er/media.m3u8",
        Resource::new("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns.ts\n#EXT-X-ENDLIST\n"),
    );
    site.always(
        "/deep/er/s.ts",
        Fault::Redirect {
            status: 307,
            location: "../../elsewhere.ts".to_owned(),
        },
    );
    site.route("/elsewhere.ts", Resource::new(transport_stream(1, 30)));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/start.m3u8").as_str()])
        .fine();
    assert_eq!(requests(&origin, "/elsewhere.ts"), 1);
    assert!(
        environment.only_id().starts_with("start-"),
        "the identity is the address that was asked for"
    );
}
