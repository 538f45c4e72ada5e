//! Playing while it downloads, and while it records: one process serves what another brings.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::process::{Child, Command};
use std::time::Duration;

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has, wait_for};
use crate::gated_origin::GatedOrigin;
use crate::media::{self, frames, frames_from_start};
use crate::serve::Serving;
use crate::stream::{encrypt, transport_stream};

/// A download that is stopped when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const TRACKS: [&str; 4] = ["video", "en", "de", "fr"];
const KEY: [u8; 16] = [7; 16];

/// One variant with three languages, `count` segments each; the video is encrypted.
fn several(count: usize) -> HashMap<String, Vec<u8>> {
    let mut files = HashMap::new();
    let mut master = String::from("#EXTM3U\n");
    for language in &TRACKS[1..] {
        writeln!(
            master,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"{language}\",LANGUAGE=\"{language}\",URI=\"{language}.m3u8\""
        )
        .unwrap();
    }
    master.push_str("#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO=\"a\"\nvideo.m3u8\n");
    files.insert("/master.m3u8".to_owned(), master.into_bytes());
    files.insert("/key".to_owned(), KEY.to_vec());
    for (seed, track) in TRACKS.iter().enumerate() {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        if *track == "video" {
            text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n");
        }
        for index in 0..count {
            writeln!(text, "#EXTINF:4,\n{track}/{index}.ts").unwrap();
            files.insert(format!("/{track}/{index}.ts"), stored(seed, index));
        }
        text.push_str("#EXT-X-ENDLIST\n");
        files.insert(format!("/{track}.m3u8"), text.into_bytes());
    }
    files
}

fn clear(seed: usize, index: usize) -> Vec<u8> {
    transport_stream((seed * 1000 + index + 1) as u64, 5 + index % 3)
}

fn stored(seed: usize, index: usize) -> Vec<u8> {
    match seed {
        0 => encrypt(&clear(seed, index), KEY, (index as u128).to_be_bytes()),
        _ => clear(seed, index),
    }
}

/// The local names of the tracks.
const LOCAL: [&str; 4] = ["variant-0", "audio-0", "audio-1", "audio-2"];

fn several_running(count: usize) -> (Environment, GatedOrigin, Running, Serving) {
    let origin = GatedOrigin::new(several(count));
    let environment = Environment::new();
    let url = origin.url("/master.m3u8");
    let child = environment.start(["download", "--audio", "all", "--id", "a", &url]);
    let running = Running(child);
    wait_for("an asset", || !environment.list().is_empty());
    let serving = Serving::start(&environment);
    (environment, origin, running, serving)
}

impl Serving {
    fn part(&self, name: &str) -> (u16, Vec<u8>) {
        let answer = self.ask("GET", &format!("{}/assets/a/{name}", self.path()), &[]);
        (answer.status, answer.body)
    }

    fn text(&self, name: &str) -> Option<String> {
        let (status, body) = self.part(name);
        (status == 200).then(|| String::from_utf8(body).unwrap())
    }
}

#[test]
fn what_is_listed_only_grows_and_can_be_fetched_whole() {
    let count = 12;
    let (environment, origin, mut running, serving) = several_running(count);
    let (status, _) = serving.part("index.m3u8");
    assert_eq!(status, 503, "nothing has begun");
    let mut before: HashMap<&str, String> = HashMap::new();
    let mut lengths = Vec::new();
    let mut seen_growing = false;
    loop {
        for (seed, track) in LOCAL.iter().enumerate() {
            let Some(text) = serving.text(&format!("{track}/index.m3u8")) else {
                assert!(!before.contains_key(track), "{track} is gone");
                continue;
            };
            let known = before.entry(track).or_default();
            assert!(text.starts_with(known.as_str()), "{text} after {known}");
            let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            let listed_before = known.lines().filter(|line| !line.starts_with('#')).count();
            for (index, name) in names.iter().enumerate().skip(listed_before) {
                let (status, body) = serving.part(&format!("{track}/{name}"));
                assert_eq!(status, 200);
                assert!(body == clear(seed, index), "{track} {index}");
            }
            assert!(!text.contains("#EXT-X-GAP") && text.contains("#EXT-X-PLAYLIST-TYPE:EVENT"));
            let has_ended = text.contains("#EXT-X-ENDLIST");
            assert_eq!(has_ended, names.len() == count, "{text}");
            seen_growing |= !has_ended && names.len() > 2;
            *known = text.replace("#EXT-X-ENDLIST\n", "");
        }
        lengths.push(
            before
                .values()
                .map(|text| text.matches("#EXTINF").count())
                .sum::<usize>(),
        );
        if lengths.last() == Some(&(TRACKS.len() * count)) {
            break;
        }
        assert!(lengths.len() < 500, "it never got whole: {lengths:?}");
        origin.let_through(1);
        std::thread::sleep(Duration::from_millis(60));
    }
    assert!(seen_growing, "{lengths:?}");
    assert!(running.0.wait().unwrap().success());
    let index = serving.text("index.m3u8").unwrap();
    assert_eq!(index.matches("#EXT-X-MEDIA:").count(), 3, "{index}");
    // Who comes now gets it as it is.
    let fresh = Serving::start(&environment);
    let text = fresh.text("variant-0/index.m3u8").unwrap();
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD") && text.contains("#EXT-X-ENDLIST"));
}

