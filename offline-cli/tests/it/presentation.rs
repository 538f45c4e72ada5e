//! Presentations that are legal and trip up whoever thinks of one rendition, one address, one signature.

use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::commands::multivariant;
use crate::environment::Environment;
use crate::stream::{Plain, encrypt, playlist, requests, segment_path, transport_stream};

/// Media Playlists of two segments each, under their names.
pub(crate) fn site(tracks: &[&str]) -> Site {
    let site = Site::new();
    for (number, track) in tracks.iter().enumerate() {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        for index in 0..2 {
            let seed = (number * 10 + index) as u64 + 1;
            site.route(
                &format!("/{track}/{index}.ts"),
                Resource::new(transport_stream(seed, 20)),
            );
            text.push_str(&format!("#EXTINF:4,\n{index}.ts\n"));
        }
        text.push_str("#EXT-X-ENDLIST\n");
        site.route(&format!("/{track}/index.m3u8"), Resource::new(text));
    }
    site
}

fn media(kind: &str, group: &str, name: &str, language: &str, uri: &str) -> String {
    format!(
        "#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\",NAME=\"{name}\",LANGUAGE=\"{language}\",AUTOSELECT=YES,URI=\"{uri}/index.m3u8\"\n"
    )
}

/// Downloads, and returns what is offered after an export.
fn exported(site: Site, multivariant: &str, arguments: &[&str]) -> (serde_json::Value, String) {
    site.route(
        "/master.m3u8",
        Resource::new(format!("#EXTM3U\n{multivariant}")),
    );
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    environment
        .run([&["download", &url], arguments].concat())
        .fine();
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    environment
        .run(["export", &environment.only_id(), "-o", "out"])
        .fine();
    (
        found,
        std::fs::read_to_string(environment.path("out/index.m3u8")).unwrap(),
    )
}

