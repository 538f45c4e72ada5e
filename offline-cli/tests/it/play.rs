//! `offline play`: the address goes to a player, and the server lives as long as that.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use segment_fetch::testing::{Fault, Origin};

use crate::environment::{Environment, has, said, wait_for};
use crate::media;
use crate::stream::Plain;

/// Puts a program into a folder: it notes what it is given, and ends with a code.
fn program(folder: &Path, name: &str, code: i32) {
    let script = format!(
        "#!/bin/sh\necho \"$@\" > '{}/told'\nexit {code}\n",
        folder.display()
    );
    std::fs::write(folder.join(name), script).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join(name), executable).unwrap();
}

fn stored() -> (Environment, std::path::PathBuf) {
    let environment = Environment::new();
    environment
        .run(["download", &Plain::new(2, 10).url(), "--id", "a"])
        .fine();
    let programs = environment.path("programs");
    std::fs::create_dir(&programs).unwrap();
    (environment, programs)
}

#[test]
fn players_are_given_the_playlist() {
    let (environment, programs) = stored();
    let play = |player: &str| {
        let mut command = environment.command();
        command.env("PATH", format!("{}:/bin:/usr/bin", programs.display()));
        said(
            &command
                .args(["play", "a", "--player", player])
                .output()
                .unwrap(),
        )
    };
    program(&programs, "mpv", 0);
    play("mpv").fine();
    let told = std::fs::read_to_string(programs.join("told")).unwrap();
    assert!(
        told.starts_with("http://127.0.0.1:") && told.ends_with("/assets/a/index.m3u8\n"),
        "{told}"
    );
    program(&programs, "ffplay", 3);
    assert_eq!(play("ffplay").code, 1);
}

/// What a player is given of a stream that is stored under the id `a`.
fn given(environment: &Environment, player: &str) -> Vec<String> {
    let programs = environment.path("programs");
    std::fs::create_dir_all(&programs).unwrap();
    program(&programs, player, 0);
    let mut command = environment.command();
    command.env("PATH", format!("{}:/bin:/usr/bin", programs.display()));
    let arguments = ["play", "a", "--player", player];
    said(&command.args(arguments).output().unwrap()).fine();
    let told = std::fs::read_to_string(programs.join("told")).unwrap();
    let below = |word: &str| {
        let (option, address) = word.split_once("http://")?;
        let (_, path) = address.split_once("/assets/a/")?;
        Some(format!("{option}{path}"))
    };
    told.split_whitespace()
        .map(|word| below(word).unwrap_or_else(|| word.to_owned()))
        .collect()
}

#[test]
fn fragmented_streams_are_given_as_one_file() {
    let environment = Environment::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams/fmp4");
    let origin = Origin::directory(folder).unwrap();
    let url = origin.url("/master.m3u8");
    environment
        .run(["download", url.as_str(), "--id", "a"])
        .fine();
    assert_eq!(given(&environment, "mpv"), ["movie.mp4"]);
    assert_eq!(given(&environment, "vlc"), ["--play-and-exit", "movie.mp4"]);
    assert_eq!(
        given(&environment, "ffplay"),
        ["-loglevel", "error", "movie.mp4"]
    );
}

#[test]
fn subtitles_are_given_to_players_that_show_none_of_playlists() {
    if !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    media::alternate_audio(&root);
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url("/alt/master.m3u8");
    let arguments = ["download", url.as_str(), "--id", "a", "--subtitles", "all"];
    environment.run(arguments).fine();
    assert_eq!(
        given(&environment, "mpv"),
        ["--sub-file=subtitles/en.vtt", "index.m3u8"]
    );
    assert_eq!(
        given(&environment, "vlc"),
        ["--play-and-exit", "index.m3u8"]
    );
}

#[test]
fn a_player_that_is_not_there_is_named() {
    let (environment, programs) = stored();
    let mut command = environment.command();
    command.env("PATH", &programs);
    let refused = said(
        &command
            .args(["play", "a", "--player", "vlc"])
            .output()
            .unwrap(),
    )
    .refused(2);
    assert!(
        refused.stderr.contains("vlc does not start"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_page_is_opened_at_the_asset() {
    let (environment, programs) = stored();
    program(&programs, "xdg-open", 0);
    let mut command = environment.command();
    command.env("PATH", format!("{}:/bin:/usr/bin", programs.display()));
    let mut playing = command.args(["play", "a", "--quiet"]).spawn().unwrap();
    wait_for("the browser", || {
        std::fs::read_to_string(programs.join("told")).is_ok_and(|told| told.ends_with("/#a\n"))
    });
    playing.kill().unwrap();
    playing.wait().unwrap();
}

#[test]
fn what_cannot_be_played_is_said_at_once() {
    let plain = Plain::new(3, 10);
    plain
        .origin
        .site()
        .always("/segments/0.ts", Fault::Status(404));
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .refused(4);
    let refused = environment.run(["play", "a", "--player", "mpv"]).refused(1);
    assert!(
        refused.stderr.contains("cannot be played"),
        "{}",
        refused.stderr
    );
    environment.run(["play", "nobody"]).refused(2);
}