#[test]
fn what_is_played_comes_first() {
    let (_environment, origin, _running, serving) = several_running(200);
    wait_for("a beginning", || {
        origin.let_through(1);
        serving.part("audio-1/index.m3u8").0 == 200 && serving.part("variant-0/index.m3u8").0 == 200
    });
    // German is played; what comes next of it and the video goes before the other languages.
    let is_played = |path: &String| path.starts_with("/video/") || path.starts_with("/de/");
    let mut calm = 0;
    wait_for("the played tracks to go first", || {
        for track in ["variant-0", "audio-1"] {
            assert_eq!(serving.part(&format!("{track}/index.m3u8")).0, 200);
        }
        let before = origin.asked().len();
        origin.let_through(4);
        std::thread::sleep(Duration::from_millis(100));
        let asked = origin.asked();
        calm = if asked[before..].iter().all(is_played) {
            calm + asked.len() - before
        } else {
            0
        };
        calm >= 24
    });
    // Somebody seeks: what is not there yet is asked for.
    assert_eq!(serving.part("audio-1/segment-00000150.ts").0, 404);
    assert_eq!(serving.part("audio-1/segment-00000200.ts").0, 404);
    let before = origin.asked().len();
    let mut after = before;
    wait_for("what was asked for", || {
        origin.let_through(1);
        std::thread::sleep(Duration::from_millis(50));
        let asked = origin.asked();
        after = asked.len();
        asked.contains(&"/de/150.ts".to_owned())
    });
    assert!(
        after - before < 100,
        "it came in its turn: {after} after {before}"
    );
}

#[test]
fn what_is_whole_is_offered_alone() {
    let origin = GatedOrigin::new(several(6));
    let environment = Environment::new();
    let url = origin.url("/master.m3u8");
    origin.let_through(12);
    environment
        .run(["download", "--audio", "en", "--id", "a", &url])
        .fine();
    let child = environment.start(["download", "--audio", "de", "--id", "a", &url]);
    let _running = Running(child);
    origin.let_through(3);
    wait_for("a beginning", || {
        environment.inspect()["tracks"][2]["segments_present"].as_u64() >= Some(1)
    });
    let serving = Serving::start(&environment);
    let index = serving.text("index.m3u8").unwrap();
    assert!(
        index.contains("\"en\"") && !index.contains("\"de\""),
        "{index}"
    );
    let text = serving.text("variant-0/index.m3u8").unwrap();
    assert!(
        text.contains("#EXT-X-ENDLIST") && text.contains("VOD"),
        "{text}"
    );
    assert_eq!(serving.part("audio-1/index.m3u8").0, 404);
    // An export is of what is whole, too.
    let folder = environment.export();
    assert!(!folder.join("audio-1").exists());
}

#[test]
fn an_unfinished_download_is_no_export() {
    let (environment, origin, _running, serving) = several_running(6);
    origin.let_through(8);
    wait_for("a beginning", || serving.part("index.m3u8").0 == 200);
    let out = environment.path("out");
    environment
        .run(["export", "a", "-o", out.to_str().unwrap()])
        .refused(1);
    assert_eq!(environment.inspect()["playable_offline"], false);
}

