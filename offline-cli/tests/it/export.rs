//! What is written out has its name when it is whole, whatever happens on the way.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use segment_fetch::testing::Origin;

use crate::environment::{Environment, has};
use crate::media;

const KILLS: u64 = 60;

/// A stored stream made by ffmpeg.
fn stored() -> Option<Environment> {
    if !has("ffmpeg") {
        return None;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    fs::create_dir_all(&root).unwrap();
    media::transport_stream(&root);
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url("/ts/master.m3u8");
    environment
        .run(["download", url.as_str(), "--id", "a"])
        .fine();
    Some(environment)
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
