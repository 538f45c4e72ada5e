//! Bad input of every kind: one line that says what and what to do, the right exit code, nothing left in `list`.

use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::environment::Environment;
use crate::stream::{Plain, playlist, transport_stream};

/// Serves one text as a playlist, downloads it, and expects to be refused.
fn refuse(text: &str, code: i32, needles: &[&str]) {
    let site = Site::new();
    site.route("/a.m3u8", Resource::new(text.to_owned()));
    site.route("/s.ts", Resource::new(transport_stream(1, 10)));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let said = environment
        .run(["download", origin.url("/a.m3u8").as_str()])
        .refused(code);
    for needle in needles {
        assert!(
            said.stderr.contains(needle),
            "`{needle}` is not in: {}",
            said.stderr
        );
    }
    assert!(environment.list().is_empty(), "{:?}", environment.list());
    assert!(
        !origin
            .site()
            .requests()
            .iter()
            .any(|request| request.path == "/s.ts"),
        "media was asked for"
    );
}

#[test]
fn what_is_no_playlist_is_refused() {
    refuse("hello", 3, &["#EXTM3U", "hint: "]);
    refuse("", 3, &["hint: "]);
    refuse(
        "<!DOCTYPE html><html><body>please log in</body></html>",
        3,
        &["HTML", "login"],
    );
}

#[test]
fn a_live_playlist_is_refused_by_name() {
    refuse(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns.ts\n",
        3,
        &["live", "EXT-X-ENDLIST", "hint: "],
    );
}

#[test]
fn a_cut_playlist_is_refused() {
    let whole = playlist(5);
    // It says VOD but has no EXT-X-ENDLIST: in the middle of a line, and at the end of one.
    refuse(
        &whole[..whole.len() - 40],
        3,
        &["EXT-X-ENDLIST", "cut", "--treat-as-vod"],
    );
    refuse(
        whole.strip_suffix("#EXT-X-ENDLIST\n").unwrap(),
        3,
        &["EXT-X-ENDLIST", "cut"],
    );

    let site = Site::new();
    site.route("/a.m3u8", Resource::new(playlist(5)));
    site.always("/a.m3u8", Fault::Cut(60));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let said = environment
        .run(["download", origin.url("/a.m3u8").as_str()])
        .refused(4);
    assert!(said.stderr.contains("a.m3u8"), "{}", said.stderr);
    assert!(environment.list().is_empty());
}

#[test]
fn a_download_of_which_nothing_came_leaves_nothing() {
    let site = Site::new();
    site.route("/a.m3u8", Resource::new(playlist(3)));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let said = environment
        .run(["download", origin.url("/a.m3u8").as_str()])
        .refused(4);
    assert!(said.stderr.contains("404"), "{}", said.stderr);
    assert!(environment.list().is_empty());
    let used = environment.run(["usage", "--json"]).fine().json();
    assert_eq!((&used["stored"], &used["partials"]), (&0.into(), &0.into()));
}

#[test]
fn who_knows_better_takes_an_unended_playlist_as_it_is() {
    let plain = Plain::new(3, 20);
    for text in [
        playlist(3).replace("#EXT-X-ENDLIST\n", ""),
        playlist(3)
            .replace("#EXT-X-ENDLIST\n", "")
            .replace("#EXT-X-PLAYLIST-TYPE:VOD\n", ""),
    ] {
        plain
            .origin
            .site()
            .route("/media.m3u8", Resource::new(text));
        let environment = Environment::new();
        environment.run(["download", &plain.url()]).refused(3);
        environment
            .run(["download", &plain.url(), "--treat-as-vod"])
            .fine();
        environment
            .run(["export", &environment.only_id(), "-o", "out"])
            .fine();
        let exported = std::fs::read_to_string(environment.path("out/media/index.m3u8")).unwrap();
        assert!(exported.contains("#EXT-X-ENDLIST"), "{exported}");
    }
}

