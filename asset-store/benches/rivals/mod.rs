//! What others do with the same files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Stores the files with cacache, which syncs nothing by itself: content, then a line in its index.
///
/// `sync_each`: has each content, and the folder with its name, on the disk before the next begins. The index is not
/// synced even then, so that this is less than a store does.
pub(crate) fn cacache(folder: &Path, files: &[Vec<u8>], sync_each: bool) {
    for (number, bytes) in files.iter().enumerate() {
        let integrity = cacache::write_sync(folder, number.to_string(), bytes).unwrap();
        if sync_each {
            let (algorithm, hex) = integrity.to_hex();
            let shard = folder
                .join("content-v2")
                .join(algorithm.to_string())
                .join(&hex[..2])
                .join(&hex[2..4]);
            File::open(shard.join(&hex[4..]))
                .unwrap()
                .sync_data()
                .unwrap();
            File::open(shard).unwrap().sync_all().unwrap();
        }
    }
}

/// A command that hashes all files below `folder` as `b3sum` does, on the first processor; `None` when it is not
/// installed.
pub(crate) fn b3sum(folder: &Path) -> Option<Command> {
    let mut version = Command::new("b3sum");
    version.arg("--version").stdout(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        return None;
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0", "b3sum", "--num-threads", "1"]);
    command.args(files_below(folder));
    Some(command)
}

/// All files in a folder and below.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files
}
