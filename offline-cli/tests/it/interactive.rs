//! What is chosen by answering at a terminal, and that the same can be said.

use segment_fetch::testing::{Origin, Resource, Site};
use serde_json::Value;

use crate::environment::Environment;
use crate::stream::{playlist, segment_path, transport_stream};
use crate::terminal::{Terminal, count};

/// Two variants of one height and one below, three languages, subtitles in two.
fn stream() -> Origin {
    let site = Site::new();
    for (seed, folder) in [
        "high",
        "same",
        "low",
        "en",
        "described",
        "de",
        "fr",
        "en-text",
        "de-text",
    ]
    .into_iter()
    .enumerate()
    {
        let extension = if folder.ends_with("text") {
            "vtt"
        } else {
            "ts"
        };
        let bytes = match extension {
            "vtt" => b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n".to_vec(),
            _ => transport_stream(seed as u64 + 1, 10),
        };
        for index in 0..2 {
            let path = segment_path(index).replace(".ts", &format!(".{extension}"));
            site.route(&format!("/{folder}{path}"), Resource::new(bytes.clone()));
        }
        let text = playlist(2).replace(".ts", &format!(".{extension}"));
        site.route(&format!("/{folder}/media.m3u8"), Resource::new(text));
    }
    let root = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"en/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Narrated\",LANGUAGE=\"en\",CHARACTERISTICS=\"public.accessibility.describes-video\",URI=\"described/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Français\",LANGUAGE=\"fr\",URI=\"fr/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"en-text/media.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de-text/media.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\",AUDIO=\"a\",SUBTITLES=\"s\"\nhigh/media.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1920x1080,CODECS=\"hvc1.1.6.L120,mp4a.40.2\",AUDIO=\"a\",SUBTITLES=\"s\"\nsame/media.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\",SUBTITLES=\"s\"\nlow/media.m3u8\n";
    site.route("/master.m3u8", Resource::new(root));
    Origin::serve(site).unwrap()
}

fn url(origin: &Origin) -> String {
    origin.url("/master.m3u8").to_string()
}

/// Waits for a question with what would be chosen anyway, and answers.
fn answer(terminal: &Terminal, what: &str, default: &str, keys: &[&str]) -> Vec<String> {
    let end = format!("[{default}]:");
    let lines = terminal.wait(&format!("the question for {what}"), |lines| {
        let last = lines.iter().rfind(|line| !line.is_empty());
        last.is_some_and(|line| {
            line.starts_with(&format!("Which {what}")) && line.trim_end().ends_with(&end)
        })
    });
    terminal.tell(&[&["send-keys"], keys].concat());
    lines
}

fn ended(terminal: &Terminal) -> Vec<String> {
    terminal.wait("the end", |lines| count(lines, "exit ") == 1)
}

/// What is stored: heights, audio and subtitles.
fn stored(environment: &Environment) -> Value {
    let inspected = environment.inspect();
    let names = |kind: &str| {
        let options = inspected["media_selection"][kind].as_array().unwrap();
        let names = options.iter().map(|one| one["name"].clone());
        names.collect::<Vec<_>>()
    };
    let variants = inspected["variants"].as_array().unwrap().iter();
    let complete = variants.filter(|variant| variant["complete"] == true);
    let bandwidths: Vec<_> = complete.map(|one| one["bandwidth"].clone()).collect();
    serde_json::json!([bandwidths, names("audio"), names("subtitles")])
}

