//! What is played in between: downloaded, offered and exported with the asset.

use std::path::Path;

use segment_fetch::testing::{Origin, Resource, Site};
use serde_json::{Value, json};
use url::Url;

use crate::environment::{Environment, has};
use crate::media::ffmpeg;
use crate::serve::Serving;
use crate::stream::{playlist, requests, segment_path, transport_stream};

/// A film of four segments that say when they are, whose breaks are told later.
pub(crate) fn film(breaks: impl Fn(&Origin) -> String) -> Origin {
    let site = Site::new();
    for index in 0..4 {
        let bytes = transport_stream(index as u64 + 1, 20);
        site.route(&segment_path(index), Resource::new(bytes));
    }
    let origin = Origin::serve(site).unwrap();
    set_breaks(&origin, &breaks(&origin));
    origin
}

pub(crate) fn set_breaks(origin: &Origin, breaks: &str) {
    let dated = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\nsegments/0";
    let text = playlist(4).replacen("#EXTINF:4,\nsegments/0", &format!("{breaks}{dated}"), 1);
    origin.site().route("/film.m3u8", Resource::new(text));
}

/// A break `seconds` into the film that plays what `attributes` say.
pub(crate) fn a_break(id: &str, seconds: u32, attributes: &str) -> String {
    format!(
        "#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:{seconds:02}Z\",{attributes}\n"
    )
}

/// An advertisement under `/ads/NAME/`: two segments.
pub(crate) fn advertisement(origin: &Origin, name: &str) -> Url {
    let seed = name
        .bytes()
        .fold(1_u64, |sum, byte| sum * 31 + u64::from(byte));
    for index in 0..2 {
        let bytes = transport_stream(seed + index, 10);
        let path = format!("/ads/{name}/segments/{index}.ts");
        origin.site().route(&path, Resource::new(bytes));
    }
    let path = format!("/ads/{name}/index.m3u8");
    origin.site().route(&path, Resource::new(playlist(2)));
    origin.url(&path)
}

pub(crate) fn list(origin: &Origin, name: &str, document: &Value) {
    let list = Resource::new(document.to_string());
    origin.site().route(&format!("/lists/{name}.json"), list);
}

/// A film with an advertisement of its own, a list of that one and another, and the first one once more.
pub(crate) fn with_breaks() -> Origin {
    film(|origin| {
        let (one, two) = (advertisement(origin, "one"), advertisement(origin, "two"));
        let break_list = json!({"ASSETS": [{"URI": one, "DURATION": 8}, {"URI": two}], "SKIP-CONTROL": {"OFFSET": 5}, "X": 1});
        list(origin, "break", &break_list);
        a_break(
            "pre",
            0,
            &format!("CUE=\"PRE\",X-ASSET-URI=\"{one}\",X-RESTRICT=\"SKIP\""),
        ) + &a_break(
            "mid",
            6,
            "X-ASSET-LIST=\"lists/break.json\",X-RESUME-OFFSET=0",
        ) + &a_break(
            "again",
            10,
            &format!("X-ASSET-URI=\"{one}\",X-PLAYOUT-LIMIT=3.5"),
        )
    })
}

pub(crate) fn of_ads(origin: &Origin) -> usize {
    let requests = origin.site().requests();
    let is_of_ads = |path: &str| path.starts_with("/ads/") || path.starts_with("/lists/");
    requests
        .iter()
        .filter(|request| is_of_ads(&request.path))
        .count()
}

/// Whether the path of an address has this ending.
pub(crate) fn is_named(address: &str, ending: &str) -> bool {
    Path::new(address)
        .extension()
        .is_some_and(|known| known == ending)
}

pub(crate) fn url(origin: &Origin) -> String {
    origin.url("/film.m3u8").to_string()
}

/// Follows every address from a playlist on, all of which have to be the server's; gives the documents.
pub(crate) fn crawl(serving: &Serving, from: &str) -> Vec<(String, String)> {
    let mut documents: Vec<(String, String)> = Vec::new();
    let mut left = vec![Url::parse(from).unwrap()];
    while let Some(url) = left.pop() {
        if documents.iter().any(|(known, _)| known == url.as_str()) {
            continue;
        }
        let (status, text) = serving.visit(url.as_str());
        assert_eq!(status, 200, "{url}");
        let is_list = is_named(url.path(), "json");
        let mut follow = |address: &str| {
            let address = url.join(address).unwrap();
            assert!(
                address.as_str().starts_with(&serving.url),
                "{address} in {text}"
            );
            left.push(address);
        };
        if is_list {
            let list: Value = serde_json::from_str(&text).unwrap();
            for asset in list["ASSETS"].as_array().unwrap() {
                let address = asset["URI"].as_str().unwrap();
                assert!(Url::parse(address).is_ok(), "{address} is not absolute");
                follow(address);
            }
        } else if text.starts_with("#EXTM3U") {
            for line in text.lines() {
                if !line.starts_with('#') {
                    follow(line);
                }
                for name in ["URI=\"", "X-ASSET-LIST=\""] {
                    for (at, _) in line.match_indices(name) {
                        let value = &line[at + name.len()..];
                        follow(&value[..value.find('"').unwrap()]);
                    }
                }
            }
        }
        documents.push((url.into(), text));
    }
    documents
}

