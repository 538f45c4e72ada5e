//! `offline download --live`: interrupts, kills, and a real encoder.
#![cfg(unix)]

use std::process::{Command, Stdio};

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has, said, wait_for};
use crate::live::{clear, exported};
use crate::live_origin::{LiveOrigin, Offers, Step};
use crate::media::frames;
use crate::serve::Serving;

fn endless(listed: u64) -> LiveOrigin {
    let origin = LiveOrigin::new(Offers::default(), 10, listed, vec![Step::Advance(1); 3]);
    origin.state.lock().unwrap().ends = false;
    origin
}

fn arguments(origin: &LiveOrigin) -> Vec<String> {
    let url = origin.url();
    [
        "download",
        "--json",
        "--live",
        "--from-start",
        "--id",
        "a",
        &url,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn control_c_makes_a_finished_asset() {
    let origin = endless(5);
    let environment = Environment::new();
    let child = environment
        .command()
        .args(arguments(&origin))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a pinned playlist", || {
        environment
            .list()
            .first()
            .is_some_and(|asset| asset["duration"].as_f64() >= Some(1.0))
    });
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let said = said(&child.wait_with_output().unwrap()).fine();
    let events = said.events();
    assert_eq!(events[0]["event"], "recording-started");
    assert_eq!(events.last().unwrap()["event"], "completed");
    let found = environment.inspect();
    assert_eq!(
        (&found["state"], &found["playable_offline"]),
        (&"completed".into(), &true.into())
    );
    environment.export();
}

#[test]
fn a_killed_recording_plays_and_goes_on() {
    let origin = endless(5);
    let environment = Environment::new();
    let mut child = environment.start(arguments(&origin));
    wait_for("a pinned playlist", || {
        environment
            .list()
            .first()
            .is_some_and(|asset| asset["duration"].as_f64() >= Some(1.0))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let found = environment.inspect();
    assert_eq!(
        (&found["state"], &found["playable_offline"]),
        (&"paused".into(), &true.into()),
        "{found}"
    );
    origin.state.lock().unwrap().ends = true;
    environment.run(arguments(&origin)).fine();
    let folder = environment.export();
    let state = origin.state.lock().unwrap();
    assert!(exported(&folder.join("media")) == clear(&state.history));
    assert_eq!(environment.only()["state"], "completed");
}

#[test]
fn a_live_stream_is_refused_without_the_option() {
    let origin = endless(5);
    let environment = Environment::new();
    let said = environment.run(["download", &origin.url()]).refused(3);
    assert!(said.stderr.contains("--live"), "{}", said.stderr);
    assert_eq!(
        environment
            .run(["download", &origin.url(), "--duration", "5s"])
            .code,
        2
    );
    for wrong in ["0s", "-1m", "soon"] {
        assert_eq!(
            environment
                .run(["download", &origin.url(), "--live", "--duration", wrong])
                .code,
            2
        );
    }
}

#[test]
fn what_ffmpeg_streams_live_is_recorded_frame_for_frame() {
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
    let tone = "sine=frequency=440:sample_rate=48000:duration=9";
    let encoding = "-c:v libx264 -preset ultrafast -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 48k";
    let mut encoder = Command::new("ffmpeg")
        .current_dir(&root)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args([
            "-re", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", tone,
        ])
        .args(["-map", "0:v", "-map", "1:a"])
        .args(encoding.split(' '))
        .args(["-f", "tee", &format!("{live}|{full}")])
        .spawn()
        .unwrap();
    wait_for("a playlist", || root.join("live/index.m3u8").exists());
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url("/live/index.m3u8").to_string();
    let arguments = ["download", "--live", "--from-start", "--id", "a", &url];
    environment.run(arguments).fine();
    assert!(encoder.wait().unwrap().success());
    let listed = std::fs::read_to_string(root.join("live/index.m3u8")).unwrap();
    assert_eq!(listed.matches("#EXTINF").count(), 5, "{listed}");
    drop(origin);
    let found = environment.inspect();
    assert_eq!(found["playable_offline"], true, "{found}");
    let serving = Serving::start(&environment);
    let full = root.join("full/index.m3u8");
    for map in ["0:v:0", "0:a:0"] {
        let expected = frames(full.to_str().unwrap(), map);
        assert!(expected.len() > 200);
        let recorded = frames(&serving.asset("a"), map);
        assert!(
            recorded == expected,
            "{map}: {} frames, {} expected",
            recorded.len(),
            expected.len()
        );
    }
}
