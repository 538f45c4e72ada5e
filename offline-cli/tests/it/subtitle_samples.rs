//! Subtitles in the samples of fragmented MP4.

use std::path::Path;

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has};
use crate::media;
use crate::protected::{boxed, initialization_of};
use crate::serve::Serving;

fn full(kind: &str, flags: u32, rest: &[u8]) -> Vec<u8> {
    boxed(kind, &[&flags.to_be_bytes(), rest])
}

/// What a sample shows.
fn shown(identifier: &str, text: &str) -> Vec<u8> {
    let identifier = boxed("iden", &[identifier.as_bytes()]);
    let settings = boxed("sttg", &[b"line:0"]);
    boxed(
        "vttc",
        &[&identifier, &settings, &boxed("payl", &[text.as_bytes()])],
    )
}

fn nothing() -> Vec<u8> {
    boxed("vtte", &[])
}

/// A segment that begins at a time, of samples with how long each lasts, in milliseconds.
fn segment(start: u64, samples: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|(_, bytes)| bytes.clone())
        .collect();
    let count = u32::try_from(samples.len()).unwrap();
    let described = samples
        .iter()
        .flat_map(|(lasts, bytes)| [*lasts, u32::try_from(bytes.len()).unwrap()]);
    let described = words(&described.collect::<Vec<_>>());
    let fragment = |offset: u32| {
        let run = [words(&[count, offset]), described.clone()].concat();
        let track = [
            full("tfhd", 0x02_0000, &words(&[1])),
            full("tfdt", 1 << 24, &start.to_be_bytes()),
            full("trun", 0x301, &run),
        ];
        let track = boxed("traf", &[&track.concat()]);
        boxed("moof", &[&full("mfhd", 0, &words(&[1])), &track])
    };
    let length = u32::try_from(fragment(0).len()).unwrap();
    [fragment(length + 8), boxed("mdat", &[&data])].concat()
}

/// Eight seconds of picture and sound with subtitles in samples of this format.
fn stream(root: &Path, format: &str) -> Origin {
    std::fs::create_dir_all(root).unwrap();
    media::fragmented(root);
    let folder = root.join("text");
    std::fs::create_dir_all(&folder).unwrap();
    let style = boxed("vttC", &[b"WEBVTT\n\nSTYLE\n::cue { color: lime }\n"]);
    let format = boxed(format, &[&[0; 8], &style]);
    // The second cue goes on in the next segment. What would end a cue of a file does not.
    let two = shown("", "Two --> lines\n\nof it");
    let files = [
        ("init.mp4", initialization_of(*b"text", &[&format], &[])),
        (
            "0.m4s",
            segment(
                0,
                &[
                    (1000, nothing()),
                    (2000, shown("first", "<i>One</i>")),
                    (1000, two.clone()),
                ],
            ),
        ),
        ("1.m4s", segment(4000, &[(500, two), (3500, nothing())])),
        (
            "index.m3u8",
            b"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n\
              #EXTINF:4,\n0.m4s\n#EXTINF:4,\n1.m4s\n#EXT-X-ENDLIST\n"
                .to_vec(),
        ),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::fs::write(
        root.join("master.m3u8"),
        "#EXTM3U\n#EXT-X-VERSION:7\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"text/index.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=400000,SUBTITLES=\"s\"\nfmp4/index.m3u8\n",
    )
    .unwrap();
    Origin::directory(root).unwrap()
}

fn download(environment: &Environment, origin: &Origin) {
    let url = origin.url("/master.m3u8");
    let all = ["download", url.as_str(), "--subtitles", "all", "--id", "a"];
    environment.run(all).fine();
}

#[test]
fn they_are_files_and_a_track_of_a_movie() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let origin = stream(&environment.path("origin"), "wvtt");
    download(&environment, &origin);
    let movie = environment.path("film.mp4");
    let path = movie.to_str().unwrap();
    let said = environment
        .run(["export", "a", "--format", "mp4", "-o", path])
        .fine();
    assert!(!said.stderr.contains("left out"), "{}", said.stderr);
    let index = environment.export().join("index.m3u8");
    let early = media::first_time(path, "v:0") - media::first_time(index.to_str().unwrap(), "v:0");
    let time = |seconds: f64, point: &str| {
        let milliseconds = ((seconds + early) * 1000.0).round();
        let (seconds, rest) = (
            milliseconds.div_euclid(1000.0),
            milliseconds.rem_euclid(1000.0),
        );
        format!("00:00:{seconds:02}{point}{rest:03}")
    };
    let read = |name: &str| std::fs::read_to_string(environment.path(name)).unwrap();
    let webvtt = format!(
        "WEBVTT\n\nSTYLE\n::cue {{ color: lime }}\n\nfirst\n{} --> {} line:0\n<i>One</i>\n\n{} --> {} line:0\nTwo --&gt; lines\nof it\n",
        time(1.0, "."),
        time(3.0, "."),
        time(3.0, "."),
        time(4.5, ".")
    );
    assert_eq!(read("film.en.vtt"), webvtt);
    let subrip = format!(
        "1\n{} --> {}\n<i>One</i>\n\n2\n{} --> {}\nTwo --> lines\nof it\n\n",
        time(1.0, ","),
        time(3.0, ","),
        time(3.0, ","),
        time(4.5, ",")
    );
    assert_eq!(read("film.en.srt"), subrip);
    assert_eq!(media::languages(path, "s"), ["eng"]);

    let serving = Serving::start(&environment);
    let (_, served) = serving.get("/assets/a/subtitles/en.vtt");
    assert_eq!(String::from_utf8(served).unwrap(), webvtt);
}

#[test]
fn what_is_in_another_format_is_named_and_left_out() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let origin = stream(&environment.path("origin"), "stpp");
    download(&environment, &origin);
    let movie = environment.path("film.mp4");
    let arguments = [
        "export",
        "a",
        "--format",
        "mp4",
        "-o",
        movie.to_str().unwrap(),
    ];
    let said = environment.run(arguments);
    let why = "its subtitles are not WebVTT";
    assert!(said.stderr.contains(why), "{}", said.stderr);
}