#[test]
fn nothing_is_asked_for_unless_it_is_wanted() {
    let origin = with_breaks();
    let environment = Environment::new();
    environment.run(["download", &url(&origin)]).fine();
    environment
        .run(["download", &url(&origin), "--interstitials=none"])
        .fine();
    environment.run(["probe", &url(&origin)]).fine();
    environment
        .run(["download", "--dry-run", &url(&origin)])
        .fine();
    environment
        .run(["download", &url(&origin), "--interstitials", "--live"])
        .code_is(2);
    environment
        .run(["download", &url(&origin), "--interstitials=most"])
        .refused(2);
    environment
        .run(["download", &url(&origin), "--interstitials=none,pre"])
        .refused(2);
    assert_eq!(of_ads(&origin), 0);
    let found = environment.inspect();
    let known = found["interstitials"].as_array().unwrap();
    assert_eq!(known.len(), 3, "{found}");
    assert!(known.iter().all(|one| one["complete"] == false), "{found}");
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    assert!(
        served
            .iter()
            .all(|(_, text)| !text.contains("X-ASSET") && !text.contains("/ads/"))
    );
    assert_eq!(of_ads(&origin), 0);
}

#[test]
fn of_a_part_of_the_time_only_its_own_are_taken() {
    let names = ["pre", "early", "inside", "late", "post"];
    let origin = film(|origin| {
        let said = |&name: &&str| {
            let address = advertisement(origin, name);
            let (seconds, cue) = match name {
                "pre" => (0, "CUE=\"PRE\","),
                "early" => (2, ""),
                "inside" => (9, ""),
                "late" => (13, ""),
                _ => (0, "CUE=\"POST\","),
            };
            a_break(name, seconds, &format!("{cue}X-ASSET-URI=\"{address}\""))
        };
        names.iter().map(said).collect()
    });
    let environment = Environment::new();
    let download = |from: &str, to: &str| {
        let url = url(&origin);
        let range = [
            "download",
            &url,
            "--interstitials",
            "--from",
            from,
            "--to",
            to,
        ];
        environment.run(range).fine();
    };
    let asked = || -> Vec<&str> {
        let is_asked = |name: &&&str| requests(&origin, &format!("/ads/{name}/segments/1.ts")) > 0;
        names.iter().filter(is_asked).copied().collect()
    };
    // The segment from 8 to 12; what is before and after all of the film belongs to every part.
    download("9", "11");
    assert_eq!(asked(), ["pre", "inside", "post"]);
    let offered = || {
        let serving = Serving::start(&environment);
        let served = crawl(&serving, &serving.asset(&environment.only_id()));
        let film = served.into_iter().map(|(_, text)| text);
        let mut film = film.filter(|text| text.contains("#EXT-X-DATERANGE"));
        film.next().unwrap()
    };
    let film = offered();
    for name in names {
        let id = format!("ID=\"{name}\"");
        let mut lines = film.lines().filter(|line| line.contains(&id));
        let is_offered = lines.any(|line| line.contains("X-ASSET-URI"));
        assert_eq!(is_offered, asked().contains(&name), "{name} {film}");
    }
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    // More of it brings what is in there, and nothing again.
    download("0", "11");
    assert_eq!(asked(), ["pre", "early", "inside", "post"]);
    for name in asked() {
        assert_eq!(requests(&origin, &format!("/ads/{name}/segments/1.ts")), 1);
    }
}

