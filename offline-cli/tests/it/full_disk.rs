//! A disk that fills up: the download pauses, what is there is kept, and the store can still delete.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use segment_fetch::testing::Resource;

use crate::environment::{Environment, Said, said, skipped};
use crate::stream::Plain;

/// A file system in memory, of a few megabytes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(path)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(path.to_owned()));
        }
        skipped("a small disk cannot be mounted without root");
        None
    }

    fn grow(&self, megabytes: u32) {
        let options = format!("remount,size={megabytes}m");
        assert!(
            Command::new("mount")
                .args(["-o", &options])
                .arg(&self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A small disk and the tool over a store on it.
fn small_disk(environment: &Environment) -> Option<(SmallDisk, impl Fn(&[&str]) -> Said)> {
    let disk = SmallDisk::mount(&environment.path("disk"), 6)?;
    let store = disk.0.join("store");
    let run = move |arguments: &[&str]| {
        said(
            &environment
                .command_on(&store)
                .args(arguments)
                .output()
                .unwrap(),
        )
    };
    Some((disk, run))
}

#[test]
fn a_full_disk_pauses_the_download_and_loses_nothing() {
    let environment = Environment::new();
    let Some((disk, run)) = small_disk(&environment) else {
        return;
    };

    // Twenty segments of 0.5 MB do not fit.
    let plain = Plain::new(20, 2660);
    let refused = run(&["download", &plain.url(), "--id", "big"]).refused(5);
    assert!(
        refused.stderr.contains("full") && refused.stderr.contains("hint: "),
        "{}",
        refused.stderr
    );
    let listed = run(&["list", "--json"]).fine().json();
    assert_eq!(listed[0]["state"], "paused", "{listed}");
    assert!(listed[0]["progress"].as_f64().unwrap() > 0.1, "{listed}");
    run(&["verify"]).fine();
    let inspected = run(&["inspect", "--json", "big"]).fine().json();
    assert_eq!(inspected["playable_offline"], false);
    let stored = inspected["variants"][0]["segments_present"]
        .as_u64()
        .unwrap();
    assert!(stored > 2, "{inspected}");

    // With more room it goes on with what is missing.
    disk.grow(40);
    let before: usize = (0..20)
        .map(|index| usize::from(plain.requests(index) > 0))
        .sum();
    assert!(
        before < 20,
        "the download went on although the disk was full"
    );
    let missing: Vec<String> = inspected["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["url"].as_str().unwrap().to_owned())
        .collect();
    let asked: Vec<usize> = (0..20).map(|index| plain.requests(index)).collect();
    run(&["download", &plain.url(), "--id", "big"]).fine();
    for (index, asked) in asked.into_iter().enumerate() {
        let was_missing = missing
            .iter()
            .any(|url| url.ends_with(&format!("/{index}.ts")));
        assert_eq!(
            plain.requests(index) > asked,
            was_missing,
            "segment {index}"
        );
    }
    run(&["verify"]).fine();
}

#[test]
fn a_download_that_cannot_fit_is_refused_before_its_first_segment() {
    let environment = Environment::new();
    let Some((_disk, run)) = small_disk(&environment) else {
        return;
    };
    // 40 s at 2 Mbit/s.
    let plain = Plain::new(10, 10);
    plain.origin.site().route(
        "/index.m3u8",
        Resource::new(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2000000\nmedia.m3u8\n",
        ),
    );
    let url = plain.origin.url("/index.m3u8").to_string();
    let refused = run(&["download", &url]).refused(5);
    assert!(
        refused.stderr.contains("does not fit: at least 9.0 MB")
            && refused.stderr.contains("hint: "),
        "{}",
        refused.stderr
    );
    assert_eq!(plain.requests(0), 0);
    assert_eq!(
        run(&["list", "--json"]).fine().json(),
        serde_json::json!([])
    );
    // One that says nothing, and fits.
    run(&["download", &plain.url()]).fine();
}

#[test]
fn a_full_store_can_still_be_listed_and_emptied() {
    let environment = Environment::new();
    let Some((disk, run)) = small_disk(&environment) else {
        return;
    };
    let plain = Plain::new(20, 2660);
    run(&["download", &plain.url(), "--id", "big"]).refused(5);
    // Whatever was left free is filled by somebody else.
    let mut filler = std::fs::File::create(disk.0.join("filler")).unwrap();
    while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    run(&["list"]).fine();
    run(&["remove", "big"]).fine();
    assert_eq!(
        run(&["list", "--json"])
            .fine()
            .json()
            .as_array()
            .unwrap()
            .len(),
        0
    );
    run(&["gc"]).fine();
    std::fs::remove_file(disk.0.join("filler")).unwrap();
    let small = Plain::new(2, 100);
    run(&["download", &small.url()]).fine();
}
