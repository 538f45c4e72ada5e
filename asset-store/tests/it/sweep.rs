//! Removing and collecting: all of what nobody needs, and nothing else.

use std::time::Duration;

use asset_store::{ErrorKind, GcOptions, GcReport, PartialKey};

use crate::support::{Scratch, contents, files_below, fill, id, noise, segment};

pub(crate) fn at_once() -> GcOptions {
    GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    }
}

#[test]
fn removing_frees_what_no_other_asset_refers_to() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (a, b) = (fill(&store, "a", 5, true), fill(&store, "b", 2, true));
    {
        let writer = store.writer(&a).unwrap();
        writer
            .partial(&PartialKey::new("x"))
            .unwrap()
            .append(b"12345")
            .unwrap();
    }
    let partials = store.usage().unwrap().partial_bytes;
    assert!(partials > 5);
    let removed = store.remove(&a).unwrap();
    assert_eq!(
        (removed.blobs_removed, removed.bytes_freed),
        (3, 6000 + partials)
    );
    assert_eq!(store.asset(&a).unwrap_err().kind(), ErrorKind::UnknownAsset);
    assert_eq!(store.asset_ids().unwrap(), std::slice::from_ref(&b));
    assert_eq!(contents(&store, &store.asset(&b).unwrap()).len(), 2);
    assert_eq!(store.usage().unwrap().blobs, 2);
    assert_eq!(files_below(&scratch.root().join("trash")).len(), 0);
    assert_eq!(files_below(&scratch.root().join("ingest")).len(), 0);
    assert_eq!(
        store.remove(&a).unwrap_err().kind(),
        ErrorKind::UnknownAsset
    );
    // The id is free again.
    assert_eq!(
        store
            .asset(&fill(&store, "a", 1, true))
            .unwrap()
            .generation(),
        1
    );
}

#[test]
fn garbage_is_what_no_manifest_and_no_log_names() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let sealed = fill(&store, "sealed", 3, true);
    let open = fill(&store, "open", 5, false);
    {
        let writer = store.writer(&sealed).unwrap();
        writer.put("0.ts", b"new", segment()).unwrap();
        writer.put("gone", b"gone", segment()).unwrap();
        writer.remove_entry("gone").unwrap();
        // A power cut might bring it back.
        let report = store.collect_garbage(&at_once()).unwrap();
        assert_eq!((report.blobs_removed, report.blobs_kept), (0, 7));
        writer.seal().unwrap();
    }
    let dry = GcOptions {
        dry_run: true,
        ..at_once()
    };
    let expected = GcReport {
        blobs_removed: 1,
        blobs_kept: 6,
        bytes_freed: 4,
        ..GcReport::default()
    };
    assert_eq!(store.collect_garbage(&dry).unwrap(), expected);
    assert_eq!(
        store.collect_garbage(&dry).unwrap(),
        expected,
        "nothing was done"
    );
    assert_eq!(store.collect_garbage(&at_once()).unwrap(), expected);
    let report = store.collect_garbage(&at_once()).unwrap();
    assert_eq!(
        report,
        GcReport {
            blobs_kept: 6,
            ..GcReport::default()
        }
    );
    for id in [sealed, open] {
        contents(&store, &store.asset(&id).unwrap());
    }
}

#[test]
fn partials_go_by_age_and_never_while_their_asset_is_written() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    writer
        .partial(&PartialKey::new("x"))
        .unwrap()
        .append(b"12345")
        .unwrap();
    assert_eq!(
        store.collect_garbage(&at_once()).unwrap().partials_removed,
        0
    );
    assert_eq!(writer.partial(&PartialKey::new("x")).unwrap().length(), 5);
    drop(writer);
    assert_eq!(
        store
            .collect_garbage(&GcOptions::default())
            .unwrap()
            .partials_removed,
        0
    );
    assert_eq!(
        store.collect_garbage(&at_once()).unwrap().partials_removed,
        2
    );
    let writer = store.writer(&id("film")).unwrap();
    assert_eq!(writer.partial(&PartialKey::new("x")).unwrap().length(), 0);
}

#[test]
fn remains_of_a_removal_that_was_cut_off_are_taken() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 2, true);
    let folder = scratch.asset_file(&id, "");
    std::fs::rename(folder, scratch.root().join("trash/removed-a-1")).unwrap();
    let report = store.collect_garbage(&at_once()).unwrap();
    assert_eq!((report.blobs_removed, report.trash_removed), (2, 1));
    assert_eq!(store.usage().unwrap().trash_bytes, 0);
}

#[test]
fn foreign_files_are_left_alone() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let foreign = scratch.root().join("blobs/b3/00/readme.txt");
    std::fs::write(&foreign, b"mine").unwrap();
    assert_eq!(
        store.collect_garbage(&at_once()).unwrap(),
        GcReport::default()
    );
    assert!(foreign.exists());
}

#[test]
fn what_was_replaced_stays_until_the_asset_is_sealed() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    writer.put("0", &noise(1, 500), segment()).unwrap();
    writer.put("0", &noise(2, 500), segment()).unwrap();
    assert_eq!(store.collect_garbage(&at_once()).unwrap().blobs_removed, 0);
    assert_eq!(writer.seal().unwrap().entries().len(), 1);
    assert_eq!(store.collect_garbage(&at_once()).unwrap().blobs_removed, 1);
}

#[test]
fn collecting_beside_writers_takes_nothing_they_have() {
    let scratch = Scratch::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (scratch, done) = (&scratch, &done);
        let writers: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                scope.spawn(move || {
                    let store = scratch.store();
                    let writer = store.writer(&id(name)).unwrap();
                    for round in 0..60 {
                        // The same content comes and goes in both assets.
                        let bytes = noise(round % 5, 500);
                        let entry = writer.put(&format!("{}", round % 3), &bytes, segment());
                        assert!(store.has_blob(&entry.unwrap().digest, 500));
                    }
                    writer.seal().unwrap();
                })
            })
            .collect();
        scope.spawn(move || {
            let store = scratch.store();
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                store.collect_garbage(&at_once()).unwrap();
            }
        });
        let finished: Vec<_> = writers
            .into_iter()
            .map(|writer| writer.join().is_ok())
            .collect();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(finished, [true, true]);
    });
    let report = scratch.store().verify(None, &mut |_| {}).unwrap();
    assert!(report.is_good(), "{report:?}");
}
