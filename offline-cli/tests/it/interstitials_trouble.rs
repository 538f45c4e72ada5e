//! What goes wrong with what is played in between: it is named, and the film is none the worse for it.

use std::fmt::Write as _;

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::{Environment, wait_for};
use crate::interstitials::{
    a_break, advertisement, crawl, film, is_named, list, of_ads, set_breaks, url,
};
use crate::serve::Serving;
use crate::stream::{playlist, requests, segment_path, transport_stream};

/// Downloads with everything in between; gives what was left out as pairs of the ID and the reason.
fn left_out(environment: &Environment, url: &str) -> Vec<(String, String)> {
    let said = environment.run(["download", "--json", url, "--interstitials"]);
    let left_out: Vec<(String, String)> = said
        .events()
        .iter()
        .filter(|event| event["event"] == "interstitial-left-out")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("id"), text("error"))
        })
        .collect();
    let last = said.events().pop().unwrap();
    assert_eq!(last["event"], "completed", "{last}");
    assert_eq!(
        said.code,
        i32::from(!left_out.is_empty()),
        "{}",
        said.stderr
    );
    assert_eq!(environment.inspect()["playable_offline"], true);
    left_out
}

#[test]
fn one_that_is_broken_is_left_out_until_it_is_whole() {
    let origin = film(|origin| {
        let (good, bad) = (advertisement(origin, "good"), advertisement(origin, "bad"));
        let both = json!({"ASSETS": [{"URI": bad, "DURATION": 8}, {"URI": good, "DURATION": 8}]});
        list(origin, "both", &both);
        a_break("alone", 2, &format!("X-ASSET-URI=\"{bad}\""))
            + &a_break("list", 6, "X-ASSET-LIST=\"lists/both.json\"")
            + &a_break("gone", 8, "X-ASSET-LIST=\"lists/gone.json\"")
            + &a_break("nowhere", 9, "X-ASSET-URI=\"/relative/index.m3u8\"")
    });
    let broken = "/ads/bad/segments/1.ts";
    origin.site().always(broken, Fault::Status(404));
    let environment = Environment::new();
    let missing = left_out(&environment, &url(&origin));
    let ids: Vec<&str> = missing.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["alone", "gone"], "{missing:?}");
    assert!(missing[0].1.contains("404"), "{missing:?}");
    let found = environment.inspect();
    let of = |id: &str| {
        let known = found["interstitials"].as_array().unwrap();
        known.iter().find(|one| one["id"] == id).unwrap().clone()
    };
    assert!(of("alone")["reason"].as_str().unwrap().contains("404"));
    assert_eq!(of("list")["complete"], false);
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    let film = served
        .iter()
        .find(|(_, text)| text.contains("#EXT-X-DATERANGE"));
    let film = &film.unwrap().1;
    assert!(
        film.contains("ID=\"list\"") && !film.contains("ID=\"alone\""),
        "{film}"
    );
    let (_, json) = served
        .iter()
        .find(|(url, _)| is_named(url, "json"))
        .unwrap();
    let offered: Value = serde_json::from_str(json).unwrap();
    assert_eq!(offered["ASSETS"].as_array().unwrap().len(), 1, "{json}");

    // Once it is there, only what is missing is fetched.
    origin.site().always(broken, Fault::None);
    list(&origin, "gone", &json!({"ASSETS": []}));
    assert_eq!(left_out(&environment, &url(&origin)), []);
    assert_eq!(requests(&origin, "/ads/bad/segments/0.ts"), 1);
    assert_eq!(requests(&origin, "/ads/good/segments/0.ts"), 1);
    assert_eq!(requests(&origin, "/ads/good/index.m3u8"), 1);
    assert_eq!(requests(&origin, &segment_path(0)), 1);
    assert!(environment.inspect()["interstitials"][0]["complete"] == true);
}

