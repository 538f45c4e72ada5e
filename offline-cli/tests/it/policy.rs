//! Policies of assets and of the store: said, stored, and obeyed by purges and downloads.

use asset_store::{AssetId, Store};
use offline_cli::session::library;
use segment_fetch::testing::{Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::{Environment, Said, said};
use crate::live_origin::{LiveOrigin, Offers, Step};
use crate::stream::transport_stream;

/// An origin of one segment whose length the playlist tells, and which shares no bytes with others.
fn origin(seed: u64) -> Origin {
    let site = Site::new();
    let segment = transport_stream(seed, 100);
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:{}@0\ns.ts\n#EXT-X-ENDLIST\n",
        segment.len()
    );
    site.route("/s.ts", Resource::new(segment));
    site.route("/a.m3u8", Resource::new(text));
    Origin::serve(site).unwrap()
}

/// A store with assets of about 19 kB each.
fn stored(ids: &[&str]) -> Environment {
    let environment = Environment::new();
    for (seed, id) in (1..).zip(ids) {
        let origin = origin(seed);
        environment
            .run(["download", origin.url("/a.m3u8").as_str(), "--id", id])
            .fine();
    }
    environment
}

pub(crate) fn open(environment: &Environment) -> Store {
    Store::open(environment.store()).unwrap()
}

