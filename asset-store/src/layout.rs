//! Where everything lies: which file system, which root, which names. `FORMAT.md` describes the files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use crate::completion::lock;
use crate::fs::Fs;
use crate::quota::Quota;
use crate::{AssetId, Digest};

/// A root on a file system and the names below it.
#[derive(Debug)]
pub(crate) struct Layout {
    fs: Fs,
    root: PathBuf,
    quota: Quota,
    /// Blobs whose sync has failed: another one that succeeds would prove nothing.
    doubtful: Mutex<HashSet<Digest>>,
}

/// What a folder may hold before `FORMAT` is there, when its creation was cut off.
pub(crate) const NAMES: [&str; 10] = [
    "LOCK",
    "FORMAT",
    "blobs",
    "assets",
    "ingest",
    "trash",
    "reserve",
    "index",
    "sweep.lock",
    "sweep.turnstile",
];

impl Layout {
    pub(crate) fn new(fs: Fs, root: &Path, quota: Option<u64>) -> Layout {
        Layout {
            fs,
            root: root.to_owned(),
            quota: Quota::new(quota),
            doubtful: Mutex::default(),
        }
    }

    pub(crate) fn fs(&self) -> &Fs {
        &self.fs
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Blobs of which this process knows that the disk may have lost them.
    pub(crate) fn doubtful(&self) -> MutexGuard<'_, HashSet<Digest>> {
        lock(&self.doubtful)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join("FORMAT")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("LOCK")
    }

    pub(crate) fn sweep_lock(&self) -> PathBuf {
        self.root.join("sweep.lock")
    }

    pub(crate) fn sweep_turnstile(&self) -> PathBuf {
        self.root.join("sweep.turnstile")
    }

    pub(crate) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(crate) fn reservations(&self) -> PathBuf {
        self.root.join("reservations")
    }

    /// The folder of the folders that hold the blobs.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("b3")
    }

    /// The folder of the blobs whose digest starts with `first`.
    pub(crate) fn shard(&self, first: u8) -> PathBuf {
        self.blobs().join(format!("{first:02x}"))
    }

    pub(crate) fn shard_of(&self, digest: &Digest) -> PathBuf {
        let [first, ..] = *digest.as_bytes();
        self.shard(first)
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.shard_of(digest).join(digest.to_string())
    }

    pub(crate) fn assets(&self) -> PathBuf {
        self.root.join("assets")
    }

    pub(crate) fn asset(&self, id: &AssetId) -> PathBuf {
        self.assets().join(id.as_str())
    }

    pub(crate) fn writer_lock(&self, id: &AssetId) -> PathBuf {
        self.asset(id).join("writer.lock")
    }

    pub(crate) fn use_lock(&self, id: &AssetId) -> PathBuf {
        self.asset(id).join("use.lock")
    }

    pub(crate) fn partials(&self) -> PathBuf {
        self.root.join("ingest")
    }

    pub(crate) fn partials_of(&self, id: &AssetId) -> PathBuf {
        self.partials().join(id.as_str())
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    pub(crate) fn damaged(&self) -> PathBuf {
        self.trash().join("damaged")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.root.join("index")
    }
}

/// `<generation>.manifest` in the folder of an asset.
pub(crate) fn manifest_name(generation: u64) -> String {
    format!("{generation}.manifest")
}

/// `<generation>.log`: the changes on top of that manifest; generation 0 has none.
pub(crate) fn log_name(generation: u64) -> String {
    format!("{generation}.log")
}

/// The generation in the name of a manifest or a log.
pub(crate) fn generation_of(name: &str) -> Option<u64> {
    let (number, extension) = name.split_once('.')?;
    let generation = number.parse::<u64>().ok()?;
    let canonical = match extension {
        "manifest" => manifest_name(generation),
        "log" => log_name(generation),
        _ => return None,
    };
    (canonical == name).then_some(generation)
}