#[test]
fn lists_of_any_kind_harm_nobody() {
    let assets = |count: usize| json!({"ASSETS": vec![json!({"URI": "x", "DURATION": 1}); count]});
    let documents = [
        ("html", "<!doctype html><html>login</html>".to_owned()),
        ("none", "{}".to_owned()),
        ("text", "{\"ASSETS\": \"all\"}".to_owned()),
        ("cut", "{\"ASSETS\": [{\"URI\": \"x\"".to_owned()),
        ("deep", "{\"ASSETS\": ".to_owned() + &"[".repeat(100_000)),
        ("many", assets(1001).to_string()),
        (
            "huge",
            format!("{{\"ASSETS\": [], \"X\": \"{}\"}}", "x".repeat(2_000_000)),
        ),
        (
            "file",
            json!({"ASSETS": [{"URI": "file:///etc/passwd", "DURATION": 1}]}).to_string(),
        ),
        (
            "script",
            json!({"ASSETS": [{"URI": "javascript:alert(1)", "DURATION": 1}]}).to_string(),
        ),
        (
            "nowhere",
            json!({"ASSETS": [{"URI": "http://[", "DURATION": 1}]}).to_string(),
        ),
        (
            "missing",
            json!({"ASSETS": [{"URI": "/ads/missing.m3u8", "DURATION": 1}]}).to_string(),
        ),
    ];
    let origin = film(|origin| {
        let mut breaks = String::new();
        for (name, document) in &documents {
            let path = format!("/lists/{name}.json");
            origin.site().route(&path, Resource::new(document.clone()));
            breaks += &a_break(name, 3, &format!("X-ASSET-LIST=\"lists/{name}.json\""));
        }
        // A stranger ID than this cannot harm a terminal.
        breaks + &a_break("\u{1b}[31m", 4, "X-ASSET-LIST=\"file:///etc/passwd\"")
    });
    let environment = Environment::new();
    let missing = left_out(&environment, &url(&origin));
    let mut ids: Vec<&str> = missing.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut expected: Vec<&str> = documents.iter().map(|(name, _)| *name).collect();
    expected.push("\u{fffd}[31m");
    expected.sort_unstable();
    assert_eq!(ids, expected, "{missing:?}");
    let why = |id: &str| &missing.iter().find(|(of, _)| of == id).unwrap().1;
    assert!(why("file").contains("`file`"), "{}", why("file"));
    assert!(why("text").contains("array of assets"), "{}", why("text"));
    assert!(why("many").contains("1000"), "{}", why("many"));
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    assert!(served.iter().all(|(_, text)| !text.contains("X-ASSET")));
    let inspected = environment.run(["inspect", &environment.only_id()]).fine();
    assert!(!inspected.stdout.contains('\u{1b}'));
}

#[test]
fn what_is_no_advertisement_that_can_be_kept_is_refused_by_name() {
    let origin = film(|origin| {
        let site = origin.site();
        let text = playlist(2).replace("#EXTINF:4,\nsegments/0", "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:4,\nsegments/0");
        site.route("/ads/protected/index.m3u8", Resource::new(text));
        let live = playlist(2)
            .replace("#EXT-X-ENDLIST\n", "")
            .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
        site.route("/ads/live/index.m3u8", Resource::new(live));
        site.route("/ads/mp4/index.m3u8", Resource::new(transport_stream(1, 9)));
        let inner = advertisement(origin, "inner");
        advertisement(origin, "outer");
        let dated = format!(
            "{}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\nsegments/0",
            a_break("inner", 0, &format!("X-ASSET-URI=\"{inner}\""))
        );
        let outer = playlist(2).replacen("#EXTINF:4,\nsegments/0", &dated, 1);
        site.route("/ads/outer/index.m3u8", Resource::new(outer));
        let mut breaks = String::new();
        for name in ["protected", "live", "mp4", "outer"] {
            let address = origin.url(&format!("/ads/{name}/index.m3u8"));
            breaks += &a_break(name, 3, &format!("X-ASSET-URI=\"{address}\""));
        }
        breaks
    });
    let environment = Environment::new();
    let missing = left_out(&environment, &url(&origin));
    let ids: Vec<&str> = missing.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["protected", "live", "mp4"], "{missing:?}");
    assert!(missing[0].1.contains("FairPlay"), "{missing:?}");
    assert_eq!(requests(&origin, "/ads/inner/index.m3u8"), 0);
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    assert_eq!(
        served
            .iter()
            .filter(|(_, text)| text.contains("X-ASSET"))
            .count(),
        1
    );
}

#[test]
fn without_dates_they_have_no_place() {
    let origin = film(|origin| {
        let address = advertisement(origin, "one");
        a_break("ad", 4, &format!("X-ASSET-URI=\"{address}\""))
    });
    let break_tag = a_break(
        "ad",
        4,
        &format!("X-ASSET-URI=\"{}\"", origin.url("/ads/one/index.m3u8")),
    );
    let text = playlist(4) + &break_tag;
    origin.site().route("/film.m3u8", Resource::new(text));
    let environment = Environment::new();
    let missing = left_out(&environment, &url(&origin));
    assert!(
        missing[0].1.contains("EXT-X-PROGRAM-DATE-TIME"),
        "{missing:?}"
    );
    assert_eq!(of_ads(&origin), 0);
}

