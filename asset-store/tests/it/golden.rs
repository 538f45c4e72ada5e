//! Stores that earlier builds have written, and that every later one reads alike.
//!
//! `tests/golden/v1/store` is a store with everything that format version 1 knows, files that a crash
//! leaves included; `content.txt` beside it says what is in it. They are made once per version of the
//! format, by [`write_golden_store`], and never changed.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use asset_store::{
    AssetWriter, Digest, Durability, EntryAttributes, PartialKey, ROLE_KEY, Source, Store,
    StoreOptions,
};

use crate::support::{Scratch, content, from_source, id, segment};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn key() -> PartialKey {
    PartialKey {
        identity: "https://example.com/all.ts".to_owned(),
        range: Some(100..200),
    }
}

/// What readers see of a store, as text.
fn described(store: &Store) -> String {
    let mut text = String::new();
    for id in store.asset_ids().unwrap() {
        match store.asset(&id) {
            Err(error) => writeln!(text, "{id}: {:?}", error.kind()).unwrap(),
            Ok(asset) => {
                let (generation, sealed) = (asset.generation(), asset.is_sealed());
                writeln!(text, "{id}: generation {generation}, sealed {sealed}").unwrap();
                for (path, entry) in asset.entries() {
                    let bytes = String::from_utf8(content(store, entry)).unwrap();
                    let (length, role) = (entry.length, &entry.role);
                    writeln!(text, "  {path}: {length} bytes {bytes:?}, {role}").unwrap();
                    if let Some(source) = &entry.source {
                        writeln!(text, "    from {source:?}").unwrap();
                    }
                }
            }
        }
        if let Some(policy) = store.document(&id, "policy").unwrap() {
            let policy = String::from_utf8(policy).unwrap();
            writeln!(text, "  document policy: {policy:?}").unwrap();
        }
    }
    text
}

