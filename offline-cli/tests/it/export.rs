//! What is written out has its name when it is whole, whatever happens on the way.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use segment_fetch::testing::Origin;
use serde_json::Value;

use crate::environment::{Environment, has, said, wait_for};
use crate::media;
use crate::stream::Plain;

const KILLS: u64 = 60;

/// A stored stream made by ffmpeg.
fn stored() -> Option<Environment> {
    let make = |root: &Path| {
        media::transport_stream(root);
    };
    stored_of(make, &["/ts/master.m3u8"])
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_ending_says_the_form_unless_a_format_is_named() {
    let Some(environment) = stored() else {
        return;
    };
    let export = |name: &str, more: &[&str]| {
        let path = environment.path(name);
        let arguments = ["export", "a", "-o", path.to_str().unwrap()];
        environment.run([&arguments, more].concat()).fine();
        path
    };
    let film = export("film.MP4", &[]);
    assert_eq!(&fs::read(film).unwrap()[4..8], b"ftyp");
    assert_eq!(fs::read(export("film.ts", &[])).unwrap()[0], 0x47);
    assert!(export("film", &[]).join("index.m3u8").is_file());
    let folder = export("other.mp4", &["--format", "hls"]);
    assert!(folder.join("index.m3u8").is_file());
    let path = environment.path("film.mkv");
    let said = environment.run(["export", "a", "-o", path.to_str().unwrap()]);
    assert!(said.refused(2).stderr.contains("--with ffmpeg"));
}

#[test]
fn a_killed_export_leaves_nothing_under_the_name_and_the_next_one_cleans_up() {
    let Some(environment) = stored() else {
        return;
    };
    let folder = environment.path("films");
    fs::create_dir(&folder).unwrap();
    let whole = environment.path("whole.mp4");
    let export = |path: &Path, format: &'static str| {
        let path = path.to_str().unwrap().to_owned();
        ["export", "a", "--format", format, "-o"]
            .map(str::to_owned)
            .into_iter()
            .chain([path])
    };
    environment.run(export(&whole, "mp4")).fine();
    let expected = fs::read(&whole).unwrap();
    let film = folder.join("film.mp4");
    // Kills at all moments; some come in the middle of writing, however fast the machine is.
    let mut in_the_middle = 0;
    for kill in 0..KILLS {
        let mut child = environment.start(export(&film, "mp4"));
        std::thread::sleep(Duration::from_millis(kill));
        let is_running = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        let left = names(&folder);
        if left.contains(&"film.mp4".to_owned()) {
            assert!(fs::read(&film).unwrap() == expected, "kill {kill}");
            fs::remove_file(&film).unwrap();
        } else if is_running && !left.is_empty() {
            in_the_middle += 1;
        }
        assert!(left.len() <= 1, "{left:?}");
    }
    assert!(in_the_middle > 0);
    environment.run(export(&film, "mp4")).fine();
    assert_eq!(names(&folder), ["film.mp4"]);
    assert!(fs::read(&film).unwrap() == expected);
}

#[test]
fn what_was_left_behind_goes_and_what_is_being_written_stays() {
    let Some(environment) = stored() else {
        return;
    };
    let folder = environment.path("films");
    let busy = folder.join(".out.unfinished-1");
    let left = folder.join(".out.unfinished-2");
    for folder in [&busy, &left] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("index.m3u8"), "#EXTM3U").unwrap();
        fs::write(folder.join(".unfinished"), "").unwrap();
    }
    let writer = File::open(busy.join(".unfinished")).unwrap();
    writer.try_lock().unwrap();
    for name in [".out.unfinished-note", ".other.unfinished-3"] {
        fs::write(folder.join(name), "").unwrap();
    }
    environment
        .run(["export", "a", "-o", folder.join("out").to_str().unwrap()])
        .fine();
    assert_eq!(
        names(&folder),
        [
            ".other.unfinished-3",
            ".out.unfinished-1",
            ".out.unfinished-note",
            "out"
        ]
    );
    assert_eq!(
        names(&folder.join("out"))
            .iter()
            .filter(|name| name.starts_with('.'))
            .count(),
        0
    );
}

