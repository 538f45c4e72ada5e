//! The page of the local server: what it asks and changes, what others may not, and how it looks to a browser.

use std::ffi::OsStr;

use segment_fetch::testing::Origin;
use serde_json::{Value, json};

use crate::browser::{drive, has_browser};
use crate::environment::{Environment, has, wait_for};
use crate::media;
use crate::serve::{Answer, Serving};
use crate::stream::Plain;

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn served() -> (Environment, Plain, Serving) {
    let plain = Plain::new(3, 50);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a", "--title", "<b>A</b>"])
        .fine();
    let serving = Serving::start(&environment);
    (environment, plain, serving)
}

impl Serving {
    fn asked(&self, path: &str) -> Value {
        let answer = self.ask("GET", &format!("{}/{path}", self.path()), &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let path = format!("{}/api/assets/{path}", self.path());
        self.send("POST", &path, &[JSON], &body.to_string())
    }
}

#[test]
fn the_page_is_whole_and_may_reach_nobody_else() {
    let (_environment, _plain, serving) = served();
    let page = serving.ask("GET", &format!("{}/", serving.path()), &[]);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(
        !policy.contains("http") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = String::from_utf8(page.body).unwrap();
    assert!(!html.contains("//") || !html.contains("http"), "{html}");
    // Everything that is referred to is there.
    let scripts = [
        "main.js",
        "api.js",
        "format.js",
        "library.js",
        "details.js",
        "player.js",
        "preview.js",
        "rows.js",
    ];
    for script in scripts {
        let file = serving.ask("GET", &format!("{}/page/{script}", serving.path()), &[]);
        assert_eq!(
            (file.status, file.header("content-type")),
            (200, Some("text/javascript; charset=utf-8"))
        );
        let text = String::from_utf8(file.body).unwrap();
        assert!(
            !text.contains("https:") && !text.contains("innerHTML"),
            "{script}"
        );
        for line in text.lines().filter(|line| line.starts_with("import ")) {
            let name = line
                .split("\"./")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            assert!(
                scripts.contains(&name) || name == "hls.mjs",
                "{script}: {line}"
            );
        }
    }
    let gzip = [("Accept-Encoding", "gzip")];
    let tag = serving.ask("GET", &format!("{}/page/hls.mjs", serving.path()), &gzip);
    assert_eq!(tag.header("content-encoding"), Some("gzip"));
    let tag = tag.header("etag").unwrap().to_owned();
    let again = serving.ask(
        "GET",
        &format!("{}/page/hls.mjs", serving.path()),
        &[("If-None-Match", &tag)],
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    for name in ["nothing.js", "..%2fmod.rs", "index.html/"] {
        assert_eq!(
            serving
                .ask("GET", &format!("{}/page/{name}", serving.path()), &[])
                .status,
            404
        );
    }
}

#[test]
fn the_library_is_told_and_changed() {
    let (environment, _plain, serving) = served();
    let library = serving.asked("api/library");
    assert_eq!(library[0]["title"], "<b>A</b>");
    assert_eq!(library[0]["position"], Value::Null);
    let details = serving.asked("api/assets/a");
    assert_eq!(
        (&details["playable_offline"], &details["offered"]),
        (&json!(true), &json!(true))
    );
    let space = serving.asked("api/space");
    assert!(space["used"].as_u64().unwrap() >= 3 * 9400);
    assert!(space["free"].as_u64().unwrap() > 0);
    assert_eq!(space["next"][0]["title"], "<b>A</b>");

    assert_eq!(
        serving
            .post("a/position", &json!({ "seconds": 12.5 }))
            .status,
        200
    );
    assert_eq!(serving.asked("api/library")[0]["position"], 12.5);
    assert_eq!(
        serving.post("a/position", &json!({ "seconds": -1 })).status,
        409
    );
    assert_eq!(
        serving
            .post("a/position", &json!({ "seconds": "x" }))
            .status,
        400
    );

    let policy = json!({ "priority": "important", "expires": 4_102_444_800_u64, "pinned": true });
    assert_eq!(serving.post("a/policy", &policy).status, 200);
    let told = &environment.inspect()["policy"];
    assert_eq!(
        (&told["priority"], &told["pinned"]),
        (&json!("important"), &json!(true))
    );
    assert_eq!(told["expires"], 4_102_444_800_u64);
    for wrong in [
        json!({ "priority": "whatever", "expires": null, "pinned": false }),
        json!({ "priority": "default", "expires": -5, "pinned": false }),
    ] {
        let refused = serving.post("a/policy", &wrong);
        assert_eq!(refused.status, 409, "{wrong}");
        let said: Value = serde_json::from_slice(&refused.body).unwrap();
        assert!(said["error"].as_str().unwrap().contains("there is no such"));
    }

    // To look at the library is not to play what is in it.
    assert_eq!(
        serving
            .post(
                "a/policy",
                &json!({ "priority": "default", "expires": null, "pinned": false })
            )
            .status,
        200
    );
    let would_go = environment.run(["purge", "--max-size", "0", "--dry-run", "--json"]);
    assert_eq!(would_go.json()["purged"][0]["id"], "a");

    let before = serving.asked("api/running")["version"].clone();
    assert_eq!(serving.post("a/remove", &json!({})).status, 200);
    assert_eq!(serving.asked("api/library"), json!([]));
    assert_ne!(serving.asked("api/running")["version"], before);
    assert!(environment.list().is_empty());
    assert_ne!(serving.post("a/remove", &json!({})).status, 200);
    assert_ne!(
        serving.post("a/position", &json!({ "seconds": 1 })).status,
        200
    );
}

#[test]
fn room_is_told_as_usage_and_purge_tell_it() {
    let (environment, plain, serving) = served();
    let more = Plain::new(5, 50);
    for (id, url) in [("b", plain.url()), ("c", more.url())] {
        environment.run(["download", &url, "--id", id]).fine();
    }
    environment.run(["policy", "a", "--priority", "low"]).fine();
    let space = serving.asked("api/space");
    let usage = environment.run(["usage", "--json"]).fine().json();
    let used = ["stored", "partials"].map(|key| usage[key].as_u64().unwrap());
    assert_eq!(space["used"], used[0] + used[1]);
    let purge = ["purge", "--max-size", "0", "--dry-run", "--json"];
    let purge = environment.run(purge).fine().json();
    let told = |list: &Value| {
        let reasons = list.as_array().unwrap().iter();
        let reasons = reasons.map(|one| one["reason"].clone());
        reasons.collect::<Vec<_>>()
    };
    assert_eq!(told(&space["next"]).len(), 3);
    assert_eq!(told(&space["next"]), told(&purge["purged"]));
    assert_eq!(purge["purged"][0]["id"], "a");
    assert_eq!(space["next"][0]["title"], "<b>A</b>");
}

#[test]
fn a_download_is_paused_and_resumed() {
    let plain = Plain::new(20, 50);
    let environment = Environment::new();
    let url = plain.url();
    let mut download = environment.start(["download", &url, "--id", "a", "--limit-rate", "20K"]);
    wait_for("the download's begin", || {
        environment.run(["list", "--json"]).stdout.contains("\"a\"")
    });
    let serving = Serving::start(&environment);
    let state = || serving.asked("api/library")[0]["state"].clone();
    wait_for("its progress", || {
        let running = &serving.asked("api/running")["assets"][0];
        running["id"] == "a" && running["progress"].as_f64() > Some(0.0)
    });
    assert_eq!(serving.post("a/pause", &json!({})).status, 200);
    assert_eq!(state(), "paused");
    assert!(!download.wait().unwrap().success());
    assert_eq!(serving.asked("api/running")["assets"], json!([]));

    assert_eq!(serving.post("a/resume", &json!({})).status, 200);
    wait_for("the download's end", || state() == "completed");
    let asked = (0..20).map(|index| plain.requests(index));
    assert!(
        asked.clone().all(|times| times <= 2),
        "{:?}",
        asked.collect::<Vec<_>>()
    );
    assert_eq!(serving.post("a/pause", &json!({})).status, 409);
    assert_eq!(serving.post("nobody/resume", &json!({})).status, 409);
}

#[test]
fn changes_come_from_the_page_alone() {
    let (environment, _plain, serving) = served();
    let path = format!("{}/api/assets/a/remove", serving.path());
    let own = format!("http://{}", serving.host());
    let (port, other) = (
        serving.host().rsplit(':').next().unwrap(),
        "http://127.0.0.1:1",
    );
    let rebound = format!("evil.example:{port}");
    let attacks: &[(u16, &[(&str, &str)])] = &[
        (415, &[]),
        (415, &[("Content-Type", "text/plain")]),
        (
            415,
            &[("Content-Type", "application/x-www-form-urlencoded")],
        ),
        (403, &[JSON, ("Origin", "https://evil.example")]),
        (403, &[JSON, ("Origin", other)]),
        (403, &[JSON, ("Origin", "null")]),
        (403, &[JSON, ("Sec-Fetch-Site", "cross-site")]),
        (403, &[JSON, ("Sec-Fetch-Site", "same-site")]),
        (421, &[JSON, ("Host", &rebound), ("Origin", &own)]),
    ];
    for (status, headers) in attacks {
        assert_eq!(
            serving.send("POST", &path, headers, "{}").status,
            *status,
            "{headers:?}"
        );
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let status = serving.send(method, &path, &[JSON], "{}").status;
        assert!(status == 404 || status == 405, "{method}: {status}");
    }
    let token = "0".repeat(32);
    assert_eq!(
        serving
            .send(
                "POST",
                &format!("/{token}/api/assets/a/remove"),
                &[JSON],
                "{}"
            )
            .status,
        404
    );
    let large = format!("\"{}\"", "x".repeat(20_000));
    let position = format!("{}/api/assets/a/position", serving.path());
    assert_eq!(serving.send("POST", &position, &[JSON], &large).status, 413);
    for id in ["..", "%2e%2e", "a%2fb", "a/../b"] {
        let path = format!("{}/api/assets/{id}/remove", serving.path());
        assert_ne!(
            serving.send("POST", &path, &[JSON], "{}").status,
            200,
            "{id}"
        );
    }
    assert_eq!(environment.list().len(), 1);
    assert_eq!(
        serving
            .send(
                "POST",
                &path,
                &[JSON, ("Origin", &own), ("Sec-Fetch-Site", "same-origin")],
                "{}"
            )
            .status,
        200
    );
    assert!(environment.list().is_empty());
}

#[test]
fn a_browser_plays_what_is_there_with_the_origin_gone() {
    if !has_browser() || !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    media::transport_stream(&root);
    media::alternate_audio(&root);
    media::hevc(&root);
    media::ffmpeg(
        &root,
        &[&[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:duration=1",
            "-frames:v",
            "1",
            "picture.png",
        ]],
    );
    let picture = root.join("picture.png");
    let origin = Origin::directory(&root).unwrap();
    for (id, playlist, title) in [
        (
            "alternates",
            "alt/master.m3u8",
            "Two languages <img src=\"https://elsewhere.test/x\" onerror=\"console.log(1)\">&amp;</script><script>throw 1</script>",
        ),
        ("ts", "ts/master.m3u8", "Plain"),
        ("hevc", "hevc/index.m3u8", "For other players"),
    ] {
        let url = origin.url(&format!("/{playlist}"));
        environment
            .run([
                "download",
                url.as_str(),
                "--id",
                id,
                "--title",
                title,
                "--audio",
                "all",
                "--subtitles",
                "all",
            ])
            .fine();
    }
    environment
        .run([
            "download",
            origin.url("/alt/master.m3u8").as_str(),
            "--id",
            "alternates",
            "--artwork",
            picture.to_str().unwrap(),
        ])
        .fine();
    drop(origin);
    // One that is still on its way, slowly.
    let slow = Plain::new(200, 50);
    let mut download = environment.start([
        "download",
        &slow.url(),
        "--id",
        "slow",
        "--title",
        "On its way",
        "--limit-rate",
        "20K",
    ]);
    wait_for("the download's begin", || environment.list().len() == 4);
    let serving = Serving::start(&environment);
    let pictures = environment.path("pictures");
    let said = drive("page.mjs", [OsStr::new(&serving.url), pictures.as_os_str()]);
    let _ = download.kill();
    let _ = download.wait();
    said.fine();
    assert!(
        environment.list().iter().all(|asset| asset["id"] != "ts"),
        "the page has removed it"
    );
}

/// A store of thousands, made by copying what is stored of one: to download so many would take minutes.
fn multiply(environment: &Environment, id: &str, count: usize) {
    let assets = environment.store().join("assets");
    let files: Vec<_> = std::fs::read_dir(assets.join(id))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_none_or(|ending| ending != "lock"))
        .map(|file| {
            let bytes = std::fs::read(&file).unwrap();
            (file.file_name().unwrap().to_owned(), bytes)
        })
        .collect();
    for number in 1..count {
        let folder = assets.join(format!("film-{number:04}"));
        std::fs::create_dir(&folder).unwrap();
        for (name, bytes) in &files {
            if name == "metadata.document" {
                let mut metadata: Value = serde_json::from_slice(bytes).unwrap();
                metadata["title"] = json!(format!("Film number {number:04} of a series"));
                std::fs::write(folder.join(name), metadata.to_string()).unwrap();
            } else {
                std::fs::write(folder.join(name), bytes).unwrap();
            }
        }
    }
}

const COUNT: usize = 5000;

#[test]
fn thousands_of_assets_are_shown_without_drawing_them_all() {
    if !has_browser() {
        return;
    }
    let (environment, _plain, serving) = served();
    drop(serving);
    multiply(&environment, "a", COUNT);
    let serving = Serving::start(&environment);
    assert_eq!(
        serving.asked("api/library").as_array().unwrap().len(),
        COUNT
    );
    drive("many.mjs", [&serving.url, &COUNT.to_string()]).fine();
}
