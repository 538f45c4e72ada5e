//! Opening, creating, refusing.

use asset_store::{ErrorKind, Store, StoreOptions};

use crate::support::{Scratch, fill};

fn existing() -> StoreOptions {
    StoreOptions {
        create: false,
        ..StoreOptions::default()
    }
}

#[test]
fn opening_without_creating_leaves_the_disk_alone() {
    let scratch = Scratch::new();
    let error = Store::open_with(scratch.root(), &existing()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!scratch.root().exists());

    std::fs::create_dir(scratch.root()).unwrap();
    let error = Store::open_with(scratch.root(), &existing()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(scratch.root()).unwrap().count(), 0);
}

#[test]
fn a_store_that_is_just_being_made_is_there_or_not_there() {
    for _ in 0..6 {
        let scratch = Scratch::new();
        let root = scratch.root();
        std::thread::scope(|threads| {
            for _ in 0..6 {
                threads.spawn(|| {
                    loop {
                        match Store::open_with(&root, &existing()) {
                            Ok(_) => break,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                        }
                    }
                });
            }
            let store = Store::open(&root).unwrap();
            store.set_store_document("clock", b"1").unwrap();
        });
    }
}

#[test]
fn a_newer_format_is_refused_with_both_versions() {
    let scratch = Scratch::new();
    drop(scratch.store());
    let newer = br#"{"kind":"asset-store","version":7,"something":"new"}"#;
    std::fs::write(scratch.root().join("FORMAT"), newer).unwrap();
    let error = Store::open(scratch.root()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerFormat);
    assert!(error.to_string().contains("version 7"), "{error}");
    assert!(error.to_string().contains("version 1"), "{error}");
}

#[test]
fn a_folder_with_other_files_is_not_taken_over() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.root()).unwrap();
    std::fs::write(scratch.root().join("thesis.txt"), "years of work").unwrap();
    for options in [StoreOptions::default(), existing()] {
        let error = Store::open_with(scratch.root(), &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAStore);
    }
    assert_eq!(std::fs::read_dir(scratch.root()).unwrap().count(), 1);
}

#[test]
fn a_garbled_format_is_no_store() {
    let scratch = Scratch::new();
    drop(scratch.store());
    std::fs::write(scratch.root().join("FORMAT"), b"\0\0\0").unwrap();
    assert_eq!(
        Store::open(scratch.root()).unwrap_err().kind(),
        ErrorKind::NotAStore
    );
}

#[test]
fn a_creation_that_was_cut_off_is_finished() {
    let scratch = Scratch::new();
    let id = fill(&scratch.store(), "a", 1, true);
    std::fs::remove_file(scratch.root().join("FORMAT")).unwrap();
    assert_eq!(scratch.store().asset_ids().unwrap(), [id]);
}

#[test]
fn many_threads_may_create_the_same_store() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let scratch = &scratch;
                scope.spawn(move || {
                    let store = scratch.store();
                    fill(&store, &format!("a{number}"), 1, true);
                    store
                })
            })
            .collect();
        // Nobody waits for the others to close it.
        let stores: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(stores.len(), 8);
    });
    assert_eq!(scratch.store().asset_ids().unwrap().len(), 8);
}

#[cfg(unix)]
#[test]
fn a_store_that_others_may_write_or_own_is_refused_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new();
    drop(scratch.store());
    for (mode, refused) in [(0o770, true), (0o702, true), (0o755, false), (0o700, false)] {
        std::fs::set_permissions(scratch.root(), PermissionsExt::from_mode(mode)).unwrap();
        match Store::open(scratch.root()) {
            Ok(_) => assert!(!refused, "{mode:o}"),
            Err(error) => {
                assert!(refused, "{mode:o}: {error}");
                assert_eq!(error.kind(), ErrorKind::NotPrivate);
                assert!(error.to_string().contains("chmod go-w"), "{error}");
            }
        }
    }
    // Only root may give a folder away; for others the test ends here.
    if std::os::unix::fs::chown(scratch.root(), Some(65_534), None).is_ok() {
        let error = Store::open(scratch.root()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotPrivate);
        assert!(error.to_string().contains("another user"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn others_get_in_nowhere_and_keys_are_the_owners_alone() {
    use crate::support::{id, segment};
    use asset_store::{EntryAttributes, ROLE_KEY};
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("a")).unwrap();
    let plain = writer.put("plain", b"0123456789abcdef", segment()).unwrap();
    let key = writer
        .put("key", b"fedcba9876543210", EntryAttributes::new(ROLE_KEY))
        .unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.blob_file(&plain.digest)), 0o444);
    assert_eq!(mode(scratch.blob_file(&key.digest)), 0o400);
    // The same bytes again, as a key this time.
    writer
        .put("again", b"0123456789abcdef", EntryAttributes::new(ROLE_KEY))
        .unwrap();
    assert_eq!(mode(scratch.blob_file(&plain.digest)), 0o400);
    for folder in [
        "",
        "assets",
        "assets/a",
        "blobs",
        "blobs/b3/00",
        "ingest",
        "trash",
    ] {
        assert_eq!(mode(scratch.root().join(folder)), 0o700, "{folder}");
    }
}