/// Streams stored under the ids `a` and on.
fn stored_of(make: impl FnOnce(&Path), playlists: &[&str]) -> Option<Environment> {
    if !has("ffmpeg") {
        return None;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    fs::create_dir_all(&root).unwrap();
    make(&root);
    let origin = Origin::directory(&root).unwrap();
    for (playlist, id) in playlists.iter().zip(["a", "b", "c"]) {
        let url = origin.url(playlist);
        let all = ["--audio", "all", "--subtitles", "all"];
        let arguments = ["download", url.as_str(), "--id", id]
            .into_iter()
            .chain(all);
        environment.run(arguments).fine();
    }
    Some(environment)
}

fn exported(environment: &Environment, format: &str, path: &Path, with: &[&str]) -> Value {
    let path = path.to_str().unwrap();
    let arguments = ["export", "a", "--json", "--format", format, "-o", path];
    let arguments = arguments.iter().chain(with);
    environment.run(arguments).fine().json()
}

const WITH: &[&str] = &["--with", "ffmpeg"];

#[test]
fn ffmpeg_writes_what_the_film_has_in_other_containers() {
    let Some(environment) = stored_of(media::alternate_audio, &["/alt/master.m3u8"]) else {
        return;
    };
    let film = environment.path("film.mp4");
    exported(&environment, "mp4", &film, &[]);
    // A name that a shell, or ffmpeg itself, would take for something else.
    let strange = environment.path("-y 'a' $(b); c:");
    for (format, name) in [("mkv", "film.mkv"), ("mp4", "film.m4v"), ("ts", "film.ts")] {
        let path = strange.join(name);
        let said = exported(&environment, format, &path, WITH);
        assert_eq!(said["files"], 3, "{said}");
        for map in ["0:v:0", "0:a:0", "0:a:1"] {
            let hashes = |path: &Path| media::hashes(path.to_str().unwrap(), map, &[]);
            let expected = hashes(&film);
            assert!(
                !expected.is_empty() && hashes(&path) == expected,
                "{map} of {name}"
            );
        }
        let path = path.to_str().unwrap();
        assert_eq!(media::languages(path, "a"), ["eng", "deu"]);
        let apart = media::first_time(path, "v:0") - media::first_time(path, "a:0");
        let film = film.to_str().unwrap();
        let expected = media::first_time(film, "v:0") - media::first_time(film, "a:0");
        assert!(
            (apart - expected).abs() < 0.0011,
            "{name}: {apart} {expected}"
        );
        let subtitles: &[&str] = if format == "ts" { &[] } else { &["eng"] };
        assert_eq!(media::languages(path, "s"), subtitles);
        let mut expected = [name, "film.en.srt", "film.en.vtt"];
        expected.sort_unstable();
        assert_eq!(names(&strange), expected);
        fs::remove_dir_all(&strange).unwrap();
    }
}

#[test]
fn codecs_that_are_not_ours_are_named_and_ffmpeg_takes_them() {
    let Some(environment) = stored_of(media::odd_audio, &["/odd/index.m3u8"]) else {
        return;
    };
    let film = environment.path("film.mp4");
    let said = exported(&environment, "mp4", &film, &[]);
    assert_eq!(
        said["notes"],
        serde_json::json!(["media: left out MPEG audio"])
    );
    let film = environment.path("film.mkv");
    let said = exported(&environment, "mkv", &film, WITH);
    assert_eq!(said["notes"], serde_json::json!([]));
    let root = environment.path("origin/odd/index.m3u8");
    let path = film.to_str().unwrap();
    for map in ["0:v:0", "0:a:0"] {
        let expected = media::hashes(root.to_str().unwrap(), map, &[]);
        assert!(
            !expected.is_empty() && media::hashes(path, map, &[]) == expected,
            "{map}"
        );
    }
    let apart = |input: &str| media::first_time(input, "v:0") - media::first_time(input, "a:0");
    let off = apart(path) - apart(root.to_str().unwrap());
    assert!(off.abs() < 0.0011, "{off}");
}

/// Puts a program of the name ffmpeg into a folder, and runs an export with it.
fn export_with(environment: &Environment, script: Option<&str>, format: &str) -> Command {
    let programs = environment.path("programs");
    fs::create_dir_all(&programs).unwrap();
    if let Some(script) = script {
        let path = programs.join("ffmpeg");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = environment.command();
    let path = environment.path("films/film.mkv");
    command.env("PATH", &programs);
    command.args([
        "export",
        "a",
        "--format",
        format,
        "-o",
        path.to_str().unwrap(),
    ]);
    command.args(WITH);
    command
}

#[test]
fn an_ffmpeg_that_fails_or_is_not_there_leaves_nothing() {
    let plain = Plain::new(2, 10);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .fine();
    let films = environment.path("films");
    let run = |script: Option<&str>, format: &str| {
        said(&export_with(&environment, script, format).output().unwrap())
    };
    let refused = run(None, "mkv").refused(2);
    assert!(
        refused.stderr.contains("ffmpeg does not start"),
        "{}",
        refused.stderr
    );
    assert!(names(&films).is_empty());
    let script = "for last; do :; done; echo half > \"${last#file:}\"; echo 'Invalid \u{1b}[31mdata' >&2; exit 69";
    let refused = run(Some(script), "mkv").refused(1);
    assert!(
        refused.stderr.contains("Invalid [31mdata") && refused.stderr.contains("69"),
        "{}",
        refused.stderr
    );
    assert!(names(&films).is_empty());
    run(None, "hls").refused(2);
    let path = films.join("film.mkv");
    environment
        .run([
            "export",
            "a",
            "--format",
            "mkv",
            "-o",
            path.to_str().unwrap(),
        ])
        .refused(2);
    assert!(names(&films).is_empty());
}

#[test]
fn a_killed_export_with_ffmpeg_leaves_nothing_under_the_name() {
    let plain = Plain::new(2, 10);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .fine();
    let films = environment.path("films");
    let begun = environment.path("begun");
    let script = format!(
        "for last; do :; done; echo half > \"${{last#file:}}\"; echo > '{}'; exec /bin/sleep 2",
        begun.display()
    );
    let mut child = export_with(&environment, Some(&script), "mkv")
        .spawn()
        .unwrap();
    wait_for("ffmpeg", || begun.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(&films);
    assert!(
        matches!(left.as_slice(), [left] if left.starts_with(".film.mkv.unfinished-")),
        "{left:?}"
    );
    let script = "for last; do :; done; echo whole > \"${last#file:}\"";
    let whole = said(
        &export_with(&environment, Some(script), "mkv")
            .output()
            .unwrap(),
    );
    whole.fine();
    assert_eq!(names(&films), ["film.mkv"]);
}

#[test]
fn times_that_begin_again_between_audio_and_video_change_nothing() {
    let mut ticks = 0;
    let make = |root: &Path| {
        media::alternate_audio(root);
        let first = |name: &str, kind: &str| {
            let path = root.join(format!("alt/{name}/index.m3u8"));
            media::first_time(path.to_str().unwrap(), kind)
        };
        let (shown, heard) = (first("video", "v:0"), first("en", "a:0"));
        assert!((shown - heard).abs() > 0.01, "{shown} {heard}");
        // The middle between them comes to 2^33.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some seconds"
        )]
        let middle = ((shown + heard) * 45_000.0) as u64;
        ticks = (1 << 33) - middle;
        fs::create_dir(root.join("moved")).unwrap();
        for name in ["master.m3u8", "subs/index.m3u8", "subs/0.vtt", "subs/1.vtt"] {
            let text = fs::read_to_string(root.join("alt").join(name)).unwrap();
            let origin = format!("MPEGTS:{}", (126_000 + ticks) % (1 << 33));
            let path = root.join("moved").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("MPEGTS:126000", &origin)).unwrap();
        }
        for name in ["video", "en", "de"] {
            fs::create_dir(root.join("moved").join(name)).unwrap();
            for entry in fs::read_dir(root.join("alt").join(name)).unwrap() {
                let entry = entry.unwrap();
                let mut bytes = fs::read(entry.path()).unwrap();
                if entry
                    .path()
                    .extension()
                    .is_some_and(|ending| ending == "ts")
                {
                    media::move_times(&mut bytes, ticks);
                }
                fs::write(root.join("moved").join(name).join(entry.file_name()), bytes).unwrap();
            }
        }
    };
    let playlists = ["/alt/master.m3u8", "/moved/master.m3u8"];
    let Some(environment) = stored_of(make, &playlists) else {
        return;
    };
    let films = environment.path("films");
    for id in ["a", "b"] {
        let path = films.join(format!("{id}.mp4"));
        let arguments = [
            "export",
            id,
            "--format",
            "mp4",
            "-o",
            path.to_str().unwrap(),
        ];
        environment.run(arguments).fine();
    }
    for ending in ["mp4", "en.vtt", "en.srt"] {
        let read = |id: &str| fs::read(films.join(format!("{id}.{ending}"))).unwrap();
        assert!(read("a") == read("b"), "{ending} differs");
    }
    // All languages are in it, each with its own sound.
    let film = films.join("b.mp4");
    for (name, origin, map) in [
        ("video", "0:v:0", "0:v:0"),
        ("en", "0:a:0", "0:a:0"),
        ("de", "0:a:0", "0:a:1"),
    ] {
        let path = environment.path("origin/alt").join(name).join("index.m3u8");
        let expected = media::hashes(path.to_str().unwrap(), origin, &[]);
        assert!(!expected.is_empty());
        assert!(
            media::hashes(film.to_str().unwrap(), map, &[]) == expected,
            "{name} differs"
        );
    }
}
