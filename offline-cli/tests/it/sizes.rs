//! What `offline probe` and `download --dry-run` say of sizes, and what they ask for that.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::Value;

use crate::environment::Environment;
use crate::stream::{Plain, playlist, segment_path};

const SEGMENT: usize = 5_000;

/// The requests for anything but playlists: method and range.
fn of_media(origin: &Origin) -> Vec<(String, Option<String>)> {
    let requests = origin.site().requests().into_iter();
    let of_media = requests.filter(|request| !request.path.contains(".m3u8"));
    of_media
        .map(|request| (request.method.to_string(), request.range))
        .collect()
}

fn probe(environment: &Environment, url: &str) -> Value {
    environment.run(["probe", "--json", url]).fine().json()
}

/// Segments of equal length under a folder, four seconds each.
fn route_track(site: &Site, folder: &str, count: usize, length: usize) {
    for index in 0..count {
        let path = format!("/{folder}{}", segment_path(index));
        site.route(&path, Resource::new(vec![0x47; length]));
    }
    site.route(
        &format!("/{folder}/media.m3u8"),
        Resource::new(playlist(count)),
    );
}

#[test]
fn sizes_come_from_where_they_are_surest() {
    let site = Site::new();
    for (folder, length) in [("low", 2_000), ("high", 8_000), ("en", 500), ("de", 600)] {
        route_track(&site, folder, 10, length);
    }
    let mut ranges = String::from("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n");
    let mut rated = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-BITRATE:80\n");
    for index in 0..10 {
        writeln!(
            ranges,
            "#EXTINF:4,\n#EXT-X-BYTERANGE:700@{}\nall.ts",
            index * 700
        )
        .unwrap();
        writeln!(rated, "#EXTINF:4,\nsegments/{index}.ts").unwrap();
    }
    for (path, text) in [("/ranges.m3u8", ranges), ("/rated.m3u8", rated)] {
        site.route(path, Resource::new(text + "#EXT-X-ENDLIST\n"));
    }
    let root = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de/media.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\nhigh/media.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=50000,AVERAGE-BANDWIDTH=20000,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\nlow/media.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=40000,AVERAGE-BANDWIDTH=40000\nranges.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=30000\nrated.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=20000\ngone.m3u8\n";
    site.route("/master.m3u8", Resource::new(root));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    let probe = probe(&environment, &url);
    let told = |of: &Value| {
        (
            of["bytes"].as_u64(),
            of["bytes_from"].as_str().map(str::to_owned),
        )
    };
    let known = |bytes: u64, from: &str| (Some(bytes), Some(from.to_owned()));
    let variants: Vec<_> = probe["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    assert_eq!(
        variants,
        [
            // With the audio that it needs.
            known(80_000 + 5_000, "measured"),
            known(20_000 * 40 / 8, "bitrate"),
            known(7_000, "byte_ranges"),
            known(80_000 * 40 / 8, "bitrate"),
            known(20_000 * 40 / 8, "peak_bitrate"),
        ]
    );
    assert_eq!(told(&probe["renditions"][1]), known(6_000, "measured"));
    assert_eq!(told(&probe), known(85_000, "measured"));
    assert!(probe["free"].as_u64().unwrap() > 0);
    assert_eq!(probe["fits"], true);
    let asked = of_media(&origin);
    // Three tracks had to be measured, by eight requests each.
    assert_eq!(asked.len(), 24, "{asked:?}");
    assert!(
        asked.iter().all(|(method, _)| method == "HEAD"),
        "{asked:?}"
    );
    let text = environment.run(["probe", &url]).fine().stdout;
    for expected in [
        "~85.0 kB",
        " 7.0 kB",
        "up to 100.0 kB",
        "a download takes ~85.0 kB (measured), ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let dry = environment.run(["download", "--dry-run", "--json", &url]);
    let dry = dry.fine().json();
    assert_eq!(told(&dry), known(85_000, "measured"));
    assert_eq!(dry["fits"], true);
}

#[test]
fn however_much_there_is_no_more_is_asked_than_is_decent() {
    let site = Site::new();
    let mut root = String::from("#EXTM3U\n");
    for index in 0..60 {
        let folder = format!("v{index}");
        route_track(&site, &folder, 20, SEGMENT);
        write!(
            root,
            "#EXT-X-STREAM-INF:BANDWIDTH={}\n{folder}/media.m3u8\n",
            50_000 - index
        )
        .unwrap();
        for segment in (0..20).filter(|_| index % 2 == 0) {
            let path = format!("/{folder}{}", segment_path(segment));
            site.always(&path, Fault::RefuseHead);
        }
    }
    site.route("/master.m3u8", Resource::new(root));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    let probe = probe(&environment, &url);
    assert_eq!(probe["variants"][0]["bytes"], 20 * SEGMENT);
    assert_eq!(probe["variants"][59]["bytes_from"], "peak_bitrate");
    let asked = of_media(&origin);
    assert!((25..=64).contains(&asked.len()), "{}", asked.len());
    assert!(
        asked
            .iter()
            .all(|(method, range)| method == "HEAD" || range.as_deref() == Some("bytes=0-0")),
        "{asked:?}"
    );
    let playlists = origin.site().requests().len() - asked.len();
    // The root, that of the choice, and 24 more.
    assert_eq!(playlists, 26);
}

#[test]
fn a_server_that_refuses_head_is_asked_for_first_bytes() {
    for fault in [Fault::RefuseHead, Fault::EmptyHead] {
        let plain = Plain::new(30, 20);
        for index in 0..30 {
            plain
                .origin
                .site()
                .always(&segment_path(index), fault.clone());
        }
        let environment = Environment::new();
        let probe = probe(&environment, &plain.url());
        assert_eq!(probe["bytes"], 30 * 20 * 188);
        assert_eq!(probe["bytes_from"], "measured");
        let asked = of_media(&plain.origin);
        assert_eq!(asked.len(), 8, "{asked:?}");
        assert_eq!(asked[0], ("HEAD".to_owned(), None));
        let first_byte = ("GET".to_owned(), Some("bytes=0-0".to_owned()));
        assert!(asked[1..].iter().all(|one| *one == first_byte), "{asked:?}");
    }
}

#[test]
fn servers_that_lie_or_have_nothing_are_not_asked_twice_nor_believed() {
    let plain = Plain::new(6, 20);
    let environment = Environment::new();
    let site = plain.origin.site();
    // More than any segment has, a page to sign in, nothing, an error.
    site.always(&segment_path(0), Fault::AnnounceMore(u64::MAX / 2));
    site.always(&segment_path(1), Fault::Html);
    site.always(&segment_path(2), Fault::Status(404));
    site.always(&segment_path(3), Fault::Reset);
    site.always(&segment_path(4), Fault::Status(404));
    let probe = probe(&environment, &plain.url());
    assert_eq!(probe["bytes"], 6 * 20 * 188);
    assert_eq!(probe["bytes_from"], "measured");
    let asked = of_media(&plain.origin);
    assert!((5..=8).contains(&asked.len()), "{asked:?}");
    site.always(&segment_path(5), Fault::Status(404));
    let said = environment
        .run(["download", "--dry-run", &plain.url()])
        .fine();
    assert!(said.stdout.contains("unknown"), "{}", said.stdout);
}

#[test]
fn a_server_that_hangs_is_not_waited_for() {
    // Connections are taken by the system and never answered.
    let hanging = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = hanging.local_addr().unwrap();
    let site = Site::new();
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for index in 0..30 {
        writeln!(text, "#EXTINF:4,\nhttp://{address}/{index}.ts").unwrap();
    }
    site.route("/media.m3u8", Resource::new(text + "#EXT-X-ENDLIST\n"));
    let root = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=80000\nmedia.m3u8\n";
    site.route("/master.m3u8", Resource::new(root));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let began = Instant::now();
    let probe = probe(&environment, origin.url("/master.m3u8").as_str());
    assert_eq!(probe["bytes_from"], "peak_bitrate");
    assert_eq!(probe["bytes"], 80_000 * 120 / 8);
    // Ten seconds, and much room for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_grows_has_no_size() {
    let site = Site::new();
    let text = playlist(4)
        .replace("#EXT-X-ENDLIST\n", "")
        .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "");
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let probe = probe(&environment, origin.url("/media.m3u8").as_str());
    assert_eq!(probe["live"], true);
    assert_eq!(
        (&probe["bytes"], &probe["fits"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(of_media(&origin), []);
}
