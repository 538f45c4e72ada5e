//! Redundant variants and the pathways of content steering, when servers go away.

use std::fmt::Write as _;

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::json;

use crate::environment::Environment;
use crate::stream::{requests, transport_stream};

const COUNT: usize = 8;

/// A site with the Media Playlist `/{track}.m3u8`, whose segments are of this film.
fn track(site: &Site, track: &str, film: u64) {
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for index in 0..COUNT {
        let path = format!("/{track}/{index}.ts");
        let bytes = transport_stream(film * 1000 + index as u64, 30);
        site.route(&path, Resource::new(bytes));
        writeln!(text, "#EXTINF:4,\n{path}").unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    site.route(&format!("/{track}.m3u8"), Resource::new(text));
}

/// A server with a video and an audio track.
fn server(video: u64, audio: u64) -> (Site, Origin) {
    let site = Site::new();
    track(&site, "video", video);
    track(&site, "audio", audio);
    let origin = Origin::serve(site.clone()).unwrap();
    (site, origin)
}

/// Puts a Multivariant Playlist that names the same on several servers on the first of them.
fn multivariant(servers: &[&Origin], more: &str, pathways: &[&str]) -> String {
    let mut text = format!("#EXTM3U\n{more}");
    for (index, server) in servers.iter().enumerate() {
        writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a{index}\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"{}\"",
            server.url("/audio.m3u8")
        )
        .unwrap();
    }
    for (index, server) in servers.iter().enumerate() {
        let pathway = pathways
            .get(index)
            .map(|pathway| format!(",PATHWAY-ID=\"{pathway}\""));
        writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,AUDIO=\"a{index}\"{}\n{}",
            pathway.unwrap_or_default(),
            server.url("/video.m3u8")
        )
        .unwrap();
    }
    text
}

/// How many segments of a track were asked for.
fn asked(origin: &Origin, track: &str) -> usize {
    (0..COUNT)
        .filter(|index| requests(origin, &format!("/{track}/{index}.ts")) > 0)
        .count()
}

fn assert_stored(environment: &Environment, video: u64, audio: u64) {
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    let folder = environment.export();
    for (track, film) in [("variant-0", video), ("audio-0", audio)] {
        for index in 0..COUNT {
            let path = folder.join(format!("{track}/segment-{index:08}.ts"));
            assert!(
                std::fs::read(path).unwrap() == transport_stream(film * 1000 + index as u64, 30),
                "{track} {index}"
            );
        }
    }
}

/// The server is gone in the middle, its playlists as well.
fn dies_in_the_middle(site: &Site) {
    for index in 5..COUNT {
        site.always(&format!("/video/{index}.ts"), Fault::Status(404));
    }
}

#[test]
fn the_redundant_variant_has_what_is_missing() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
    dies_in_the_middle(&first_site);
    let text = multivariant(&[&first, &second], "", &[]);
    first_site.route("/master.m3u8", Resource::new(text));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    let said = environment.run(["download", "--json", &url]).fine();
    let over: Vec<_> = said
        .events()
        .into_iter()
        .filter(|event| event["event"] == "failed-over")
        .collect();
    assert_eq!(over.len(), 1, "{over:?}");
    assert_eq!(over[0]["track"], "variant-0");
    assert_eq!(over[0]["url"], json!(second.url("/video.m3u8").as_str()));
    // Three that were missing, and at most three that are compared.
    assert!((3..=6).contains(&asked(&second, "video")));
    assert_eq!(asked(&second, "audio"), 0);
    assert_eq!(requests(&first, "/master.m3u8"), 1);
    assert_stored(&environment, 1, 2);
}

#[test]
fn a_redundant_variant_that_is_another_film_is_left_alone() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(3, 4));
    dies_in_the_middle(&first_site);
    let text = multivariant(&[&first, &second], "", &[]);
    first_site.route("/master.m3u8", Resource::new(text));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    let said = environment.run(["download", &url]).refused(4);
    assert!(said.stderr.contains("404"), "{}", said.stderr);
    // What is missing stays missing, and comes when it is back.
    for index in 5..COUNT {
        first_site.always(&format!("/video/{index}.ts"), Fault::None);
    }
    environment.run(["download", &url]).fine();
    assert_stored(&environment, 1, 2);
}

#[test]
fn gaps_are_the_last_resort() {
    let ((first_site, first), (second_site, second)) = (server(1, 2), server(1, 2));
    dies_in_the_middle(&first_site);
    second_site.always("/video/7.ts", Fault::Status(404));
    let text = multivariant(&[&first, &second], "", &[]);
    first_site.route("/master.m3u8", Resource::new(text));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    let said = environment.run(["download", "--allow-gaps", "--json", &url]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let completed = said.events().pop().unwrap();
    assert_eq!(
        completed["gaps"],
        json!([second.url("/video/7.ts").as_str()])
    );
}

#[test]
fn a_playlist_that_cannot_be_had_is_read_elsewhere() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
    first_site.always("/video.m3u8", Fault::Status(404));
    let text = multivariant(&[&first, &second], "", &[]);
    first_site.route("/master.m3u8", Resource::new(text));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    let said = environment.run(["download", &url]).fine();
    assert!(said.stderr.contains("comes from"), "{}", said.stderr);
    assert_eq!(
        (asked(&second, "video"), asked(&first, "audio")),
        (COUNT, COUNT)
    );
    assert_stored(&environment, 1, 2);
    // The first is back: it is compared with what is stored, and nothing is fetched twice.
    first_site.always("/video.m3u8", Fault::None);
    environment.run(["download", &url]).fine();
    assert!(asked(&first, "video") <= 3);
}

