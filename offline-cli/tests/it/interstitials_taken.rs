//! Which of what is played in between is taken, and what else a download does with it.

use segment_fetch::testing::{Origin, Resource};
use serde_json::json;

use crate::environment::Environment;
use crate::interstitials::{a_break, advertisement, crawl, film, is_named, url, with_breaks};
use crate::serve::Serving;
use crate::stream::requests;

#[test]
fn criteria_choose_among_them_and_others_are_added_later() {
    let origin = with_breaks();
    let environment = Environment::new();
    environment
        .run(["download", &url(&origin), "--interstitials=pre,id=aga*"])
        .fine();
    assert_eq!(requests(&origin, "/lists/break.json"), 0);
    assert_eq!(requests(&origin, "/ads/one/index.m3u8"), 1);
    let complete = |id: &str| {
        let found = environment.inspect();
        let known = found["interstitials"].as_array().unwrap();
        known.iter().find(|one| one["id"] == id).unwrap()["complete"].clone()
    };
    assert_eq!(
        (complete("pre"), complete("mid"), complete("again")),
        (json!(true), json!(false), json!(true))
    );
    environment
        .run(["download", &url(&origin), "--interstitials=mid"])
        .fine();
    assert_eq!(complete("mid"), true);
    assert_eq!(requests(&origin, "/ads/one/index.m3u8"), 1);
    assert_eq!(requests(&origin, "/ads/two/index.m3u8"), 1);
}

#[test]
fn they_are_estimated_queued_and_repaired_like_the_rest() {
    let origin = with_breaks();
    let environment = Environment::new();
    let estimate = environment
        .run([
            "download",
            "--dry-run",
            "--json",
            &url(&origin),
            "--interstitials",
        ])
        .fine()
        .json();
    assert_eq!(estimate["duration"], 16.0);
    assert_eq!(
        estimate["tracks"].as_array().unwrap().len(),
        3,
        "{estimate}"
    );
    assert_eq!(estimate["bytes"], 4 * 20 * 188 + 4 * 10 * 188);
    let sampled = origin.site().requests().len();

    environment
        .run(["download", "--queue", &url(&origin), "--interstitials"])
        .fine();
    assert_eq!(origin.site().requests().len(), sampled);
    environment.run(["download"]).fine();
    let id = environment.only_id();
    assert!(
        environment.inspect()["interstitials"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["complete"] == true)
    );

    // A flipped byte in one segment of an advertisement.
    let bytes = std::fs::read(environment.export().join("media/segment-00000000.ts")).unwrap();
    assert_eq!(bytes.len(), 20 * 188);
    let damaged = blobs(&environment)
        .into_iter()
        .find(|path| std::fs::metadata(path).unwrap().len() == 10 * 188);
    let damaged = damaged.unwrap();
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[700] ^= 1;
    let mut permissions = std::fs::metadata(&damaged).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a file of the test")]
    permissions.set_readonly(false);
    std::fs::set_permissions(&damaged, permissions).unwrap();
    std::fs::write(&damaged, bytes).unwrap();
    let before = of_segments(&origin);
    environment.run(["verify", &id]).code_is(1);
    let complete = |environment: &Environment| {
        let found = environment.inspect();
        assert_eq!(found["playable_offline"], true);
        found["interstitials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["complete"] == true)
            .count()
    };
    assert!(complete(&environment) < 3);
    environment.run(["verify", "--repair", &id]).fine();
    assert_eq!(complete(&environment), 3);
    assert_eq!(of_segments(&origin), before + 1);
}

fn of_segments(origin: &Origin) -> usize {
    let requests = origin.site().requests();
    requests
        .iter()
        .filter(|request| is_named(&request.path, "ts"))
        .count()
}

fn blobs(environment: &Environment) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![environment.store().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn languages_and_variants_are_those_of_the_film_unless_others_are_named() {
    let origin = film(|origin| {
        let rendition = |language: &str| {
            advertisement(origin, language);
            format!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"{language}\",LANGUAGE=\"{language}\",AUTOSELECT=YES,URI=\"{language}/index.m3u8\"\n"
            )
        };
        let sound = rendition("en") + &rendition("fr");
        advertisement(origin, "low");
        advertisement(origin, "high");
        let text = format!(
            "#EXTM3U\n{sound}#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=320x180,AUDIO=\"a\"\nlow/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=1280x720,AUDIO=\"a\"\nhigh/index.m3u8\n"
        );
        origin.site().route("/ads/master.m3u8", Resource::new(text));
        a_break(
            "ad",
            4,
            &format!("X-ASSET-URI=\"{}\"", origin.url("/ads/master.m3u8")),
        )
    });
    let taken = || -> Vec<&str> {
        let is_taken = |name: &&str| requests(&origin, &format!("/ads/{name}/segments/1.ts")) > 0;
        ["en", "fr", "low", "high"]
            .into_iter()
            .filter(is_taken)
            .collect()
    };
    let environment = Environment::new();
    environment
        .run([
            "download",
            &url(&origin),
            "--variant",
            "height<=200",
            "--audio",
            "fr",
            "--interstitials",
        ])
        .fine();
    assert_eq!(taken(), ["fr", "low"]);
    // What is asked for later is added, with nothing fetched twice.
    environment
        .run([
            "download",
            &url(&origin),
            "--interstitials",
            "--interstitial-variant",
            "max:height",
            "--interstitial-audio",
            "en",
        ])
        .fine();
    assert_eq!(taken(), ["en", "fr", "low", "high"]);
    assert_eq!(requests(&origin, "/ads/low/segments/1.ts"), 1);
    let serving = Serving::start(&environment);
    let served = crawl(&serving, &serving.asset(&environment.only_id()));
    let (_, index) = served
        .iter()
        .find(|(_, text)| text.contains("TYPE=AUDIO"))
        .unwrap();
    assert_eq!(
        (
            index.matches("TYPE=AUDIO").count(),
            index.matches("STREAM-INF").count()
        ),
        (2, 2),
        "{index}"
    );
}
