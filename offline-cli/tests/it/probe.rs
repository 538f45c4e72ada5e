//! What `offline probe` says.

use segment_fetch::testing::{Origin, Resource, Site};

use crate::commands::multivariant;
use crate::environment::Environment;
use crate::stream::Plain;

#[test]
fn probe_says_what_is_there_and_stores_nothing() {
    let origin = multivariant();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    let probe = environment.run(["probe", "--json", &url]).fine().json();
    assert_eq!(probe["kind"], "multivariant");
    assert_eq!(probe["live"], false);
    assert_eq!(probe["segments"], 2);
    assert_eq!(probe["duration"], 8.0);
    assert_eq!(probe["variants"].as_array().unwrap().len(), 3);
    assert_eq!(probe["variants"][1]["selected"], true);
    assert_eq!(probe["renditions"].as_array().unwrap().len(), 4);
    assert!(probe["diagnostics"].is_array());
    assert!(!environment.store().exists());
    // Lengths were asked for; no media was.
    let requests = origin.site().requests();
    let mut of_media = requests
        .iter()
        .filter(|request| !request.path.contains(".m3u8"));
    assert!(of_media.all(|request| request.method == "HEAD"));
    let text = environment.run(["probe", &url]).fine().stdout;
    assert!(
        text.contains("1280x720") && text.contains("English"),
        "{text}"
    );
}

#[test]
fn a_dry_run_says_what_a_download_takes_and_stores_nothing() {
    let plain = Plain::new(30, 20);
    let environment = Environment::new();
    let estimate = environment.run(["download", "--dry-run", "--json", &plain.url()]);
    let estimate = estimate.fine().json();
    assert_eq!(estimate["duration"], 120.0);
    assert_eq!(estimate["bytes"], 30 * 20 * 188);
    assert_eq!(estimate["tracks"][0]["exact"], false);
    assert!(estimate["free"].as_u64().unwrap() > 0);
    assert!(!environment.store().exists());
    // No more than some lengths were asked for.
    let asked: usize = (0..30).map(|index| plain.requests(index)).sum();
    assert!((1..=8).contains(&asked), "{asked}");
    let said = environment
        .run(["download", "--dry-run", &plain.url()])
        .fine();
    assert!(said.stdout.contains("~112.8 kB"), "{}", said.stdout);

    let site = Site::new();
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-VERSION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:1000@0\nall.ts\n\
                #EXTINF:4,\n#EXT-X-BYTERANGE:500\nall.ts\n#EXT-X-ENDLIST\n";
    site.route("/ranges.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let url = origin.url("/ranges.m3u8").to_string();
    let estimate = environment.run(["download", "--dry-run", "--json", &url]);
    let estimate = estimate.fine().json();
    assert_eq!(estimate["bytes"], 1500);
    assert_eq!(estimate["tracks"][0]["exact"], true);
    // What is gone has no length, which is no reason to fail.
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ngone.ts\n#EXT-X-ENDLIST\n";
    origin.site().route("/gone.m3u8", Resource::new(text));
    let url = origin.url("/gone.m3u8").to_string();
    let said = environment.run(["download", "--dry-run", &url]).fine();
    assert!(said.stdout.contains("unknown"), "{}", said.stdout);
}

#[test]
fn probe_says_what_is_wrong_and_how_to_put_it_right() {
    let site = Site::new();
    let media = |target: u32| {
        Resource::new(format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXTINF:4.5\na.ts\n#EXT-X-ENDLIST\n"
        ))
    };
    site.route("/v.m3u8", media(4));
    site.route("/a.m3u8", media(5));
    let stray = "stray.m3u8\n".repeat(300);
    let root = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-VERSION:3\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\",DEFAULT=YES,URI=\"a.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\nv.m3u8\n{stray}"
    );
    site.route("/master", Resource::new(root));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master").to_string();
    let probe = environment.run(["probe", "--json", &url]).fine().json();
    let found = probe["diagnostics"].as_array().unwrap();
    let rules: Vec<(&str, &str)> = found
        .iter()
        .map(|found| {
            (
                found["playlist"].as_str().unwrap(),
                found["rule"].as_str().unwrap(),
            )
        })
        .collect();
    // What strict clients refuse comes first.
    assert_eq!(rules[0], ("root", "HLS017"));
    assert_eq!(
        (&found[0]["forgiven"], &found[0]["line"]),
        (&true.into(), &3.into())
    );
    assert_eq!(found[0]["fix"]["replacement"], "");
    // The file type, the version, and target durations that differ.
    for expected in [
        ("root", "HLS007"),
        ("variant-0", "HLS024"),
        ("audio-0", "HLS113"),
    ] {
        assert!(rules.contains(&expected), "{expected:?} in {rules:?}");
    }
    assert_eq!(found.len(), 200);
    assert!(probe["diagnostics_left_out"].as_u64().unwrap() > 100);
    assert_eq!(probe["notes"], serde_json::json!([]));
    let text = environment.run(["probe", &url]).fine().stdout;
    let rows = text.lines().filter(|line| line.contains("HLS")).count();
    assert_eq!(rows, 20, "{text}");
    assert!(
        text.contains("forgiven") && text.contains("remove"),
        "{text}"
    );
    assert!(text.contains("more findings; --json shows 200"), "{text}");
}
