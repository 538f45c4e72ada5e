//! What is stored plays in mpv and VLC, which read it over and through, as a user without rights.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has, said, skipped};
use crate::media;
use crate::serve::Serving;

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// A player, as a user that VLC agrees to run for, with a folder of its own.
fn player(environment: &Environment, program: &str) -> (Command, PathBuf) {
    let home = environment.path("home");
    std::fs::create_dir_all(&home).unwrap();
    let mut command = Command::new(program);
    command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home);
    command.current_dir("/").env_remove("http_proxy");
    if std::fs::metadata(&home).unwrap().uid() == 0 {
        let everybody = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(environment.path("."), everybody(0o755)).unwrap();
        std::fs::set_permissions(&home, everybody(0o777)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    (command, home)
}

fn is_there(program: &str) -> bool {
    let found = Command::new("which").arg(program).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        skipped(&format!("{program} is not installed"));
    }
    there
}

/// A stream of Transport Streams with subtitles under the id `ts`, one of fragmented MP4 under `mp4`.
fn stored() -> (Environment, Serving) {
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    media::alternate_audio(&root);
    media::fragmented(&root);
    let origin = Origin::directory(&root).unwrap();
    for (id, playlist) in [("ts", "/alt/master.m3u8"), ("mp4", "/fmp4/index.m3u8")] {
        let url = origin.url(playlist);
        let all = ["--audio", "all", "--subtitles", "all"];
        let arguments = ["download", url.as_str(), "--id", id]
            .into_iter()
            .chain(all);
        environment.run(arguments).fine();
    }
    let serving = Serving::start(&environment);
    (environment, serving)
}

fn hashes(path: &Path, map: &str) -> Vec<String> {
    media::hashes(path.to_str().unwrap(), map, &[])
}

#[test]
fn mpv_seeks_and_finds_the_tracks() {
    if !has("ffmpeg") || !is_there("mpv") {
        return;
    }
    let (environment, serving) = stored();
    let play = |arguments: &[&str]| {
        let (mut command, _) = player(&environment, "mpv");
        command
            .args([
                "--no-config",
                "--vo=null",
                "--ao=null",
                "--untimed",
                "--start=5",
            ])
            .args(["--msg-level=statusline=no"])
            .args(arguments);
        said(&command.output().unwrap()).fine().stdout
    };
    let address = |path: &str| format!("{}/assets/{path}", serving.url);
    let shown = ["VO: [null] 160x90", "AO: [null] 48000Hz"];
    let check = |told: &str, expected: &[&str]| {
        for part in shown.iter().chain(expected) {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    };
    check(&play(&[&address("mp4/movie.mp4")]), &[]);
    let tracks = ["--alang=eng", "--alang=deu", "(mov_text)"];
    check(&play(&[&address("ts/movie.mp4")]), &tracks);
    let subtitles = format!("--sub-file={}", address("ts/subtitles/en.vtt"));
    check(
        &play(&[&subtitles, &address("ts/index.m3u8")]),
        &["'en.vtt' (webvtt) (external)"],
    );
}

#[test]
fn vlc_reads_all_of_it() {
    if !has("ffmpeg") || !is_there("cvlc") {
        return;
    }
    let (environment, serving) = stored();
    for (path, origin) in [
        ("mp4/movie.mp4", "fmp4/index.m3u8"),
        ("ts/movie.mp4", "alt/video/index.m3u8"),
        ("ts/index.m3u8", "alt/video/index.m3u8"),
    ] {
        let (mut command, home) = player(&environment, "cvlc");
        let file = home.join("read.ts");
        let _ = std::fs::remove_file(&file);
        let out = format!("#std{{access=file,mux=ts,dst={}}}", file.display());
        command.args(["--intf", "dummy", "--play-and-exit", "--sout", &out]);
        command.arg(format!("{}/assets/{path}", serving.url));
        let output = command.arg("vlc://quit").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        // What it has read is what there was; its muxer leaves the last pictures unwritten.
        let expected = hashes(&environment.path("origin").join(origin), "0:v:0");
        let read = hashes(&file, "0:v:0");
        let same = read.iter().filter(|hash| expected.contains(hash)).count();
        assert!(
            read.len() > 150 && same + 1 >= read.len(),
            "{path}: {same} of {}",
            read.len()
        );
    }
}