/// ffmpeg plays what is served while it comes, and gets every frame.
fn plays_while_it_comes(
    make: impl FnOnce(&std::path::Path),
    playlist: &str,
    compared_with: &str,
    map: &str,
) {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    make(&root);
    // Over HTTP, since ffmpeg reads no keys from files.
    let original = Origin::directory(&root).unwrap();
    let expected = frames(original.url(compared_with).as_str(), map);
    assert!(expected.len() > 50);
    let origin = GatedOrigin::directory(&root);
    let url = origin.url(playlist);
    let mut running = Running(environment.start(["download", "--audio", "all", "--id", "a", &url]));
    wait_for("an asset", || !environment.list().is_empty());
    let serving = Serving::start(&environment);
    origin.next();
    wait_for("a beginning", || serving.part("index.m3u8").0 == 200);
    let state = environment.only()["state"].clone();
    assert_eq!(state, "downloading");
    let played = std::thread::scope(|scope| {
        let player = scope.spawn(|| frames_from_start(&serving.asset("a"), map));
        while !player.is_finished() {
            std::thread::sleep(Duration::from_millis(700));
            origin.next();
        }
        player.join().unwrap()
    });
    assert!(running.0.wait().unwrap().success());
    let differ = played
        .iter()
        .zip(&expected)
        .find(|(one, other)| one != other);
    assert!(
        played == expected,
        "{} frames, {} expected, {differ:?}",
        played.len(),
        expected.len()
    );
}

#[test]
fn ffmpeg_plays_a_download_to_its_end() {
    plays_while_it_comes(
        |root| {
            media::transport_stream(root);
        },
        "/ts/master.m3u8",
        "/ts/high/index.m3u8",
        "0:v:0",
    );
}

#[test]
fn ffmpeg_plays_encrypted_and_fragmented_downloads_to_their_end() {
    plays_while_it_comes(
        media::encrypted,
        "/aes/index.m3u8",
        "/aes/index.m3u8",
        "0:v:0",
    );
    plays_while_it_comes(
        media::discontinuous,
        "/maps/index.m3u8",
        "/maps/index.m3u8",
        "0:v:0",
    );
    plays_while_it_comes(
        media::alternate_audio,
        "/alt/master.m3u8",
        "/alt/master.m3u8",
        "0:a:0",
    );
}

#[test]
fn ffmpeg_plays_a_recording_while_it_goes_on() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    for folder in ["live", "full"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let live = "[f=hls:hls_time=1:hls_list_size=5:hls_flags=delete_segments]live/index.m3u8";
    let full = "[f=hls:hls_time=1:hls_list_size=0]full/index.m3u8";
    let source = "testsrc2=size=160x90:rate=25:duration=9";
    let encoding =
        "-c:v libx264 -preset ultrafast -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p";
    let mut encoder = Command::new("ffmpeg")
        .current_dir(&root)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(["-re", "-f", "lavfi", "-i", source, "-map", "0:v"])
        .args(encoding.split(' '))
        .args(["-f", "tee", &format!("{live}|{full}")])
        .spawn()
        .unwrap();
    wait_for("a playlist", || root.join("live/index.m3u8").exists());
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url("/live/index.m3u8").to_string();
    let arguments = ["download", "--live", "--from-start", "--id", "a", &url];
    let mut running = Running(environment.start(arguments));
    wait_for("an asset", || !environment.list().is_empty());
    let serving = Serving::start(&environment);
    wait_for("a beginning", || serving.part("index.m3u8").0 == 200);
    let first = serving.text("media/index.m3u8").unwrap();
    assert!(
        first.contains("EVENT") && !first.contains("ENDLIST"),
        "{first}"
    );
    let played = frames_from_start(&serving.asset("a"), "0:v:0");
    assert!(encoder.wait().unwrap().success());
    assert!(running.0.wait().unwrap().success());
    let last = serving.text("media/index.m3u8").unwrap();
    assert!(
        last.starts_with(&first) && last.ends_with("#EXT-X-ENDLIST\n"),
        "{last} after {first}"
    );
    let expected = frames(root.join("full/index.m3u8").to_str().unwrap(), "0:v:0");
    assert!(expected.len() > 200);
    assert!(
        played == expected,
        "{} frames, {} expected",
        played.len(),
        expected.len()
    );
}