#[test]
fn they_are_there_once_and_played_in_place() {
    let origin = with_breaks();
    let environment = Environment::new();
    let said = environment
        .run(["download", "--json", &url(&origin), "--interstitials"])
        .fine();
    let ended = said.events().pop().unwrap();
    assert_eq!(ended["event"], "completed", "{ended}");
    for ad in ["one", "two"] {
        assert_eq!(requests(&origin, &format!("/ads/{ad}/index.m3u8")), 1);
        for index in 0..2 {
            let path = format!("/ads/{ad}/segments/{index}.ts");
            assert_eq!(requests(&origin, &path), 1, "{path}");
        }
    }
    // Once all of it is there, nothing of it is asked for again.
    let before = of_ads(&origin);
    environment
        .run(["download", &url(&origin), "--interstitials"])
        .fine();
    environment.run(["download", &url(&origin)]).fine();
    assert_eq!(of_ads(&origin), before);

    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true);
    let known = found["interstitials"].as_array().unwrap();
    assert!(known.iter().all(|one| one["complete"] == true), "{found}");
    let mid = known.iter().find(|one| one["id"] == "mid").unwrap();
    assert_eq!(mid["assets"].as_array().unwrap().len(), 2);
    assert_eq!(mid["assets"][0]["duration"], 8.0);
    assert!(mid["assets"][0]["bytes"].as_u64().unwrap() > 2 * 10 * 188);
    let listed = environment.only();
    assert_eq!(
        (&listed["duration"], &listed["progress"]),
        (&json!(16.0), &json!(1.0))
    );

    let all = origin.site().requests().len();
    let serving = Serving::start(&environment);
    let id = environment.only_id();
    let served = crawl(&serving, &serving.asset(&id));
    assert_eq!(
        origin.site().requests().len(),
        all,
        "a player asks nobody else"
    );
    let folder = format!("{}/assets/{id}/interstitials/", serving.url);
    let (_, film) = served
        .iter()
        .find(|(_, text)| text.contains("#EXT-X-DATERANGE"))
        .unwrap();
    let line = |id: &str| {
        let start = format!("#EXT-X-DATERANGE:ID=\"{id}\"");
        film.lines().find(|line| line.starts_with(&start)).unwrap()
    };
    let local = format!("X-ASSET-URI=\"{folder}");
    for (id, kept) in [
        ("pre", "CUE=\"PRE\""),
        ("pre", "X-RESTRICT=\"SKIP\""),
        ("again", "X-PLAYOUT-LIMIT=3.5"),
    ] {
        assert!(
            line(id).contains(kept) && line(id).contains(&local),
            "{film}"
        );
    }
    let list = format!("X-ASSET-LIST=\"{folder}");
    assert!(
        line("mid").contains(&list) && line("mid").contains("X-RESUME-OFFSET=0"),
        "{film}"
    );
    let (_, list) = served
        .iter()
        .find(|(url, _)| is_named(url, "json"))
        .unwrap();
    let list: Value = serde_json::from_str(list).unwrap();
    assert_eq!(list["SKIP-CONTROL"], json!({"OFFSET": 5}));
    assert_eq!(
        (
            &list["ASSETS"][0]["DURATION"],
            &list["ASSETS"][1]["DURATION"]
        ),
        (&json!(8), &json!(8))
    );
    assert_eq!(serving.visit(&format!("{folder}nothing.json")).0, 404);
    assert_eq!(
        serving.visit(&format!("{folder}../media/index.m3u8")).0,
        404
    );
    assert_eq!(serving.visit(&folder).0, 404);

    // The folder that is written out finds everything beside it.
    let out = environment.export();
    let text = std::fs::read_to_string(out.join("media/index.m3u8")).unwrap();
    let (_, rest) = text.split_once("X-ASSET-LIST=\"").unwrap();
    let path = out.join("media").join(rest.split('"').next().unwrap());
    let list: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for asset in list["ASSETS"].as_array().unwrap() {
        let index = path.parent().unwrap().join(asset["URI"].as_str().unwrap());
        let index = std::fs::read_to_string(&index).expect("an index beside the list");
        assert!(index.contains("media/index.m3u8"));
    }

    environment.run(["remove", &id]).fine();
    environment.run(["gc"]).fine();
    let usage = environment.run(["usage", "--json"]).fine().json();
    assert_eq!(usage["stored"], 0, "{usage}");
}

#[test]
fn an_advertisement_plays_offline_frame_for_frame() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let folder = environment.path("ad");
    std::fs::create_dir_all(&folder).unwrap();
    ffmpeg(
        &folder,
        &[
            &[
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=160x90:rate=10:duration=4",
            ],
            &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-g",
                "20",
                "-pix_fmt",
                "yuv420p",
            ],
            &[
                "-f",
                "hls",
                "-hls_time",
                "2",
                "-hls_playlist_type",
                "vod",
                "index.m3u8",
            ],
        ],
    );
    let ads = Origin::directory(&folder).unwrap();
    let origin = film(|_| {
        a_break(
            "ad",
            4,
            &format!("X-ASSET-URI=\"{}\"", ads.url("/index.m3u8")),
        )
    });
    environment
        .run(["download", &url(&origin), "--interstitials"])
        .fine();
    let frames = |input: &str| {
        let output = std::process::Command::new("ffmpeg")
            .args([
                "-hide_banner",
                "-loglevel",
                "error",
                "-nostdin",
                "-i",
                input,
                "-map",
                "0:v",
                "-f",
                "framemd5",
                "-",
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let original = frames(folder.join("index.m3u8").to_str().unwrap());
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    let is_index = |url: &&String| url.contains("/interstitials/") && url.matches('/').count() == 8;
    let index = served.iter().map(|(url, _)| url).find(is_index);
    let index = index.expect("the index of the advertisement");
    assert!(index.ends_with("/index.m3u8"), "{index}");
    drop(ads);
    assert!(original.lines().count() > 40);
    assert_eq!(frames(index), original);
}
