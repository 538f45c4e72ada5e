//! Importing a folder or an archive: all of it becomes an asset, or nothing is there.

mod archive;
mod crash;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use asset_store::{
    AssetId, EntryAttributes, Error, ErrorKind, ExportOptions, ImportOptions, Imported, ROLE_KEY,
    SkipReason, Store, StoreOptions,
};
use proptest::prelude::*;

use crate::support::{Scratch, contents, files_below, id, noise};

/// The files of a tree by path.
type Tree = BTreeMap<String, Vec<u8>>;

fn role(path: &str) -> EntryAttributes {
    EntryAttributes::new(match path.rsplit_once('.') {
        Some((_, "key")) => ROLE_KEY,
        _ => "segment",
    })
}

fn import(store: &Store, folder: &Path, id: &AssetId) -> Result<Imported, Error> {
    store.import_folder(folder, id, &ImportOptions::default(), &mut role)
}

fn plant(folder: &Path, tree: &Tree) {
    fs::create_dir_all(folder).unwrap();
    for (path, bytes) in tree {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn harvest(folder: &Path) -> Tree {
    let files = files_below(folder).into_iter();
    files
        .map(|file| {
            let path = file.strip_prefix(folder).unwrap().to_str().unwrap();
            (path.to_owned(), fs::read(&file).unwrap())
        })
        .collect()
}

fn film() -> Tree {
    [
        ("index.m3u8", b"#EXTM3U\n".to_vec()),
        ("video/low/1.ts", noise(1, 300_000)),
        ("video/2.ts", noise(2, 500)),
        ("video/same.ts", noise(2, 500)),
        ("video/empty.ts", Vec::new()),
        ("keys/1.key", noise(3, 16)),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .into()
}

/// A store and a folder of files beside it.
fn planted(tree: &Tree) -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    let folder = scratch.root().with_file_name("tree");
    plant(&folder, tree);
    (scratch, folder)
}

/// Nothing is left of an import that failed.
fn nothing_is_left(scratch: &Scratch, store: &Store) {
    assert_eq!(store.asset_ids().unwrap(), []);
    assert_eq!(store.usage().unwrap().physical_bytes(), 0);
    for folder in ["assets", "ingest", "trash"] {
        let left = files_below(&scratch.root().join(folder));
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

#[test]
fn every_file_of_a_folder_becomes_an_entry() {
    let (scratch, folder) = planted(&film());
    fs::create_dir(folder.join("nothing")).unwrap();
    for store in [scratch.durable_store(), scratch.store()] {
        let imported = import(&store, &folder, &id("film")).unwrap();
        assert_eq!((imported.files, imported.bytes), (6, 301_024));
        assert_eq!(imported.skipped, []);
        let asset = store.asset(&id("film")).unwrap();
        assert!(asset.is_sealed());
        assert_eq!(
            contents(&store, &asset).into_iter().collect::<Tree>(),
            film()
        );
        assert_eq!(asset.entry("keys/1.key").unwrap().role, ROLE_KEY);
        assert_eq!(asset.entry("index.m3u8").unwrap().role, "segment");
        let again = import(&store, &folder, &id("film")).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert!(store.verify(None, &mut |_| {}).unwrap().is_good());
        // As any other asset it can be written, renamed and removed.
        let writer = store.writer(&id("film")).unwrap();
        writer.put("more.ts", b"more", role("more.ts")).unwrap();
        drop(writer);
        store.rename(&id("film"), &id("other")).unwrap();
        store.remove(&id("other")).unwrap();
        nothing_is_left(&scratch, &store);
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    // Folders and files have other names, so that no path goes through a file.
    let path = "([a-c]{1,2}/){0,3}[1-5é .]{0,3}[1-5]\\.(ts|key)";
    let bytes = (0_u64..6, 0_usize..3000).prop_map(|(seed, length)| noise(seed, length));
    prop::collection::btree_map(path, bytes, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_exported_is_what_was_imported(tree in trees()) {
        let (scratch, folder) = planted(&tree);
        let store = scratch.store();
        import(&store, &folder, &id("one")).unwrap();
        let out = scratch.root().with_file_name("out");
        store.export(&id("one"), &out, &ExportOptions::default()).unwrap();
        prop_assert_eq!(harvest(&out), tree);

        import(&store, &out, &id("two")).unwrap();
        let mut archived = Vec::new();
        let mut builder = tar::Builder::new(&mut archived);
        builder.append_dir_all(".", &out).unwrap();
        builder.finish().unwrap();
        drop(builder);
        store
            .import_tar(archived.as_slice(), &id("three"), &ImportOptions::default(), &mut role)
            .unwrap();
        let entries = |name| store.asset(&id(name)).unwrap().entries().clone();
        prop_assert_eq!(entries("two"), entries("one"));
        prop_assert_eq!(entries("three"), entries("one"));
    }
}

#[cfg(unix)]
fn hostile(folder: &Path) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", folder.join("video/links")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"\xff.ts")), b"1").unwrap();
    fs::write(folder.join("line\nfeed"), b"1").unwrap();
    fs::create_dir(folder.join("back\\slash")).unwrap();
    fs::write(folder.join("back\\slash/1.ts"), b"1").unwrap();
}

#[cfg(unix)]
#[test]
fn what_cannot_be_an_entry_is_refused_or_left_out_by_name() {
    let (scratch, folder) = planted(&film());
    hostile(&folder);
    let store = scratch.store();
    let error = import(&store, &folder, &id("film")).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::InvalidName | ErrorKind::NotImportable
    ));
    nothing_is_left(&scratch, &store);

    let options = ImportOptions {
        skip: true,
        ..ImportOptions::default()
    };
    let imported = store
        .import_folder(&folder, &id("film"), &options, &mut role)
        .unwrap();
    assert_eq!(imported.files, 6);
    let mut skipped: Vec<_> = imported
        .skipped
        .iter()
        .map(|skipped| (skipped.name.as_str(), skipped.reason))
        .collect();
    skipped.sort_by_key(|skipped| skipped.0);
    let expected = [
        ("back\\\\slash", SkipReason::Name),
        ("line\\nfeed", SkipReason::Name),
        ("link", SkipReason::NoFile),
        ("socket", SkipReason::NoFile),
        ("video/links", SkipReason::NoFile),
        ("\u{fffd}.ts", SkipReason::Name),
    ];
    assert_eq!(skipped, expected);
    let asset = store.asset(&id("film")).unwrap();
    assert_eq!(
        contents(&store, &asset).into_iter().collect::<Tree>(),
        film()
    );
}

/// Imports while something is done to each file between its last byte and the look at it.
fn import_while(disturb: impl Fn(&Path, &str)) {
    let (scratch, folder) = planted(&film());
    let store = scratch.store();
    let mut attributes = |path: &str| {
        disturb(&folder, path);
        role(path)
    };
    let options = ImportOptions::default();
    let done = store.import_folder(&folder, &id("film"), &options, &mut attributes);
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Changed);
    nothing_is_left(&scratch, &store);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    import_while(|folder, path| {
        let file = fs::File::options().write(true).open(folder.join(path));
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        file.unwrap().set_modified(long_ago).unwrap();
    });
    // One that is still to come is not there any more, or a folder now.
    import_while(|folder, _| drop(fs::remove_file(folder.join("video/same.ts"))));
    import_while(|folder, _| {
        drop(fs::remove_file(folder.join("video/same.ts")));
        fs::create_dir_all(folder.join("video/same.ts")).unwrap();
    });
}

#[test]
fn limits_and_the_quota_hold_and_leave_nothing() {
    let (scratch, folder) = planted(&film());
    let store = scratch.store();
    let limited = |max_entries, max_bytes| {
        let options = ImportOptions {
            max_entries,
            max_bytes,
            ..ImportOptions::default()
        };
        let done = store.import_folder(&folder, &id("film"), &options, &mut role);
        done.err().map(|error| error.kind())
    };
    // Six files in three folders.
    assert_eq!(limited(8, 301_024), Some(ErrorKind::TooLarge));
    assert_eq!(limited(9, 301_023), Some(ErrorKind::TooLarge));
    nothing_is_left(&scratch, &store);
    assert_eq!(limited(9, 301_024), None);
    store.remove(&id("film")).unwrap();

    let quota = StoreOptions {
        quota: Some(300_400),
        ..StoreOptions::default()
    };
    let small = Store::open_with(scratch.root(), &quota).unwrap();
    let error = import(&small, &folder, &id("film")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OverQuota);
    nothing_is_left(&scratch, &store);
    let error = import(&store, &folder.join("nowhere"), &id("film")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    nothing_is_left(&scratch, &store);
}