pub(crate) fn languages(found: &serde_json::Value, kind: &str) -> Vec<String> {
    let options = found["media_selection"][kind].as_array().unwrap();
    options
        .iter()
        .map(|option| option["language"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_rendition_may_share_its_playlist_with_a_variant() {
    let text = media("AUDIO", "a", "English", "en", "sound")
        + "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,AUDIO=\"a\"\npicture/index.m3u8\n\
           #EXT-X-STREAM-INF:BANDWIDTH=60000,AUDIO=\"a\"\nsound/index.m3u8\n";
    let (found, index) = exported(site(&["picture", "sound"]), &text, &[]);
    assert_eq!(languages(&found, "audio"), ["en"]);
    assert_eq!(index.matches("#EXT-X-STREAM-INF").count(), 2, "{index}");
}

#[test]
fn groups_may_share_renditions() {
    let text = media("AUDIO", "low", "English", "en", "sound")
        + &media("AUDIO", "high", "English", "en", "sound")
        + &media("SUBTITLES", "s1", "Deutsch", "de", "words")
        + &media("SUBTITLES", "s2", "Deutsch", "de", "words")
        + "#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO=\"low\",SUBTITLES=\"s1\"\npicture/index.m3u8\n\
           #EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"high\",SUBTITLES=\"s2\"\nbetter/index.m3u8\n";
    let (found, index) = exported(site(&["picture", "better", "sound", "words"]), &text, &[]);
    assert_eq!(
        (languages(&found, "audio"), languages(&found, "subtitles")),
        (vec!["en".into()], vec!["de".into()])
    );
    assert!(
        index.contains("AUDIO=\"high\"") && index.contains("SUBTITLES=\"s2\""),
        "{index}"
    );
}

#[test]
fn two_names_of_a_group_may_share_a_playlist() {
    let text = media("AUDIO", "a", "English", "en", "sound")
        + &media("AUDIO", "a", "American", "en-US", "sound")
        + "#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"\npicture/index.m3u8\n";
    let (found, index) = exported(site(&["picture", "sound"]), &text, &["--audio", "en-US"]);
    assert_eq!(languages(&found, "audio"), ["en", "en-US"]);
    assert_eq!(index.matches("TYPE=AUDIO").count(), 2, "{index}");
}

#[test]
fn who_wants_no_audio_gets_a_picture_that_plays() {
    let text = media("AUDIO", "a", "English", "en", "sound")
        + "#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\npicture/index.m3u8\n";
    let (found, index) = exported(site(&["picture", "sound"]), &text, &["--audio", "none"]);
    assert!(languages(&found, "audio").is_empty());
    assert!(
        !index.contains("AUDIO") && !index.contains("mp4a"),
        "{index}"
    );
}

#[test]
fn what_looks_like_a_signature_may_tell_segments_apart() {
    // The scripted origin routes by path, so the bytes that come tell nothing: the requests do.
    let site = Site::new();
    site.route("/get", Resource::new(transport_stream(1, 20)));
    site.route("/key", Resource::new(vec![7; 16]));
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for index in 0..4 {
        text.push_str(&format!(
            "#EXTINF:4,\nget?token={index}\n#EXTINF:4,\nget?st={index}&e={}\n",
            index + 4
        ));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/media.m3u8").as_str()])
        .fine();
    assert_eq!(requests(&origin, "/get"), 8);
    environment
        .run(["download", origin.url("/media.m3u8").as_str()])
        .fine();
    assert_eq!(requests(&origin, "/get"), 8);
}

#[test]
fn a_changed_multivariant_playlist_is_not_mixed_up() {
    let variants = |order: [&str; 2]| {
        let of = |name: &str| match name {
            "low" => "#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=160x90\nlow/index.m3u8\n",
            _ => "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\nhigh/index.m3u8\n",
        };
        format!("#EXTM3U\n{}{}", of(order[0]), of(order[1]))
    };
    let site = site(&["low", "high"]);
    site.route("/master.m3u8", Resource::new(variants(["low", "high"])));
    site.always("/high/1.ts", Fault::Status(404));
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    environment.run(["download", &url]).refused(4);
    site.always("/high/1.ts", Fault::None);
    site.route("/master.m3u8", Resource::new(variants(["high", "low"])));
    let said = environment.run(["download", &url]).refused(3);
    assert!(said.stderr.contains("changed"), "{}", said.stderr);
    // A comment more, or another signature, is the same presentation.
    site.route(
        "/master.m3u8",
        Resource::new(variants(["low", "high"]) + "# comment\n"),
    );
    environment.run(["download", &url]).fine();
}

/// A playlist of AES-128 segments whose key the server hands out wrongly.
fn encrypted(key: [u8; 16], handed_out: Vec<u8>) -> Site {
    let site = Site::new();
    let mut text =
        String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n");
    for index in 0..3_u64 {
        let iv = u128::from(index).to_be_bytes();
        site.route(
            &segment_path(usize::try_from(index).unwrap()),
            Resource::new(encrypt(&transport_stream(index, 20), key, iv)),
        );
        text.push_str(&format!("#EXTINF:4,\nsegments/{index}.ts\n"));
    }
    site.route("/key", Resource::new(handed_out));
    site.route("/media.m3u8", Resource::new(text + "#EXT-X-ENDLIST\n"));
    site
}

#[test]
fn a_wrong_key_is_noticed_before_the_download_is_called_complete() {
    let site = encrypted([1; 16], vec![2; 16]);
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    let said = environment.run(["download", &url]).refused(3);
    assert!(said.stderr.contains("key"), "{}", said.stderr);
    assert_eq!(environment.inspect()["playable_offline"], false);
    assert_eq!(
        requests(&origin, "/key"),
        2,
        "the key is asked for once more"
    );
    assert_eq!(
        requests(&origin, &segment_path(0)),
        1,
        "the segments are kept: the key is at fault"
    );
    site.route("/key", Resource::new(vec![1; 16]));
    environment.run(["download", &url]).fine();
    assert_eq!(environment.inspect()["playable_offline"], true);
    assert_eq!(requests(&origin, &segment_path(0)), 1);
}

#[test]
fn a_damaged_encrypted_segment_is_fetched_once_more() {
    let site = encrypted([1; 16], vec![1; 16]);
    let right = encrypt(&transport_stream(1, 20), [1; 16], 1_u128.to_be_bytes());
    let mut wrong = right.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 0xff;
    site.route(&segment_path(1), Resource::new(wrong));
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).refused(3);
    assert_eq!(requests(&origin, &segment_path(1)), 2);
    assert_eq!(
        environment.inspect()["missing"].as_array().unwrap().len(),
        1
    );
    site.route(&segment_path(1), Resource::new(right));
    environment.run(["download", &url]).fine();
    assert_eq!(requests(&origin, &segment_path(0)), 1);
}

#[test]
fn what_is_no_media_is_not_stored_as_such() {
    for content in [
        &b""[..],
        b"{\"error\":\"quota exceeded\"}",
        b"\x1f\x8b\x08\x00 gzip that nobody announced",
    ] {
        let site = Site::new();
        site.route("/media.m3u8", Resource::new(playlist(2)));
        site.route(&segment_path(0), Resource::new(transport_stream(1, 20)));
        site.route(&segment_path(1), Resource::new(content.to_vec()));
        let origin = Origin::serve(site).unwrap();
        let environment = Environment::new();
        let said = environment.run(["download", origin.url("/media.m3u8").as_str()]);
        assert_ne!(said.code, 0, "{content:?}");
        assert_eq!(environment.inspect()["playable_offline"], false);
    }
}

#[test]
fn expired_addresses_are_read_anew() {
    // So far behind the first that both are never in flight together.
    let (count, expired) = (30, 25);
    let site = Site::new();
    for index in 0..count {
        site.route(
            &segment_path(index),
            Resource::new(transport_stream(index as u64, 20)),
        );
    }
    site.route("/media.m3u8", Resource::new(playlist(count)));
    site.script(&segment_path(expired), [Fault::Status(403)]);
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).fine();
    assert_eq!(requests(&origin, "/media.m3u8"), 2);
    assert_eq!(requests(&origin, &segment_path(0)), 1);

    // What stays refused is a hole, or the end.
    site.always(&segment_path(expired), Fault::Status(403));
    let environment = Environment::new();
    let said = environment.run(["download", &url]).refused(4);
    assert!(said.stderr.contains("25.ts"), "{}", said.stderr);
    let said = environment.run(["download", &url, "--allow-gaps"]);
    assert_eq!(said.code, 1, "{}", said.stderr);
}

#[test]
fn thousands_of_uses_of_one_resource_do_not_hold_up_the_download() {
    let site = Site::new();
    site.route("/s.ts", Resource::new(transport_stream(1, 20)));
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n{}#EXT-X-ENDLIST\n",
        "#EXTINF:4,\ns.ts\n".repeat(3000)
    );
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/media.m3u8").as_str()])
        .fine();
    assert_eq!(requests(&origin, "/s.ts"), 1);
    assert_eq!(
        environment.inspect()["variants"][0]["segments_present"],
        3000
    );
}

#[test]
fn methods_and_addresses_that_cannot_be_kept_are_refused_first() {
    for (line, needle) in [
        ("#EXT-X-KEY:METHOD=AES-256,URI=\"key\"", "METHOD=AES-256"),
        (
            "#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"key\"",
            "METHOD=AES-256-GCM",
        ),
        (
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXT-X-MAP:URI=\"init.mp4\"",
            "EXT-X-MAP",
        ),
        ("#EXT-X-GAP", "gaps"),
        ("#EXT-X-BYTERANGE:0@10", "byte range"),
    ] {
        let site = Site::new();
        let text = format!(
            "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:4\n{line}\n#EXTINF:4,\ns.ts\n#EXT-X-ENDLIST\n"
        );
        site.route("/media.m3u8", Resource::new(text));
        let origin = Origin::serve(site).unwrap();
        let environment = Environment::new();
        let said = environment
            .run(["download", origin.url("/media.m3u8").as_str()])
            .refused(3);
        assert!(said.stderr.contains(needle), "{line}: {}", said.stderr);
        assert!(environment.list().is_empty());
        assert_eq!(origin.site().requests().len(), 1, "{line}");
    }
}

#[test]
fn chapters_and_markers_stay_and_advertisements_go() {
    let site = Site::new();
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
         #EXT-X-DATERANGE:ID=\"intro\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=4,X-TITLE=\"Intro\"\n\
         #EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:04Z\",X-ASSET-URI=\"https://ads.example.com/1.m3u8\"\n",
    );
    for index in 0..2 {
        site.route(
            &format!("/{index}.ts"),
            Resource::new(transport_stream(index + 1, 20)),
        );
        text.push_str(&format!("#EXT-X-CUE-OUT:{index}\n#EXTINF:4,\n{index}.ts\n"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/media.m3u8").as_str()])
        .fine();
    environment
        .run(["export", &environment.only_id(), "-o", "out"])
        .fine();
    let local = std::fs::read_to_string(environment.path("out/media/index.m3u8")).unwrap();
    assert!(
        local.contains(
            "#EXT-X-DATERANGE:ID=\"intro\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=4,X-TITLE=\"Intro\"\n"
        ),
        "{local}"
    );
    assert!(local.contains("#EXT-X-CUE-OUT:1\n#EXTINF:4,\n"), "{local}");
    assert!(!local.contains("ads.example.com"), "{local}");
}

#[test]
fn what_another_asset_has_is_not_fetched_again() {
    let origin = multivariant();
    let url = origin.url("/master.m3u8").to_string();
    let asked = |path: &str| requests(&origin, path);
    let environment = Environment::new();
    environment.run(["download", "--id", "one", &url]).fine();
    environment
        .run(["download", "--id", "two", "--audio", "en,de", &url])
        .fine();
    for track in ["v720", "en", "de"] {
        for index in 0..2 {
            assert_eq!(asked(&format!("/{track}/{index}.ts")), 1, "{track}");
        }
    }
    // Nor what the same asset lacks and another one has.
    environment
        .run(["download", "--id", "one", "--audio", "de", &url])
        .fine();
    assert_eq!(asked("/de/0.ts"), 1);
    environment.run(["remove", "two"]).fine();
    environment.run(["verify", "one"]).fine();
    let inspected = environment.inspect();
    assert_eq!(inspected["playable_offline"], true);
    assert_eq!(
        inspected["media_selection"]["audio"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // A language that nobody has is all that is fetched.
    environment
        .run(["download", "--id", "one", "--subtitles", "de", &url])
        .fine();
    assert_eq!((asked("/v720/0.ts"), asked("/sde/0.vtt")), (1, 1));
}

#[test]
fn another_film_under_the_same_addresses_is_fetched() {
    let before = Plain::new(4, 20);
    let environment = Environment::new();
    environment
        .run(["download", "--id", "one", &before.url()])
        .fine();
    let site = before.origin.site();
    let segments: Vec<Vec<u8>> = (0..4).map(|seed| transport_stream(seed + 50, 20)).collect();
    for (index, segment) in segments.iter().enumerate() {
        site.route(&segment_path(index), Resource::new(segment.clone()));
    }
    let text = playlist(4).replace("EXTINF:4,", "EXTINF:3.5,");
    site.route("/media.m3u8", Resource::new(text));
    environment
        .run(["download", "--id", "two", &before.url()])
        .fine();
    let folder = environment.path("out");
    environment
        .run(["export", "two", "-o", folder.to_str().unwrap()])
        .fine();
    for (index, segment) in segments.iter().enumerate() {
        let path = folder.join(format!("media/segment-{index:08}.ts"));
        assert!(std::fs::read(path).unwrap() == *segment, "segment {index}");
    }
}