#[test]
fn protected_content_is_refused_before_the_first_segment() {
    let protected = |format: &str| {
        format!(
            "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://key\",KEYFORMAT=\"{format}\"\n\
             #EXTINF:4,\ns.ts\n#EXT-X-ENDLIST\n"
        )
    };
    refuse(
        &protected("com.apple.streamingkeydelivery"),
        3,
        &["protected", "FairPlay", "hint: "],
    );
    refuse(
        &protected("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"),
        3,
        &["protected", "Widevine"],
    );
    refuse(
        &protected("com.example.unheard-of"),
        3,
        &["protected", "com.example.unheard-of"],
    );
}

#[test]
fn what_cannot_be_resolved_is_refused() {
    refuse(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST\n",
        3,
        &["no segments"],
    );
    refuse(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{$missing}/s.ts\n#EXT-X-ENDLIST\n",
        3,
        &["missing"],
    );
    refuse(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:10\ns.ts\n#EXT-X-ENDLIST\n",
        3,
        &["line 4"],
    );
}

#[test]
fn a_playlist_that_leads_to_files_or_other_schemes_is_refused() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let site = Site::new();
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{}\n#EXT-X-ENDLIST\n",
        secret.path().display()
    );
    site.route("/a.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let said = environment
        .run(["download", origin.url("/a.m3u8").as_str()])
        .refused(3);
    assert!(!said.stderr.contains("secret"));
    assert!(environment.list().is_empty());
}

#[test]
fn an_address_that_is_not_there_says_so() {
    let origin = Origin::serve(Site::new()).unwrap();
    let environment = Environment::new();
    let said = environment
        .run(["download", origin.url("/missing.m3u8?token=hush").as_str()])
        .refused(4);
    assert!(
        said.stderr.contains("404") && said.stderr.contains("/missing.m3u8"),
        "{}",
        said.stderr
    );
    assert!(
        !said.stderr.contains("hush"),
        "a token was printed: {}",
        said.stderr
    );
    assert!(environment.list().is_empty());

    let site = Site::new();
    site.always("/a.m3u8", Fault::Status(403));
    let origin = Origin::serve(site).unwrap();
    let said = environment
        .run(["download", origin.url("/a.m3u8").as_str()])
        .refused(4);
    assert!(said.stderr.contains("expired"), "{}", said.stderr);
}

#[test]
fn what_is_no_address_is_a_usage_error() {
    let environment = Environment::new();
    for wrong in [
        "media.m3u8",
        "ftp://h/a.m3u8",
        "file:///nowhere/film.m3u8",
        "",
    ] {
        let said = environment.run(["download", wrong]);
        assert_eq!(said.code, 2, "{wrong}: {}", said.stderr);
    }
    assert!(
        !environment.store().exists(),
        "a store was made for nothing"
    );
}

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let plain = Plain::new(1, 10);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    let format = environment.store().join("FORMAT");
    let text = std::fs::read_to_string(&format).unwrap();
    let newer = text.replacen('1', "999", 1);
    assert_ne!(text, newer);
    make_writable(&format);
    std::fs::write(&format, newer).unwrap();
    for arguments in [
        vec!["list"],
        vec!["download", "http://127.0.0.1:9/a.m3u8"],
        vec!["gc"],
    ] {
        let said = environment.run(&arguments).refused(5);
        assert!(said.stderr.contains("newer"), "{}", said.stderr);
    }
}

#[test]
fn who_asks_creates_nothing() {
    let environment = Environment::new();
    assert_eq!(
        environment.run(["list", "--json"]).fine().stdout.trim(),
        "[]"
    );
    environment.run(["gc"]).fine();
    environment.run(["verify"]).fine();
    environment.run(["purge"]).fine();
    environment.run(["inspect", "x"]).refused(2);
    environment.run(["serve"]).refused(2);
    assert!(!environment.store().exists());
}

pub(crate) fn make_writable(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn limits_of_the_network_are_numbers_above_zero() {
    let environment = Environment::new();
    for wrong in [
        ["--parallel", "0"],
        ["--parallel", "many"],
        ["--limit-rate", "0"],
        ["--limit-rate", "fast"],
    ] {
        let download = ["download", "http://origin.test/a.m3u8"];
        environment
            .run(download.into_iter().chain(wrong))
            .refused(2);
    }
    assert!(!environment.store().exists());
}
