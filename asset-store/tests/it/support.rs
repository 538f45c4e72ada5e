//! What the tests share.

use std::io::Read;
use std::path::{Path, PathBuf};

use asset_store::{
    Asset, AssetId, Digest, Durability, Entry, EntryAttributes, Source, Store, StoreOptions,
};

/// A folder for one store that goes away with the test.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Relaxed, since a test cannot cut the power and the disk may be slow.
    pub(crate) fn store(&self) -> Store {
        let options = StoreOptions {
            durability: Durability::Relaxed,
            ..StoreOptions::default()
        };
        Store::open_with(self.root(), &options).unwrap()
    }

    pub(crate) fn durable_store(&self) -> Store {
        Store::open(self.root()).unwrap()
    }

    pub(crate) fn asset_file(&self, id: &AssetId, name: &str) -> PathBuf {
        self.root().join("assets").join(id.as_str()).join(name)
    }

    pub(crate) fn blob_file(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.root()
            .join("blobs")
            .join("b3")
            .join(&name[..2])
            .join(&name)
    }
}

pub(crate) fn id(name: &str) -> AssetId {
    AssetId::new(name).unwrap()
}

pub(crate) fn segment() -> EntryAttributes {
    EntryAttributes::new("segment")
}

pub(crate) fn from_source(identity: &str) -> EntryAttributes {
    segment().with_source(Source {
        identity: identity.to_owned(),
        url: format!("{identity}?signature=1"),
        ..Source::default()
    })
}

/// Bytes that are different for every seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

pub(crate) fn content(store: &Store, entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    store
        .open_entry(entry)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Every file of an asset by path.
pub(crate) fn contents(store: &Store, asset: &Asset) -> Vec<(String, Vec<u8>)> {
    asset
        .entries()
        .iter()
        .map(|(path, entry)| (path.clone(), content(store, entry)))
        .collect()
}

/// An asset with `count` entries `0.ts`, `1.ts` …, sealed or not.
pub(crate) fn fill(store: &Store, name: &str, count: u64, seal: bool) -> AssetId {
    let id = id(name);
    let writer = store.writer(&id).unwrap();
    for number in 0..count {
        writer
            .put(&format!("{number}.ts"), &noise(number, 2000), segment())
            .unwrap();
    }
    if seal {
        writer.seal().unwrap();
    }
    id
}

/// Overwrites a file that is read-only.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The names of all files below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