#[test]
fn the_first_pathway_is_the_one_that_is_named() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
    let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer\",PATHWAY-ID=\"B\"\n";
    let text = multivariant(&[&first, &second], steering, &["A", "B"]);
    first_site.route("/master.m3u8", Resource::new(text));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    environment.run(["download", &url]).fine();
    assert_eq!(
        (asked(&second, "video"), asked(&second, "audio")),
        (COUNT, COUNT)
    );
    assert_eq!(asked(&first, "video") + asked(&first, "audio"), 0);
    // Nobody has to be asked where all goes well.
    assert_eq!(requests(&first, "/steer"), 0);
    assert_eq!(environment.inspect()["playable_offline"], true);
}

#[test]
fn the_steering_server_knows_where_else() {
    let ((first_site, first), (_, second), (_, third)) = (server(1, 2), server(1, 2), server(1, 2));
    dies_in_the_middle(&first_site);
    let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer\",PATHWAY-ID=\"A\"\n";
    let text = multivariant(&[&first, &second], steering, &["A", "B"]);
    first_site.route("/master.m3u8", Resource::new(text));
    let host = format!("{}", third.address());
    let manifest = json!({
        "VERSION": 1,
        "TTL": 300,
        "PATHWAY-PRIORITY": ["C", "B", "A"],
        "PATHWAY-CLONES": [{"BASE-ID": "A", "ID": "C", "URI-REPLACEMENT": {"HOST": host}}],
    });
    first_site.route("/steer", Resource::new(manifest.to_string()));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    environment.run(["download", &url]).fine();
    assert!((3..=6).contains(&asked(&third, "video")));
    assert_eq!(asked(&second, "video"), 0);
    let steered = first.site().requests();
    let steered: Vec<_> = steered
        .iter()
        .filter(|request| request.path == "/steer")
        .collect();
    assert_eq!(steered.len(), 1);
    assert_eq!(steered[0].query.as_deref(), Some("_HLS_pathway=%22A%22"));
    assert_stored(&environment, 1, 2);
}

/// Section 7.1: a manifest counts for its `TTL`, and the next one comes from its `RELOAD-URI`, told the pathway in use.
#[test]
fn the_steering_server_is_asked_again_where_and_when_it_said() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
    let (third_site, third) = server(1, 2);
    dies_in_the_middle(&first_site);
    // Its last segment does not come, and that is said when the manifest no longer counts.
    third_site.always("/video/7.ts", Fault::Status(404));
    let busy = Fault::RetryAfter {
        status: 503,
        value: "2".to_owned(),
    };
    third_site.script("/video/7.ts", [busy]);
    let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer\",PATHWAY-ID=\"A\"\n";
    let text = multivariant(&[&first], steering, &["A"]);
    first_site.route("/master.m3u8", Resource::new(text));
    let manifest = |id: &str, origin: &Origin| {
        let host = origin.address().to_string();
        json!({
            "VERSION": 1,
            "TTL": 1,
            "RELOAD-URI": "/steer/again?session=7",
            "PATHWAY-PRIORITY": [id, "A"],
            "PATHWAY-CLONES": [{"BASE-ID": "A", "ID": id, "URI-REPLACEMENT": {"HOST": host}}],
        })
        .to_string()
    };
    first_site.route("/steer", Resource::new(manifest("C", &third)));
    first_site.route("/steer/again", Resource::new(manifest("D", &second)));
    let environment = Environment::new();
    let url = first.url("/master.m3u8").to_string();
    environment.run(["download", &url]).fine();
    assert_stored(&environment, 1, 2);
    let steered: Vec<_> = first.site().requests();
    let steered: Vec<_> = steered
        .iter()
        .filter(|request| request.path.starts_with("/steer"))
        .map(|request| (request.path.as_str(), request.query.as_deref().unwrap()))
        .collect();
    assert_eq!(
        steered,
        [
            ("/steer", "_HLS_pathway=%22A%22"),
            ("/steer/again", "session=7&_HLS_pathway=%22C%22")
        ]
    );
    assert!(asked(&second, "video") >= 1);
}

#[test]
fn a_steering_server_that_says_nothing_is_in_nobodys_way() {
    for answer in [
        "<html>",
        "{\"VERSION\":2}",
        "{\"VERSION\":1,\"PATHWAY-CLONES\":[{\"BASE-ID\":\"X\",\"ID\":\"Y\"}]}",
    ] {
        let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
        dies_in_the_middle(&first_site);
        let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer\",PATHWAY-ID=\"A\"\n";
        let text = multivariant(&[&first, &second], steering, &["A", "B"]);
        first_site.route("/master.m3u8", Resource::new(text));
        first_site.route("/steer", Resource::new(answer));
        let environment = Environment::new();
        environment
            .run(["download", first.url("/master.m3u8").as_str()])
            .fine();
        assert_stored(&environment, 1, 2);
        assert!(asked(&second, "video") >= 3);
    }
}

/// The connection is closed on every request from the middle on, whatever is asked for.
#[test]
fn a_server_that_is_gone_takes_all_its_tracks_with_it() {
    let ((first_site, first), (_, second)) = (server(1, 2), server(1, 2));
    for index in 4..COUNT {
        for track in ["video", "audio"] {
            first_site.always(&format!("/{track}/{index}.ts"), Fault::Reset);
        }
    }
    let text = multivariant(&[&first, &second], "", &[]);
    first_site.route("/master.m3u8", Resource::new(text));
    first_site.script("/master.m3u8", [Fault::None, Fault::Reset]);
    let environment = Environment::new();
    environment
        .run(["download", first.url("/master.m3u8").as_str()])
        .fine();
    assert!(asked(&second, "video") >= 4 && asked(&second, "audio") >= 4);
    assert_stored(&environment, 1, 2);
}