pub(crate) fn write(environment: &Environment, text: &str) -> String {
    let path = environment.path("policy.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) fn purged(answer: &Value) -> Vec<&str> {
    let purged = answer["purged"].as_array().unwrap();
    purged
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

#[test]
fn all_of_an_assets_policy_can_be_said_and_read() {
    let environment = stored(&["a"]);
    let arguments = [
        "policy",
        "a",
        "--priority",
        "-5",
        "--expires",
        "2026-12-24",
        "--after-played",
        "48h",
        "--storage-window",
        "30d",
        "--playback-window",
        "2d",
        "--series",
        "show",
        "--keep-newest",
        "3",
        "--tag",
        "news",
        "--tag",
        "kids",
        "--drop-auxiliary",
        "yes",
    ];
    let text = environment.run(arguments).fine().stdout;
    assert_eq!(
        text,
        "a: -5 priority, expires 2026-12-24 00:00, stored for 30d, played within 2d, expires 2d after the first play, \
         series show, newest 3 kept, tags kids news, auxiliary audio may go\n"
    );
    let expected = json!({
        "id": "a", "priority": "-5", "expires": 1_798_070_400, "pinned": false,
        "after_played": {"expire": 172_800}, "storage_window": 2_592_000, "playback_window": 172_800,
        "series": "show", "keep_newest": 3, "tags": ["kids", "news"], "drop_auxiliary": true,
    });
    let shown = environment.run(["policy", "a", "--json"]).fine().json();
    assert_eq!(shown, expected);
    let arguments = [
        "policy",
        "a",
        "--priority",
        "important",
        "--expires",
        "never",
        "--after-played",
        "low",
        "--storage-window",
        "none",
        "--playback-window",
        "none",
        "--series",
        "",
        "--keep-newest",
        "0",
        "--untag",
        "news",
        "--drop-auxiliary",
        "no",
    ];
    let text = environment.run(arguments).fine().stdout;
    assert_eq!(
        text,
        "a: important priority, expires never, low priority once played, tags kids\n"
    );

    let file = write(&environment, "pinned = true\nseries = \"show\"\n");
    let text = environment.run(["policy", "a", "--from", &file, "--keep-newest", "2"]);
    assert_eq!(
        text.fine().stdout,
        "a: default priority, expires never, pinned, series show, newest 2 kept\n"
    );
    let file = write(&environment, "pinned = true\nprioritty = \"low\"\n");
    let said = environment.run(["policy", "a", "--from", &file]).refused(2);
    assert!(
        said.stderr.contains(
            r#"line 2, column 1: there is no key "prioritty"; allowed are priority, expires"#
        ),
        "{}",
        said.stderr
    );
    for wrong in [
        &["policy", "a", "--priority", "high"][..],
        &["policy", "a", "--storage-window", "month"],
        &["policy", "a", "--after-played", "sometime"],
        &["policy", "a", "--series", "", "--keep-newest", "2"],
        &["policy", "--priority", "low"],
    ] {
        assert_eq!(environment.run(wrong).code, 2, "{wrong:?}");
    }
    let shown = environment.run(["policy", "a", "--json"]).fine().json();
    assert_eq!(shown["pinned"], true, "a mistake changes nothing");
}

#[test]
fn the_policy_of_the_store_is_kept_and_obeyed() {
    let environment = stored(&["one", "two", "three", "other"]);
    assert_eq!(
        environment.run(["policy", "--json"]).fine().stdout.trim(),
        "null"
    );
    for (id, tag) in [
        ("one", "news"),
        ("two", "news"),
        ("three", "news"),
        ("other", "films"),
    ] {
        environment.run(["policy", id, "--tag", tag]).fine();
    }
    let text =
        "# kept as it is\nmin_free = 1\n\n[tags.news]\nkeep_newest = 2\nmax_bytes = \"25 kB\"\n";
    let file = write(&environment, text);
    assert_eq!(
        environment.run(["policy", "--from", &file]).fine().stdout,
        text
    );
    assert_eq!(environment.run(["policy"]).fine().stdout, text);
    let shown = environment.run(["policy", "--json"]).fine().json();
    assert_eq!(
        shown["tags"]["news"],
        json!({"max_bytes": 25_000, "keep_newest": 2})
    );

    let wrong = write(&environment, "[tags.news]\nkeep = 2\n");
    let said = environment.run(["policy", "--from", &wrong]).refused(2);
    assert!(said.stderr.contains("line 2, column 1"), "{}", said.stderr);
    assert_eq!(environment.run(["policy"]).fine().stdout, text);

    // All were stored within a moment, so the names decide which of the series are newest.
    let plan = environment
        .run(["purge", "--dry-run", "--json"])
        .fine()
        .json();
    assert_eq!(
        plan["purged"][0]["reason"],
        r#"there are 2 newer ones of "news""#
    );
    assert_eq!(purged(&plan).len(), 2);
    let done = environment.run(["purge", "--json"]).fine().json();
    assert_eq!(done["purged"], plan["purged"]);
    assert_eq!(environment.list().len(), 2);
    assert!(
        environment
            .list()
            .iter()
            .any(|asset| asset["id"] == "other")
    );
    let again = environment.run(["purge", "--json"]).fine().json();
    assert!(purged(&again).is_empty());

    // Another one for this time; what cannot be met is told, and where.
    environment
        .run(["policy", "other", "--pinned", "yes"])
        .fine();
    let file = write(&environment, "[tags.films]\nmax_bytes = 0\n");
    let said = environment.run(["purge", "--policy", &file, "--json"]);
    assert_eq!(said.code, 1);
    let told = said.json();
    assert!(purged(&told).is_empty());
    assert_eq!(told["tag_shortfalls"][0]["tag"], "films");
    assert_eq!(told["kept"][0], "other: pinned");
}

#[test]
fn a_download_makes_room_only_as_far_as_the_policy_allows() {
    let environment = stored(&["old", "dear", "mine"]);
    environment
        .run(["policy", "dear", "--priority", "important"])
        .fine();
    environment
        .run(["policy", "mine", "--pinned", "yes"])
        .fine();
    let new = origin(7);
    let url = new.url("/a.m3u8");
    let download = |id: &str| environment.run(["download", url.as_str(), "--id", id, "--json"]);

    // Three are there and three may be.
    let file = write(&environment, "max_bytes = \"60 kB\"\n");
    environment.run(["policy", "--from", &file]).fine();
    let what_if = environment
        .run(["purge", "--dry-run", "--needed", "19kB", "--json"])
        .fine()
        .json();
    assert_eq!(purged(&what_if), ["old"]);
    assert_eq!(environment.list().len(), 3, "a dry run removes nothing");
    let events = download("new").fine().events();
    let made = events
        .iter()
        .find(|event| event["event"] == "made-room")
        .unwrap();
    assert_eq!(purged(made), ["old"]);
    assert!(
        made["purged"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("makes room for 18.8 kB")
    );

    // What is left may not go for a download, so nothing does.
    environment
        .run(["policy", "new", "--priority", "important"])
        .fine();
    let other = origin(8);
    let url = other.url("/a.m3u8");
    let said = environment
        .run(["download", url.as_str(), "--id", "more"])
        .refused(5);
    assert!(
        said.stderr
            .contains("the policy of the store makes no such room"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("dear (not to go for something new)"),
        "{}",
        said.stderr
    );
    assert_eq!(crate::stream::requests(&other, "/s.ts"), 0);
    let ids: Vec<Value> = environment
        .list()
        .iter()
        .map(|asset| asset["id"].clone())
        .collect();
    assert_eq!(ids.len(), 3, "{ids:?}");

    // Unless the policy says so.
    let file = write(
        &environment,
        "max_bytes = \"60 kB\"\nmake_room = \"important\"\n",
    );
    environment.run(["policy", "--from", &file]).fine();
    environment
        .run(["download", url.as_str(), "--id", "more"])
        .fine();
    assert_eq!(environment.list().len(), 3);
    assert!(environment.list().iter().any(|asset| asset["id"] == "mine"));
}

#[test]
fn a_recording_makes_room_as_it_goes_and_is_never_refused() {
    let environment = stored(&["old", "mine"]);
    environment
        .run(["policy", "mine", "--pinned", "yes"])
        .fine();
    let record = |id: &str| {
        let script = vec![Step::Advance(1); 2];
        let live = LiveOrigin::new(Offers::default(), 10, 5, script);
        let said = environment.run(["download", "--live", "--json", "--id", id, &live.url()]);
        said.fine().events()
    };
    let made_room = |events: &[Value]| -> Vec<String> {
        let made = events.iter().filter(|event| event["event"] == "made-room");
        made.flat_map(purged).map(str::to_owned).collect()
    };
    // There is room for the least that is asked for, and what is stored is beyond it.
    let file = write(&environment, "max_bytes = 1080000\n");
    environment.run(["policy", "--from", &file]).fine();
    let events = record("live");
    assert_eq!(made_room(&events), ["old"]);
    assert!(!events.iter().any(|event| event["event"] == "note"));

    // Nothing that may go is left: that is said once, and it is recorded all the same.
    let policy = ["policy", "live", "--priority", "important"];
    environment.run(policy).fine();
    let file = write(&environment, "max_bytes = \"1 MB\"\n");
    environment.run(["policy", "--from", &file]).fine();
    let events = record("more");
    assert!(made_room(&events).is_empty());
    let notes = events.iter().filter(|event| event["event"] == "note");
    let notes: Vec<_> = notes.filter_map(|event| event["note"].as_str()).collect();
    assert!(
        notes.len() == 1 && notes[0].contains("makes no more room"),
        "{notes:?}"
    );
    assert_eq!(environment.list().len(), 3);
}

#[test]
fn without_a_policy_of_the_store_nothing_goes_for_a_download() {
    let environment = stored(&["old"]);
    environment
        .run(["policy", "old", "--expires", "2020-01-01"])
        .fine();
    let new = origin(9);
    environment
        .run(["download", new.url("/a.m3u8").as_str(), "--id", "new"])
        .fine();
    assert_eq!(environment.list().len(), 2);
}

#[test]
fn windows_run_from_the_first_play() {
    let environment = stored(&["rented", "bought"]);
    environment
        .run([
            "policy",
            "rented",
            "--storage-window",
            "30d",
            "--playback-window",
            "0s",
        ])
        .fine();
    let plan = environment.run(["purge", "--json"]).fine().json();
    assert!(purged(&plan).is_empty());
    assert_eq!(plan["next_expiry"]["id"], "rented");
    assert_eq!(plan["next_expiry"]["cause"], "storage_window");
    let text = environment.run(["purge", "--dry-run"]).fine().stdout;
    assert!(text.contains("next to expire: rented at "), "{text}");

    let store = open(&environment);
    library::played(&store, &AssetId::new("rented").unwrap()).unwrap();
    let played = || {
        let bytes = store
            .document(&AssetId::new("rented").unwrap(), "played")
            .unwrap()
            .unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let first = played()["first"].clone();
    assert!(first.as_u64().is_some());
    library::played(&store, &AssetId::new("rented").unwrap()).unwrap();
    assert_eq!(played()["first"], first, "the first play stays the first");
    drop(store);
    let done = environment.run(["purge", "--json"]).fine().json();
    assert_eq!(purged(&done), ["rented"]);
    assert!(
        done["purged"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("by the time it may be played")
    );
}

#[test]
fn what_was_noted_of_plays_before_is_still_read() {
    let environment = stored(&["a"]);
    let store = open(&environment);
    let id = AssetId::new("a").unwrap();
    store
        .set_document(&id, "played", br#"{"last":1000000000}"#)
        .unwrap();
    library::played(&store, &id).unwrap();
    let bytes = store.document(&id, "played").unwrap().unwrap();
    let played: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(played["first"], 1_000_000_000);
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_go_early_and_is_told() {
    let environment = stored(&["before"]);
    let now = {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.unwrap().as_secs()
    };
    // As if the clock had been ten days ahead until now, which is the same as one that was set back.
    let latest = now + 10 * 86_400 + 3_600;
    let seen = format!("{{\"latest\":{latest}}}");
    open(&environment)
        .set_store_document("clock", seen.as_bytes())
        .unwrap();
    environment
        .run(["policy", "before", "--expires", "2020-01-01"])
        .fine();

    let said = environment
        .run(["policy", "before", "--expires", "30d"])
        .refused(2);
    assert!(
        said.stderr
            .contains("the clock is 10 days behind the latest time"),
        "{}",
        said.stderr
    );
    let origin = origin(5);
    environment
        .run(["download", origin.url("/a.m3u8").as_str(), "--id", "during"])
        .fine();
    environment
        .run(["policy", "during", "--storage-window", "0s"])
        .fine();
    let said = environment.run(["purge", "--json"]);
    assert!(
        said.stderr.contains("warning: the clock is "),
        "{}",
        said.stderr
    );
    let answer = said.fine().json();
    assert_eq!(
        purged(&answer),
        ["before"],
        "what has expired by any clock goes"
    );
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 2, "{answer}");

    // The clock is right again, but nobody knows when that download began.
    let answer = environment
        .run(["purge", "--trust-clock", "--json"])
        .fine()
        .json();
    assert!(purged(&answer).is_empty());
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{answer}");
    assert!(warnings[0].as_str().unwrap().ends_with("windows: during"));
    environment
        .run(["policy", "during", "--expires", "30d"])
        .fine();
}

#[test]
fn dates_are_those_of_the_place() {
    let environment = stored(&["a"]);
    let run = |arguments: &[&str]| {
        let mut command = environment.command();
        command
            .env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
            .args(arguments);
        said(&command.output().unwrap()).fine()
    };
    let text = run(&["policy", "a", "--expires", "2026-12-24 01:00"]).stdout;
    assert!(text.contains("expires 2026-12-24 01:00"), "{text}");
    // Programs get a number that is the same everywhere.
    let expires = |said: Said| said.json()["expires"].clone();
    assert_eq!(expires(run(&["policy", "a", "--json"])), 1_798_070_400);
    let text = environment.run(["policy", "a"]).fine().stdout;
    assert!(text.contains("expires 2026-12-24 00:00"), "{text}");
    let said = run(&["policy", "a", "--expires", "2026-07-01T12:00Z", "--json"]);
    assert_eq!(expires(said), 1_782_907_200);
}
