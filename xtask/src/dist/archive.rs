//! A folder as one file, the same wherever and whenever it is packed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::run::Result;

/// Packs a folder under a name, as if everything had been changed at this time, in seconds since 1970.
pub(super) fn pack(folder: &Path, name: &str, time: u64) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    let mut paths = files(folder)?;
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let inside = path.strip_prefix(folder).unwrap_or(&path);
        let is_program = inside
            .file_stem()
            .is_some_and(|stem| stem == "offline" && inside.components().count() == 1);
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(if is_program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        archive
            .append_data(&mut header, Path::new(name).join(inside), bytes.as_slice())
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    archive
        .into_inner()
        .and_then(GzEncoder::finish)
        .map_err(|error| error.to_string())
}

/// The checksum in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_folder_is_the_same_archive() {
        let folder = std::env::temp_dir().join(format!("offline-archive-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let packed = |order: [&str; 2]| {
            fs::create_dir_all(folder.join("man")).unwrap();
            for name in order {
                fs::write(folder.join(name), name).unwrap();
            }
            let packed = pack(&folder, "offline-1", 1_000).unwrap();
            fs::remove_dir_all(&folder).unwrap();
            packed
        };
        let one = packed(["offline", "man/offline.1"]);
        assert_eq!(one, packed(["man/offline.1", "offline"]));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(one.as_slice()));
        let found: Vec<(PathBuf, u32)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().into_owned();
                (path, entry.header().mode().unwrap())
            })
            .collect();
        let expected = [
            ("offline-1/man/offline.1", 0o644),
            ("offline-1/offline", 0o755),
        ];
        assert_eq!(found, expected.map(|(path, mode)| (path.into(), mode)));
        assert!(sha256(b"").starts_with("e3b0c44298fc1c14"));
    }
}
