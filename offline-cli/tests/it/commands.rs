//! The commands as people and scripts meet them.

use segment_fetch::testing::{Origin, Resource, Site};

use crate::environment::Environment;
use crate::stream::{Plain, transport_stream};

#[test]
fn choices_are_followed() {
    let origin = multivariant();
    let url = origin.url("/master.m3u8").to_string();
    let tracks = |arguments: &[&str]| {
        let environment = Environment::new();
        let said = environment
            .run([&["download", "--json", &url], arguments].concat())
            .fine();
        let mut tracks: Vec<String> = said.events()[0]["tracks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|track| track.as_str().unwrap().to_owned())
            .collect();
        tracks.sort();
        tracks.join(" ")
    };
    assert_eq!(tracks(&[]), "audio-0 subtitles-2 variant-1");
    assert_eq!(
        tracks(&["--variant", "height<=360"]),
        "audio-0 subtitles-2 variant-0"
    );
    assert_eq!(
        tracks(&["--variant", "height>=2000", "--variant", "max:height"]),
        "audio-0 subtitles-2 variant-1"
    );
    assert_eq!(
        tracks(&["--audio", "de", "--subtitles", "none"]),
        "audio-1 variant-1"
    );
    assert_eq!(
        tracks(&["--audio", "all", "--subtitles", "all"]),
        "audio-0 audio-1 subtitles-2 subtitles-3 variant-1"
    );

    let environment = Environment::new();
    let said = environment.run(["download", &url, "--variant", "hight<=360"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("height"), "{}", said.stderr);
}

#[test]
fn what_was_chosen_is_what_is_offered() {
    let origin = multivariant();
    let environment = Environment::new();
    environment
        .run([
            "download",
            origin.url("/master.m3u8").as_str(),
            "--audio",
            "en,de",
        ])
        .fine();
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true);
    let audio: Vec<&str> = found["media_selection"]["audio"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["language"].as_str().unwrap())
        .collect();
    assert_eq!(audio, ["en", "de"]);
    assert_eq!(
        found["media_selection"]["subtitles"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let complete: Vec<bool> = found["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["complete"].as_bool().unwrap())
        .collect();
    assert_eq!(complete, [false, true, false]);
    assert_eq!(found["missing"].as_array().unwrap().len(), 0);
    assert_eq!(found["policy"]["priority"], "default");
    assert_eq!(found["loaded_time_ranges"], serde_json::json!([[0.0, 8.0]]));

    let folder = environment.path("out");
    environment
        .run([
            "export",
            &environment.only_id(),
            "-o",
            folder.to_str().unwrap(),
            "--json",
        ])
        .fine();
    let index = std::fs::read_to_string(folder.join("index.m3u8")).unwrap();
    assert_eq!(index.matches("#EXT-X-STREAM-INF").count(), 1, "{index}");
    assert_eq!(index.matches("#EXT-X-MEDIA").count(), 3, "{index}");
    assert_eq!(index.matches("DEFAULT=YES").count(), 2, "{index}");
    // Nothing of the origin is left in what a player reads.
    assert!(!index.contains("http"), "{index}");
    let again = environment
        .run([
            "export",
            &environment.only_id(),
            "-o",
            folder.to_str().unwrap(),
        ])
        .refused(2);
    assert!(again.stderr.contains("already there"), "{}", again.stderr);
}

#[test]
fn assets_are_found_by_id_prefix_and_title() {
    let plain = Plain::new(1, 10);
    let environment = Environment::new();
    for id in ["alpha-1", "alpha-2", "beta"] {
        environment
            .run([
                "download",
                &plain.url(),
                "--id",
                id,
                "--title",
                &format!("Title of {id}"),
            ])
            .fine();
    }
    for (wanted, code) in [
        ("beta", 0),
        ("b", 0),
        ("alpha-1", 0),
        ("Title of alpha-2", 0),
        ("alpha", 2),
        ("gamma", 2),
        ("", 2),
    ] {
        assert_eq!(environment.run(["inspect", wanted]).code, code, "{wanted}");
    }
    let said = environment.run(["remove", "alpha"]).refused(2);
    assert!(said.stderr.contains("alpha-1, alpha-2"), "{}", said.stderr);
    let said = environment.run(["remove", "beta", "gamma"]).refused(2);
    assert!(said.stderr.contains("gamma"));
    assert_eq!(
        environment.list().len(),
        3,
        "nothing goes unless everything was found"
    );
}

#[test]
fn policy_decides_what_a_purge_takes() {
    let environment = Environment::new();
    // Origins of different content, so that no bytes are shared.
    for (index, id) in ["first", "second", "third", "kept"].into_iter().enumerate() {
        let site = Site::new();
        site.route(
            "/s.ts",
            Resource::new(transport_stream(index as u64 + 10, 100)),
        );
        site.route(
            "/a.m3u8",
            Resource::new("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns.ts\n#EXT-X-ENDLIST\n"),
        );
        let origin = Origin::serve(site).unwrap();
        environment
            .run(["download", origin.url("/a.m3u8").as_str(), "--id", id])
            .fine();
    }
    environment
        .run(["policy", "first", "--priority", "important"])
        .fine();
    environment
        .run(["policy", "second", "--expires", "2020-01-01"])
        .fine();
    environment
        .run(["policy", "kept", "--pinned", "yes"])
        .fine();
    let shown = environment
        .run(["policy", "second", "--json"])
        .fine()
        .json();
    assert_eq!(shown["expires"], 1_577_836_800);

    let purge = |arguments: &[&str]| {
        environment
            .run([&["purge", "--json"], arguments].concat())
            .json()
    };
    let ids = |purged: &serde_json::Value| -> Vec<String> {
        purged["purged"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&purge(&["--dry-run"])), ["second"]);
    assert_eq!(
        ids(&purge(&["--dry-run", "--max-size", "0"])),
        ["second", "third", "first"]
    );
    assert_eq!(environment.list().len(), 4, "a dry run removes nothing");
    assert_eq!(ids(&purge(&["--max-size", "45kB"])), ["second", "third"]);
    let rest = environment.run(["purge", "--json", "--max-size", "0"]);
    assert_eq!(
        rest.code, 1,
        "what is pinned stays, so the limit is not met"
    );
    let rest = rest.json();
    assert_eq!(ids(&rest), ["first"]);
    assert!(rest["shortfall"].as_u64().unwrap() > 18_000);
    assert_eq!(environment.only_id(), "kept");
}

#[test]
fn removal_frees_the_bytes() {
    let plain = Plain::new(4, 100);
    let environment = Environment::new();
    environment.run(["download", &plain.url()]).fine();
    let bytes = environment.only()["bytes"].as_u64().unwrap();
    let removed = environment
        .run(["remove", "--json", &environment.only_id()])
        .fine()
        .json();
    assert_eq!(removed[0]["freed"].as_u64().unwrap(), bytes);
    assert!(environment.list().is_empty());
    let collected = environment.run(["gc", "--json"]).fine().json();
    assert_eq!(collected["blobs"], 0, "nothing was left behind");
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_hides_no_bad_answer() {
    use std::process::Stdio;
    let origin = Origin::serve(Site::new()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/missing.m3u8").to_string();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut closed = environment.command();
    closed
        .args(["download", "--json", &url])
        .stdout(writer)
        .stderr(Stdio::null());
    assert_eq!(closed.status().unwrap().code(), Some(4));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(
        environment
            .command()
            .arg("list")
            .stdout(writer)
            .status()
            .unwrap()
            .code(),
        Some(0)
    );
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let said = environment
            .command()
            .args(["list", "--json"])
            .stdout(full)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(said.code(), Some(5));
    }
}

#[test]
fn what_is_no_store_is_not_taken_for_an_empty_one() {
    let environment = Environment::new();
    let file = environment.path("file");
    std::fs::write(&file, "hello").unwrap();
    for arguments in [&["list"][..], &["usage"], &["verify"], &["gc"], &["purge"]] {
        let said = crate::environment::said(
            &environment
                .command_on(&file)
                .args(arguments)
                .output()
                .unwrap(),
        );
        said.refused(5);
    }
    environment.run(["verify", "nobody"]).refused(2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "hello");
}

#[test]
fn an_export_touches_nothing_that_is_there() {
    let plain = Plain::new(1, 10);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .fine();
    for name in [".out.unfinished", ".out"] {
        std::fs::create_dir(environment.path(name)).unwrap();
        std::fs::write(environment.path(name).join("mine"), "x").unwrap();
    }
    environment.run(["export", "a", "-o", "out"]).fine();
    environment.run(["export", "a", "-o", ".out"]).refused(2);
    assert!(
        environment.path(".out.unfinished/mine").is_file()
            && environment.path(".out/mine").is_file()
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", environment.path("dangling")).unwrap();
        environment
            .run(["export", "a", "-o", "dangling"])
            .refused(2);
    }
    std::fs::create_dir(environment.path("empty")).unwrap();
    environment.run(["export", "a", "-o", "empty"]).fine();
    let left: Vec<_> = std::fs::read_dir(environment.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("unfinished-")),
        "{left:?}"
    );
}

#[test]
fn usage_adds_up() {
    let (one, other) = (Plain::new(4, 100), Plain::new(6, 100));
    let environment = Environment::new();
    environment
        .run(["download", &one.url(), "--id", "one"])
        .fine();
    environment
        .run(["download", &other.url(), "--id", "other"])
        .fine();
    let used = environment.run(["usage", "--json"]).fine().json();
    let listed = environment.list();
    let sum = |field: &str| {
        listed
            .iter()
            .map(|asset| asset[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(used["logical"].as_u64().unwrap(), sum("bytes"));
    // The first four segments are the same.
    assert_eq!(used["shared"], 4 * 18_800);
    assert_eq!(
        used["stored"].as_u64().unwrap(),
        sum("bytes_exclusive") + 4 * 18_800
    );
    assert_eq!(used["roles"]["segment"], 10 * 18_800);
    assert_eq!(used["partials"], 0);
    let text = environment.run(["usage"]).fine().stdout;
    assert!(
        text.contains("EXCLUSIVE") && text.contains("75.2 kB"),
        "{text}"
    );
}

#[test]
fn titles_from_anywhere_are_safe_to_print() {
    let plain = Plain::new(1, 10);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--title", "a\u{1b}[31mb\u{7}"])
        .fine();
    let text = environment.run(["list"]).fine().stdout;
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{7}'),
        "{text:?}"
    );
}

/// Three variants, two audio languages, two subtitle languages.
pub(crate) fn multivariant() -> Origin {
    let site = Site::new();
    let mut seed = 100;
    for (track, ending) in [
        ("v360", "ts"),
        ("v720", "ts"),
        ("v540", "ts"),
        ("en", "ts"),
        ("de", "ts"),
        ("sen", "vtt"),
        ("sde", "vtt"),
    ] {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        for index in 0..2 {
            seed += 1;
            let body = if ending == "vtt" {
                format!("WEBVTT\n\n{seed}\n").into_bytes()
            } else {
                transport_stream(seed, 20)
            };
            site.route(&format!("/{track}/{index}.{ending}"), Resource::new(body));
            text.push_str(&format!("#EXTINF:4,\n{index}.{ending}\n"));
        }
        text.push_str("#EXT-X-ENDLIST\n");
        site.route(&format!("/{track}/index.m3u8"), Resource::new(text));
    }
    site.route(
        "/master.m3u8",
        Resource::new(
            "#EXTM3U\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"en/index.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,URI=\"de/index.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"sen/index.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,URI=\"sde/index.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"aud\",SUBTITLES=\"sub\"\n\
             v360/index.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2800000,RESOLUTION=1280x720,CODECS=\"avc1.4d401f,mp4a.40.2\",AUDIO=\"aud\",SUBTITLES=\"sub\"\n\
             v720/index.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1400000,RESOLUTION=960x540,CODECS=\"avc1.4d401f,mp4a.40.2\",AUDIO=\"aud\",SUBTITLES=\"sub\"\n\
             v540/index.m3u8\n",
        ),
    );
    Origin::serve(site).unwrap()
}