#[test]
fn a_list_is_asked_again_while_something_of_it_is_missing() {
    let origin = film(|origin| {
        let (one, two) = (advertisement(origin, "one"), advertisement(origin, "two"));
        list(
            origin,
            "break",
            &json!({"ASSETS": [{"URI": one, "DURATION": 8}, {"URI": two, "DURATION": 8}]}),
        );
        a_break("mid", 6, "X-ASSET-LIST=\"lists/break.json\"")
    });
    origin
        .site()
        .always("/ads/two/segments/1.ts", Fault::Status(410));
    let environment = Environment::new();
    assert_eq!(left_out(&environment, &url(&origin)).len(), 1);
    // The server has other advertisements now; those it no longer names are forgotten.
    let three = advertisement(&origin, "three");
    list(
        &origin,
        "break",
        &json!({"ASSETS": [{"URI": three, "DURATION": 8}]}),
    );
    assert_eq!(left_out(&environment, &url(&origin)), []);
    let found = environment.inspect();
    let assets = found["interstitials"][0]["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 1, "{found}");
    let film = 4 * 20 * 188;
    let bytes = found["bytes"].as_u64().unwrap();
    assert!(bytes < film + 2 * 10 * 188 + 2000, "{bytes}");
    // Now that it is whole, what the server says next changes nothing.
    list(&origin, "break", &json!({"ASSETS": []}));
    let before = of_ads(&origin);
    assert_eq!(left_out(&environment, &url(&origin)), []);
    assert_eq!(of_ads(&origin), before);
}

#[test]
fn one_that_has_changed_makes_room_for_what_it_is_now() {
    let origin = film(|origin| {
        let address = advertisement(origin, "one");
        a_break("ad", 4, &format!("X-ASSET-URI=\"{address}?token=1\""))
    });
    origin
        .site()
        .always("/ads/one/segments/1.ts", Fault::Status(404));
    let environment = Environment::new();
    assert_eq!(left_out(&environment, &url(&origin)).len(), 1);
    // Signed anew it is the same, and goes on where it was.
    let address = origin.url("/ads/one/index.m3u8");
    set_breaks(
        &origin,
        &a_break("ad", 4, &format!("X-ASSET-URI=\"{address}?token=2\"")),
    );
    let mut signed = playlist(2);
    for index in 0..2 {
        signed = signed.replace(
            &format!("segments/{index}.ts"),
            &format!("segments/{index}.ts?token=2"),
        );
    }
    origin
        .site()
        .route("/ads/one/index.m3u8", Resource::new(signed));
    origin.site().always("/ads/one/segments/1.ts", Fault::None);
    assert_eq!(left_out(&environment, &url(&origin)), []);
    assert_eq!(requests(&origin, "/ads/one/segments/0.ts"), 1);

    // Another film at the same address, while the first one is not whole.
    let environment = Environment::new();
    origin
        .site()
        .always("/ads/one/segments/1.ts", Fault::Status(404));
    assert_eq!(left_out(&environment, &url(&origin)).len(), 1);
    let mut other = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for index in 0..3 {
        let bytes = transport_stream(900 + index, 7);
        origin
            .site()
            .route(&format!("/ads/one/other/{index}.ts"), Resource::new(bytes));
        writeln!(other, "#EXTINF:4,\nother/{index}.ts").unwrap();
    }
    other.push_str("#EXT-X-ENDLIST\n");
    origin
        .site()
        .route("/ads/one/index.m3u8", Resource::new(other));
    assert_eq!(left_out(&environment, &url(&origin)), []);
    let found = environment.inspect();
    assert_eq!(
        found["interstitials"][0]["assets"][0]["duration"], 12.0,
        "{found}"
    );
}

#[test]
fn killed_in_the_middle_they_go_on_where_they_were() {
    let origin = film(|origin| {
        let address = advertisement(origin, "one");
        a_break("ad", 4, &format!("X-ASSET-URI=\"{address}\""))
    });
    let last = "/ads/one/segments/1.ts";
    origin.site().always(last, Fault::Stall(500));
    let environment = Environment::new();
    let mut child = environment.start(["download", &url(&origin), "--interstitials"]);
    wait_for("the last segment", || requests(&origin, last) > 0);
    wait_for("the first segment", || {
        // Three entries: the playlist, and a segment, beside those of the film.
        environment
            .list()
            .first()
            .is_some_and(|asset| asset["bytes"].as_u64().unwrap() >= (4 * 20 + 10) * 188)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    // The film plays; what waits in the queue is the whole download.
    assert_eq!(environment.inspect()["playable_offline"], true);
    assert_eq!(environment.only()["state"], "paused");
    assert!(environment.only()["progress"].as_f64().unwrap() < 1.0);
    origin.site().always(last, Fault::None);
    environment.run(["download"]).fine();
    assert_eq!(environment.only()["state"], "completed");
    assert_eq!(environment.inspect()["interstitials"][0]["complete"], true);
    for index in 0..4 {
        assert_eq!(requests(&origin, &segment_path(index)), 1);
    }
    assert_eq!(requests(&origin, "/ads/one/segments/0.ts"), 1);
}

#[test]
fn a_server_that_is_away_is_waited_for_once() {
    // A port that nobody listens on any more.
    let gone = Origin::serve(Site::new()).unwrap().url("/").to_string();
    let origin = film(|origin| {
        let mut breaks = String::new();
        for index in 0..20 {
            breaks += &a_break(
                &format!("ad-{index}"),
                4,
                &format!("X-ASSET-URI=\"{gone}{index}.m3u8\""),
            );
        }
        breaks
            + &a_break(
                "good",
                6,
                &format!("X-ASSET-URI=\"{}\"", advertisement(origin, "good")),
            )
    });
    let environment = Environment::new();
    let started = std::time::Instant::now();
    let missing = left_out(&environment, &url(&origin));
    assert_eq!(missing.len(), 20, "{missing:?}");
    assert!(missing[19].1.contains("a moment ago"), "{missing:?}");
    assert!(started.elapsed().as_secs() < 90);
    assert_eq!(requests(&origin, "/ads/good/segments/1.ts"), 1);
}

#[test]
fn what_came_from_the_internet_leads_to_nothing_near() {
    let environment = Environment::new();
    let origin = film(|_| String::new());
    let site = origin.site();
    let near = [
        "http://127.0.0.1/ads/near.m3u8",
        "http://10.1.2.3/ads/near.m3u8",
        "http://router.lan/ads/near.m3u8",
        "http://[::1]/ads/near.m3u8",
    ];
    let mut breaks = String::new();
    for (index, address) in near.iter().enumerate() {
        breaks += &a_break(
            &format!("uri-{index}"),
            4,
            &format!("X-ASSET-URI=\"{address}\""),
        );
        breaks += &a_break(
            &format!("list-{index}"),
            4,
            &format!("X-ASSET-LIST=\"{address}.json\""),
        );
    }
    list(
        &origin,
        "far",
        &json!({"ASSETS": near.map(|address| json!({"URI": address, "DURATION": 1}))}),
    );
    breaks += &a_break(
        "far",
        5,
        "X-ASSET-LIST=\"http://ads.example/lists/far.json\"",
    );
    set_breaks(&origin, &breaks);
    // A proxy is asked for whole addresses, so that every host is this one.
    let proxy = origin.url("/").to_string();
    let download = |film: &str| {
        let said = environment.run([
            "download",
            "--json",
            film,
            "--interstitials",
            "--proxy",
            &proxy,
        ]);
        assert_eq!(said.code, 1, "{}", said.stderr);
        let is_left_out = |event: &&Value| event["event"] == "interstitial-left-out";
        said.events().iter().filter(is_left_out).count()
    };
    assert_eq!(download("http://films.example/film.m3u8"), 8);
    let asked = |path: &str| {
        site.requests()
            .iter()
            .filter(|request| request.path.starts_with(path))
            .count()
    };
    assert_eq!((asked("/ads/near"), asked("/lists/far")), (0, 1));

    // Nor does what a list or an advertisement from there leads to, when the film is near itself.
    let text = playlist(2).replace("segments/", "http://192.168.0.1/ads/near/");
    site.route("/ads/far.m3u8", Resource::new(text));
    set_breaks(
        &origin,
        &(a_break(
            "far",
            5,
            "X-ASSET-LIST=\"http://ads.example/lists/far.json\"",
        ) + &a_break("ad", 6, "X-ASSET-URI=\"http://ads.example/ads/far.m3u8\"")),
    );
    assert_eq!(download("http://127.0.0.1/film.m3u8"), 4 + 1);
    assert_eq!((asked("/ads/near"), asked("/lists/far")), (0, 2));
}
