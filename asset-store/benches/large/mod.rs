//! A store of many assets and tiny blobs, written as `FORMAT.md` says: a million commits take too long.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use asset_store::{AssetId, Digest, Store};

pub(crate) const ASSETS: u64 = 10_000;
pub(crate) const BLOBS_OF_AN_ASSET: u64 = 100;
/// Every so many assets there is one that is gone, with its blobs still there.
pub(crate) const GARBAGE: u64 = 100;

/// Fills the new store at `root`.
pub(crate) fn fill(root: &Path) {
    drop(Store::open(root).unwrap());
    let garbage = ASSETS / GARBAGE;
    for number in 0..ASSETS + garbage {
        let digests: Vec<Digest> = (0..BLOBS_OF_AN_ASSET)
            .map(|blob| store_blob(root, number * BLOBS_OF_AN_ASSET + blob))
            .collect();
        if number < ASSETS {
            store_asset(root, number, &digests);
        }
    }
    let store = Store::open(root).unwrap();
    let asset = store.asset(&id(ASSETS - 1)).unwrap();
    assert!(asset.is_sealed());
    assert_eq!(asset.entries().len() as u64, BLOBS_OF_AN_ASSET);
    assert!(store.open_entry(&asset.entries()["video/00007.ts"]).is_ok());
}

/// The source of the first entry of an asset.
pub(crate) fn first_source(asset: u64) -> String {
    source(asset, 0)
}

pub(crate) fn id(number: u64) -> AssetId {
    AssetId::new(format!("film-{number:05}")).unwrap()
}

fn source(asset: u64, entry: u64) -> String {
    format!("https://media.example.com/films/{asset:05}/video/{entry:05}.ts")
}

fn store_blob(root: &Path, number: u64) -> Digest {
    let content = number.to_le_bytes();
    let digest = Digest::of(&content);
    let name = digest.to_string();
    let path = root.join("blobs/b3").join(&name[..2]).join(&name);
    let mut file = File::create(path).unwrap();
    file.write_all(&content).unwrap();
    digest
}

fn store_asset(root: &Path, number: u64, digests: &[Digest]) {
    let id = id(number);
    let mut manifest = String::new();
    line(
        &mut manifest,
        &format!(r#"{{"header":{{"asset":"{id}","generation":1,"sealed":true}}}}"#),
    );
    for (entry, digest) in (0..).zip(digests) {
        let source = source(number, entry);
        line(
            &mut manifest,
            &format!(
                r#"{{"put":{{"path":"video/{entry:05}.ts","entry":{{"digest":"{digest}","length":8,"role":"segment","source":{{"identity":"{source}","url":"{source}"}}}}}}}}"#
            ),
        );
    }
    let digest = Digest::of(manifest.as_bytes());
    line(
        &mut manifest,
        &format!(
            r#"{{"trailer":{{"entries":{},"digest":"{digest}"}}}}"#,
            digests.len()
        ),
    );
    let folder = root.join("assets").join(id.as_str());
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("1.manifest"), manifest).unwrap();
    let mut head = String::new();
    line(&mut head, r#"{"generation":1}"#);
    fs::write(folder.join("HEAD"), head).unwrap();
}

fn line(text: &mut String, json: &str) {
    let sum = Digest::of(json.as_bytes()).to_string();
    text.push_str(&sum[..16]);
    text.push(' ');
    text.push_str(json);
    text.push('\n');
}
