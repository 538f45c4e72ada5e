//! The picture of an asset, what is known of it, and what its stream says of itself.

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::json;

use crate::environment::Environment;
use crate::presentation::site;
use crate::serve::Serving;
use crate::stream::requests;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and a picture";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 and another picture";

const MASTER: &str = "#EXTM3U\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.title\",VALUE=\"The Film\"\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.poster\",VALUE=\"art/{w}x{h}{c}.{f}\"\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.example.said\",VALUE=\"a word\",LANGUAGE=\"en\"\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\"\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.example.lyrics\",URI=\"lyrics\",FORMAT=RAW\n\
#EXT-X-SESSION-DATA:DATA-ID=\"com.example.broken\",URI=\"broken.json\"\n\
#EXT-X-STREAM-INF:BANDWIDTH=900\nv/index.m3u8\n";

const POSTER: &str = "/art/1024x1024.jpg";

fn talkative() -> Site {
    let site = site(&["v"]);
    site.route("/master.m3u8", Resource::new(MASTER));
    site.route(POSTER, Resource::new(JPEG.to_vec()));
    site.route("/chapters.json", Resource::new("[{\"chapter\":1}]"));
    site.route("/lyrics", Resource::new("la la"));
    site.route("/broken.json", Resource::new("{"));
    site
}

#[test]
fn a_stream_says_what_it_is_and_shows_its_picture() {
    let origin = Origin::serve(talkative()).unwrap();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    let said = environment.run(["download", &url]).fine();
    assert!(said.stderr.contains("broken.json"), "{}", said.stderr);
    let found = environment.inspect();
    assert_eq!(found["title"], "The Film");
    assert_eq!(
        found["artwork"],
        json!({"media_type": "image/jpeg", "bytes": JPEG.len()})
    );
    assert_eq!(found["missing"], json!([]));
    let data = found["session_data"].as_array().unwrap();
    assert_eq!(
        data[2],
        json!({"id": "com.example.said", "language": "en", "value": "a word"})
    );
    assert_eq!(data[3]["json"], json!([{"chapter": 1}]));
    assert_eq!(data[4]["value"], "la la");
    assert_eq!(data[5], json!({"id": "com.example.broken"}));
    let text = environment.run(["inspect", "The Film"]).fine().stdout;
    assert!(
        text.contains("image/jpeg") && text.contains("a word"),
        "{text}"
    );

    let serving = Serving::start(&environment);
    let id = environment.only_id();
    let picture = serving.get(&format!("/assets/{id}/artwork"));
    assert_eq!(picture, (Some("image/jpeg".into()), JPEG.to_vec()));
    drop(serving);
    let folder = environment.export();
    assert_eq!(std::fs::read(folder.join("artwork.jpg")).unwrap(), JPEG);

    // What is there is not asked for again, what was not to be had is.
    environment.run(["download", &url]).fine();
    for (path, expected) in [
        (POSTER, 1),
        ("/chapters.json", 1),
        ("/lyrics", 1),
        ("/broken.json", 2),
    ] {
        assert_eq!(requests(&origin, path), expected, "{path}");
    }
}

#[test]
fn what_the_user_says_goes_before_what_the_stream_says() {
    let site = talkative();
    site.route("/mine.png", Resource::new(PNG.to_vec()));
    site.route(
        "/page",
        Resource::new("<!doctype html><title>no picture</title>"),
    );
    let origin = Origin::serve(site).unwrap();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    std::fs::write(environment.path("file.png"), PNG).unwrap();
    let picture = || environment.inspect()["artwork"]["media_type"].clone();
    let download = |arguments: &[&str]| environment.run([&["download", &url], arguments].concat());

    // From a file, kept while the download waits in the queue.
    let mine = [
        "--title",
        "Mine",
        "--metadata",
        "shelf=3",
        "--metadata",
        "seen=no",
    ];
    download(&[&["--queue", "--artwork", "file.png"][..], &mine].concat()).fine();
    std::fs::remove_file(environment.path("file.png")).unwrap();
    environment.run(["download"]).fine();
    let found = environment.inspect();
    assert_eq!(
        (&found["title"], picture()),
        (&"Mine".into(), "image/png".into())
    );
    assert_eq!(found["metadata"], json!({"shelf": "3", "seen": "no"}));
    assert_eq!(requests(&origin, POSTER), 0);

    download(&["--metadata", "seen="]).fine();
    let found = environment.inspect();
    assert_eq!(found["metadata"], json!({"shelf": "3"}));
    assert_eq!(
        (&found["title"], picture()),
        (&"Mine".into(), "image/png".into())
    );

    // From an address, which is fetched again when the picture is damaged.
    let address = origin.url("/mine.png").to_string();
    download(&["--artwork", &address]).fine();
    let store = asset_store::Store::open(environment.store()).unwrap();
    let asset = store
        .asset(&environment.only_id().parse().unwrap())
        .unwrap();
    let digest = asset.entries()["artwork"].digest.to_string();
    let blob = format!("blobs/b3/{}/{digest}", &digest[..2]);
    std::fs::remove_file(environment.store().join(blob)).unwrap();
    drop(store);
    assert_eq!(environment.run(["verify"]).code, 1);
    environment.run(["verify", "--repair"]).fine();
    assert_eq!(requests(&origin, "/mine.png"), 2);

    // What is no image takes no image's place.
    let said = download(&["--artwork", origin.url("/page").as_str()]).fine();
    assert!(
        said.stderr.contains("artwork is left out"),
        "{}",
        said.stderr
    );
    assert_eq!(picture(), "image/png");
    std::fs::write(environment.path("page.html"), "<!doctype html>").unwrap();
    for wrong in ["page.html", "nowhere.png", "."] {
        download(&["--artwork", wrong]).refused(2);
    }
}

#[test]
fn nobody_waits_for_a_picture_that_does_not_come() {
    let site = talkative();
    site.always(POSTER, Fault::Status(404));
    site.always("/lyrics", Fault::Stall(0));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let started = std::time::Instant::now();
    let url = origin.url("/master.m3u8").to_string();
    let said = environment.run(["download", &url, "--json"]).fine();
    assert!(started.elapsed() < std::time::Duration::from_secs(30));
    let notes = said.events().into_iter();
    let notes = notes.filter(|event| event["event"] == "note").count();
    assert_eq!(notes, 3, "{}", said.stdout);
    let found = environment.inspect();
    assert_eq!(
        (&found["artwork"], &found["playable_offline"]),
        (&json!(null), &true.into())
    );
    assert_eq!(found["state"], "completed");
}