#[test]
fn what_is_answered_is_taken_and_said() {
    let (origin, environment) = (stream(), Environment::new());
    let url = url(&origin);
    let Some(terminal) = Terminal::run(&environment, 200, &["download", &url, "-i"]) else {
        return;
    };
    let lines = answer(&terminal, "variants", "1", &["4", "Enter"]);
    let text = lines.join("\n");
    for shown in ["1920x1080", "640x360", "5000 kbit/s", "hvc1.1.6.L120"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    // What is not in the list is asked for again, and why is said.
    terminal.wait("a hint", |lines| {
        count(lines, "`4` is not in the list; type 1 to 3") == 1
    });
    answer(&terminal, "variants", "1", &["3,2", "Enter"]);
    let lines = answer(&terminal, "audio languages", "1", &["de,1", "Enter"]);
    let text = lines.join("\n");
    assert!(
        text.contains("English (en); Narrated (en), describes-video"),
        "{text}"
    );
    assert!(text.contains("Français (fr)"), "{text}");
    answer(&terminal, "subtitle languages", "none", &["2", "Enter"]);
    let lines = ended(&terminal);
    assert_eq!(count(&lines, "exit 0"), 1, "{lines:?}");
    let chosen = stored(&environment);
    let expected = serde_json::json!([
        [3_000_000, 900_000],
        ["English", "Narrated", "Deutsch"],
        ["Deutsch"]
    ]);
    assert_eq!(chosen, expected, "{lines:?}");
    // What is said is a command line that takes the same.
    let said = lines
        .iter()
        .find_map(|line| line.trim().strip_prefix("offline --store "))
        .unwrap();
    let (_, said) = said.split_once(' ').unwrap();
    assert!(!said.contains(" -i"), "{said}");
    assert!(said.contains("--audio de,en --subtitles de"), "{said}");
    let other = Environment::new();
    let mut shell = std::process::Command::new("sh");
    let tool = env!("CARGO_BIN_EXE_offline");
    let store = other.store();
    shell
        .args([
            "-c",
            &format!("exec {tool} --store {} {said}", store.display()),
        ])
        .env("OFFLINE_CONFIG", "");
    crate::environment::said(&shell.output().unwrap()).fine();
    assert_eq!(stored(&other), expected);
}

#[test]
fn nothing_typed_is_what_is_taken_anyway_and_what_is_said_is_not_asked() {
    let (origin, environment) = (stream(), Environment::new());
    let url = url(&origin);
    let arguments = ["download", &url, "-i", "--audio", "fr"];
    let Some(terminal) = Terminal::run(&environment, 200, &arguments) else {
        return;
    };
    answer(&terminal, "variants", "1", &["Enter"]);
    answer(&terminal, "subtitle languages", "none", &["Enter"]);
    let lines = ended(&terminal);
    assert_eq!(count(&lines, "exit 0"), 1, "{lines:?}");
    assert_eq!(count(&lines, "the same without"), 0, "{lines:?}");
    let expected = serde_json::json!([[5_000_000], ["Français"], []]);
    assert_eq!(stored(&environment), expected);
}

#[test]
fn all_is_every_variant_and_every_language() {
    let (origin, environment) = (stream(), Environment::new());
    let url = url(&origin);
    let Some(terminal) = Terminal::run(&environment, 200, &["download", &url, "-i", "--dry-run"])
    else {
        return;
    };
    answer(&terminal, "variants", "1", &["all", "Enter"]);
    answer(&terminal, "audio languages", "1", &["all", "Enter"]);
    answer(&terminal, "subtitle languages", "none", &["none", "Enter"]);
    let lines = ended(&terminal);
    assert_eq!(count(&lines, "exit 0"), 1, "{lines:?}");
    assert_eq!(count(&lines, "variant-"), 3, "{lines:?}");
    assert_eq!(count(&lines, "audio-"), 4, "{lines:?}");
    assert_eq!(count(&lines, "subtitles-"), 0, "{lines:?}");
    assert!(!environment.store().exists());
}

#[test]
fn whoever_leaves_while_being_asked_leaves_nothing_behind() {
    let origin = stream();
    for key in ["C-d", "C-c"] {
        let environment = Environment::new();
        let Some(terminal) = Terminal::run(&environment, 80, &["download", &url(&origin), "-i"])
        else {
            return;
        };
        answer(&terminal, "variants", "1", &["2", "Enter"]);
        answer(&terminal, "audio languages", "1", &[key]);
        let lines = ended(&terminal);
        assert_eq!(count(&lines, "exit 130"), 1, "{key}: {lines:?}");
        let said = "cancelled: nothing was chosen, and nothing has changed";
        assert_eq!(count(&lines, said), 1, "{key}: {lines:?}");
        assert!(!environment.store().exists(), "{key}");
    }
}

#[test]
fn thousands_of_variants_are_not_listed() {
    let (origin, environment) = (stream(), Environment::new());
    let mut root = "#EXTM3U\n".to_owned();
    for rate in 1..=3000 {
        root += &format!("#EXT-X-STREAM-INF:BANDWIDTH={rate}000\nhigh/media.m3u8\n");
    }
    origin.site().route("/master.m3u8", Resource::new(root));
    let url = url(&origin);
    let Some(terminal) = Terminal::run(&environment, 200, &["download", &url, "-i"]) else {
        return;
    };
    let lines = ended(&terminal);
    let said = "error: there are 3000 variants, too many to choose from one by one";
    assert_eq!(count(&lines, said), 1, "{lines:?}");
    assert_eq!(
        count(&lines, "hint: say which with --variant"),
        1,
        "{lines:?}"
    );
    assert!(!environment.store().exists());
    let arguments = ["download", &url, "-i", "--variant", "peak-bitrate=7000"];
    let Some(terminal) = Terminal::run(&environment, 200, &arguments) else {
        return;
    };
    let lines = ended(&terminal);
    assert_eq!(count(&lines, "exit 0"), 1, "{lines:?}");
}

#[test]
fn who_cannot_be_asked_is_told_what_to_say() {
    let (origin, environment) = (stream(), Environment::new());
    let url = url(&origin);
    for more in [None, Some("--json"), Some("--quiet")] {
        let arguments = ["download", "-i", &url].into_iter().chain(more);
        let said = environment.run(arguments).refused(2);
        for flag in ["--variant", "--audio", "--subtitles"] {
            assert!(said.stderr.contains(flag), "{more:?}: {}", said.stderr);
        }
    }
    environment.run(["download", "-i"]).code_is(2);
    assert!(origin.site().requests().is_empty());
    assert!(!environment.store().exists());
}