/// What looking closer says.
fn examined(store: &Store) -> String {
    let report = store.verify(None, &mut |_| {}).unwrap();
    let mut text = format!("checked {} blobs\n", report.checked);
    for finding in report.damaged.iter().chain(&report.missing) {
        let (asset, path, what) = (&finding.asset, &finding.path, finding.what);
        writeln!(text, "{asset}/{path}: {what:?}").unwrap();
    }
    for damaged in &report.damaged_assets {
        writeln!(text, "{}: {}", damaged.asset, damaged.reason).unwrap();
    }
    let usage = store.usage().unwrap();
    writeln!(
        text,
        "blobs {}, {} bytes; trash {} bytes",
        usage.blobs, usage.blob_bytes, usage.trash_bytes
    )
    .unwrap();
    text
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_store_of_version_1_has_exactly_what_it_had() {
    let scratch = Scratch::new();
    // Made first, so that it is private whatever the umask is.
    drop(scratch.store());
    copy(&golden().join("store"), &scratch.root());
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    let store = Store::open_with(scratch.root(), &options).unwrap();
    let mut text = format!("As readers see it:\n\n{}\n", described(&store));
    writeln!(text, "Looked at closely:\n\n{}", examined(&store)).unwrap();
    let writer = store.writer(&id("unsealed")).unwrap();
    let partial = writer.partial(&key()).unwrap();
    let (length, validator) = (partial.length(), partial.validator());
    writeln!(text, "Of a partial {length} bytes under {validator:?}\n").unwrap();
    drop((partial, writer));
    for id in store.asset_ids().unwrap() {
        let writer = store.writer(&id).unwrap();
        writer.put("new", b"new", segment()).unwrap();
        writer.seal().unwrap();
    }
    writeln!(
        text,
        "After every asset got a new entry and was sealed:\n\n{}",
        described(&store)
    )
    .unwrap();
    store.collect_garbage(&crate::sweep::at_once()).unwrap();
    text += &examined(&store);
    let expected = fs::read_to_string(golden().join("content.txt")).unwrap();
    assert_eq!(text, expected, "got:\n{text}");
}

/// Makes the store, for a new version of the format: with `ASSET_STORE_GOLDEN` naming the folder.
#[test]
fn write_golden_store() {
    let Ok(root) = std::env::var("ASSET_STORE_GOLDEN") else {
        return;
    };
    let root = PathBuf::from(root);
    let open = |durability| {
        let options = StoreOptions {
            durability,
            ..StoreOptions::default()
        };
        Store::open_with(&root, &options).unwrap()
    };
    let store = open(Durability::Durable);
    let path_of = |asset: &str, name: &str| root.join("assets").join(asset).join(name);
    let asset = |name: &str| store.writer(&id(name)).unwrap();
    let fill = |writer: &AssetWriter, what: &str| {
        for number in 1..=2 {
            let text = format!("{what} {number}\n");
            writer
                .put(&format!("{number}.ts"), text.as_bytes(), segment())
                .unwrap();
        }
    };

    let sealed = asset("sealed");
    fill(&sealed, "sealed");
    sealed
        .put("key", b"0123456789abcdef", EntryAttributes::new(ROLE_KEY))
        .unwrap();
    let playlist = from_source("https://example.com/index.m3u8");
    sealed
        .put("video/index.m3u8", b"#EXTM3U\n", playlist)
        .unwrap();
    let part = Source {
        identity: "https://example.com/all.ts".to_owned(),
        url: "https://example.com/all.ts?token=1".to_owned(),
        range: Some(0..7),
        validator: Some("\"v1\"".to_owned()),
    };
    sealed
        .put("video/part.ts", b"a part\n", segment().with_source(part))
        .unwrap();
    store
        .set_document(&id("sealed"), "policy", b"keep")
        .unwrap();
    sealed.seal().unwrap();

    let changed = asset("changed");
    fill(&changed, "sealed");
    changed.seal().unwrap();
    changed.put("1.ts", b"changed\n", segment()).unwrap();
    changed.remove_entry("2.ts").unwrap();

    let unsealed = asset("unsealed");
    fill(&unsealed, "unsealed");
    let mut partial = unsealed.partial(&key()).unwrap();
    partial.begin(0, Some("\"v1\""), Some(100)).unwrap();
    partial.append(b"received so far").unwrap();
    drop(partial);

    fill(&asset("torn"), "torn");
    let log = fs::read(path_of("torn", "0.log")).unwrap();
    fs::write(path_of("torn", "0.log"), &log[..log.len() - 40]).unwrap();

    // A seal that was cut off before the older files were deleted, and one before HEAD was replaced.
    let leftover = asset("leftover");
    fill(&leftover, "leftover");
    let log = fs::read(path_of("leftover", "0.log")).unwrap();
    leftover.seal().unwrap();
    fs::write(path_of("leftover", "0.log"), &log).unwrap();
    let unfinished = asset("unfinished");
    fill(&unfinished, "unfinished");
    let log = fs::read(path_of("unfinished", "0.log")).unwrap();
    unfinished.seal().unwrap();
    fs::write(path_of("unfinished", "0.log"), &log).unwrap();
    fs::remove_file(path_of("unfinished", "HEAD")).unwrap();
    fs::write(path_of("unfinished", ".tmp-1"), "half").unwrap();

    let damaged = asset("damaged");
    fill(&damaged, "damaged");
    damaged.seal().unwrap();
    let manifest = fs::read_to_string(path_of("damaged", "1.manifest")).unwrap();
    let manifest = manifest.replace("\"path\":\"2.ts\"", "\"path\":\"3.ts\"");
    fs::write(path_of("damaged", "1.manifest"), manifest).unwrap();

    let removed = asset("removed");
    fill(&removed, "removed");
    drop((
        sealed, changed, unsealed, leftover, unfinished, damaged, removed,
    ));
    fs::rename(path_of("removed", ""), root.join("trash/removed-removed-1")).unwrap();
    let moved = format!("{}-1", Digest::of(b"what it was\n"));
    fs::write(root.join("trash/damaged").join(moved), "what it is\n").unwrap();

    drop(store);
    let store = open(Durability::Relaxed);
    fill(&store.writer(&id("relaxed")).unwrap(), "relaxed");
    drop(store);
    // Made anew where they are missing, with bytes that say nothing.
    fs::remove_dir_all(root.join("index")).unwrap();
    fs::remove_file(root.join("reserve")).unwrap();
    for locks in crate::support::files_below(&root) {
        if locks
            .extension()
            .is_some_and(|end| end == "lock" || end == "turnstile")
        {
            fs::remove_file(locks).unwrap();
        }
    }
}
