//! What the benchmarks share: files, and the ways to store them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use asset_store::{AssetId, EntryAttributes, PartialKey, Store};
use tempfile::TempDir;

/// Commits under way at the same time, as a download has them.
const IN_FLIGHT: usize = 64;

/// Name, length and number of the files of each case.
pub(crate) const CASES: [(&str, usize, usize); 2] =
    [("1MB-x64", 1_000_000, 64), ("20kB-x500", 20_000, 500)];

/// Files that no file system can compress.
pub(crate) fn files(size: usize, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let mut bytes = vec![0; size];
            blake3::Hasher::new()
                .update(&number.to_le_bytes())
                .finalize_xof()
                .fill(&mut bytes);
            bytes
        })
        .collect()
}

/// In the build folder, since the temporary folder may lie in memory.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Stores the files as a download does: each in pieces, many commits under way.
pub(crate) fn group_commit(store: &Store, files: &[Vec<u8>]) {
    let writer = store.writer(&AssetId::new("film").unwrap()).unwrap();
    let mut under_way = VecDeque::new();
    for (number, bytes) in files.iter().enumerate() {
        let mut partial = writer
            .partial(&PartialKey::new(number.to_string()))
            .unwrap();
        partial.begin(0, None, None).unwrap();
        for piece in bytes.chunks(64 << 10) {
            partial.append(piece).unwrap();
        }
        let attributes = EntryAttributes::new("segment");
        under_way.push_back(writer.commit(partial, &format!("{number}.ts"), attributes));
        if under_way.len() == IN_FLIGHT {
            under_way.pop_front().unwrap().wait().unwrap();
        }
    }
    for commit in under_way {
        commit.wait().unwrap();
    }
    writer.seal().unwrap();
}

#[derive(Clone, Copy)]
pub(crate) enum Sync {
    EachFile,
    OnceAtTheEnd,
}

/// Temporary file, hash, rename: the loop that one writes first.
pub(crate) fn simple_loop(folder: &Path, files: &[Vec<u8>], sync: Sync) {
    for bytes in files {
        let temporary = folder.join("temporary");
        let mut file = File::create(&temporary).unwrap();
        file.write_all(bytes).unwrap();
        let name = blake3::hash(bytes).to_hex();
        let shard = folder.join(&name[..2]);
        fs::create_dir_all(&shard).unwrap();
        if let Sync::EachFile = sync {
            file.sync_data().unwrap();
        }
        fs::rename(&temporary, shard.join(&name[..])).unwrap();
        if let Sync::EachFile = sync {
            File::open(&shard).unwrap().sync_all().unwrap();
        }
    }
    if let Sync::OnceAtTheEnd = sync {
        sync_file_system(folder);
    }
}

/// The standard library has no sync of a file system.
pub(crate) fn sync_file_system(folder: &Path) {
    let done = Command::new("sync").arg("-f").arg(folder).status().unwrap();
    assert!(done.success());
}
