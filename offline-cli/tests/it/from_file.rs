//! Playlists in files, and that nobody but who names one gets at files.

use segment_fetch::testing::{Fault, Resource};

use crate::environment::Environment;
use crate::stream::{Plain, playlist, requests, segment_path};
use crate::verify::{blobs, flip};

/// A playlist of the origin in a file, with absolute addresses.
fn absolute(environment: &Environment, plain: &Plain, count: usize) -> String {
    let text = playlist(count);
    let folder = plain.origin.url("/segments/").to_string();
    let text = text.replace("segments/", &folder);
    std::fs::write(environment.path("film.m3u8"), text).unwrap();
    "film.m3u8".to_owned()
}

fn exported(environment: &Environment, plain: &Plain) {
    let id = environment.only_id();
    environment.run(["export", &id, "-o", "out"]).fine();
    plain.assert_exported(&environment.path("out"));
}

#[test]
fn what_it_names_is_downloaded_and_needs_the_file_no_more() {
    let (environment, plain) = (Environment::new(), Plain::new(4, 30));
    let file = absolute(&environment, &plain, 4);
    let probed = environment.run(["probe", &file, "--json"]).fine().json();
    assert_eq!(probed["segments"], 4);
    plain
        .origin
        .site()
        .always(&segment_path(3), Fault::Status(404));
    environment.run(["download", &file]).refused(4);
    assert_eq!(environment.list()[0]["title"], "film");
    plain.origin.site().always(&segment_path(3), Fault::None);
    std::fs::remove_file(environment.path(&file)).unwrap();
    environment.run(["resume", &environment.only_id()]).fine();
    // Once for its length, once for itself.
    assert_eq!(plain.requests(0), 2);
    flip(&blobs(&environment, 5000)[1], 99);
    environment.run(["verify", "--repair"]).fine();
    exported(&environment, &plain);
}

#[test]
fn it_is_read_again_and_what_has_changed_is_told() {
    let (environment, plain) = (Environment::new(), Plain::new(4, 30));
    let file = absolute(&environment, &plain, 4);
    let url = format!("file://{}", environment.path(&file).display());
    environment.run(["download", &url]).fine();
    environment.run(["download", &file]).fine();
    let text = std::fs::read_to_string(environment.path(&file)).unwrap();
    let other = text.replacen("EXTINF:4", "EXTINF:3", 1);
    std::fs::write(environment.path(&file), other).unwrap();
    let said = environment.run(["download", &file]).refused(3);
    assert!(said.stderr.contains("changed"), "{}", said.stderr);
}

#[test]
fn relative_addresses_need_to_be_told_from_where() {
    let (environment, plain) = (Environment::new(), Plain::new(3, 30));
    std::fs::write(environment.path("media.m3u8"), playlist(3)).unwrap();
    // Not even where there is such a file.
    std::fs::create_dir(environment.path("segments")).unwrap();
    std::fs::write(environment.path(&segment_path(0)[1..]), "secret").unwrap();
    for command in ["download", "download --dry-run", "download --queue"] {
        let words = command.split(' ').chain(["media.m3u8"]);
        if command.ends_with("queue") {
            environment.run(words).fine();
            environment.run(["download"]).code_is(1);
            continue;
        }
        let said = environment.run(words).refused(3);
        assert!(said.stderr.contains("--base-url"), "{}", said.stderr);
        assert!(environment.list().is_empty());
    }
    environment.run(["remove", &environment.only_id()]).fine();
    let base = plain.url();
    environment
        .run(["download", "media.m3u8", "--base-url", &base])
        .fine();
    // It is said once.
    environment.run(["download", "media.m3u8"]).fine();
    exported(&environment, &plain);
    environment
        .run(["download", &base, "--base-url", &base])
        .refused(2);
    environment
        .run(["download", "--live", "media.m3u8"])
        .refused(2);
}

#[test]
fn one_with_variants_leads_to_their_playlists() {
    let (environment, plain) = (Environment::new(), Plain::new(3, 30));
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nmedia.m3u8\n";
    std::fs::write(environment.path("master.m3u8"), text).unwrap();
    environment.run(["probe", "master.m3u8"]).refused(3);
    environment
        .run(["download", "master.m3u8", "--base-url", &plain.url()])
        .fine();
    assert_eq!(requests(&plain.origin, "/media.m3u8"), 1);
    assert_eq!(environment.inspect()["playable_offline"], true);
}

#[test]
fn no_playlist_from_the_network_reaches_a_file() {
    let (environment, plain) = (Environment::new(), Plain::new(2, 30));
    let secret = b"G and then a secret that nobody may read";
    std::fs::write(environment.path("secret.ts"), secret).unwrap();
    let file = |name: &str| format!("file://{}", environment.path(name).display());
    let good = absolute(&environment, &plain, 2);
    let site = plain.origin.site();
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
    let segment = format!("#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n", file("secret.ts"));
    let map = format!(
        "#EXT-X-MAP:URI=\"{}\"\n#EXTINF:4,\nsegments/0.ts\n#EXT-X-ENDLIST\n",
        file("secret.ts")
    );
    let key = format!(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"\n#EXTINF:4,\nsegments/0.ts\n#EXT-X-ENDLIST\n",
        file("secret.ts")
    );
    let variant = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n", file(&good));
    let rendition = format!(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",DEFAULT=YES,URI=\"{}\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nmedia.m3u8\n",
        file(&good)
    );
    let texts = [
        format!("{head}{segment}"),
        format!("{head}{map}"),
        format!("{head}{key}"),
        variant,
        rendition,
    ];
    for (index, text) in texts.into_iter().enumerate() {
        let path = format!("/{index}.m3u8");
        site.route(&path, Resource::new(text));
        let url = plain.origin.url(&path).to_string();
        let said = environment.run(["download", "--allow-gaps", &url]);
        assert!(
            matches!(said.code, 3 | 4),
            "{index}: {} {}",
            said.code,
            said.stderr
        );
        assert!(environment.list().is_empty(), "{index}");
        // Nor through a file that leads to it.
        let outer = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n");
        std::fs::write(environment.path("outer.m3u8"), outer).unwrap();
        let said = environment.run(["download", "outer.m3u8"]);
        assert!(
            matches!(said.code, 3 | 4),
            "{index}: {} {}",
            said.code,
            said.stderr
        );
        assert!(environment.list().is_empty(), "{index}");
    }
    // What is played in between is named by a playlist, too.
    let text = playlist(2).replace(
        "#EXTINF",
        &format!(
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:01Z\",X-ASSET-URI=\"{}\"\n#EXTINF",
            file(&good)
        ),
    );
    site.route("/between.m3u8", Resource::new(text));
    let url = plain.origin.url("/between.m3u8").to_string();
    let said = environment.run(["download", "--interstitials", &url]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    assert_eq!(environment.inspect()["interstitials"][0]["complete"], false);
    for blob in blobs(&environment, 1) {
        let bytes = std::fs::read(blob).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}
