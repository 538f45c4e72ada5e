//! Assets: what is written is what is read, by whomever and whenever.

use asset_store::{AssetId, ErrorKind, check_entry_path};
use proptest::prelude::*;

use crate::support::{Scratch, content, contents, fill, id, noise, segment};

#[test]
fn entries_are_there_before_and_after_the_seal() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let entry = writer.put("video/1.ts", b"one", segment()).unwrap();
    assert_eq!((entry.length, entry.role.as_str()), (3, "segment"));

    let reader = scratch.store();
    let asset = reader.asset(&id("film")).unwrap();
    assert_eq!((asset.generation(), asset.is_sealed()), (0, false));
    assert_eq!(content(&reader, &entry), b"one");

    let sealed = writer.seal().unwrap();
    assert_eq!((sealed.generation(), sealed.is_sealed()), (1, true));
    assert_eq!(reader.asset(&id("film")).unwrap(), sealed);
    assert_eq!(
        writer.seal().unwrap().generation(),
        1,
        "nothing has changed"
    );

    writer.put("video/1.ts", b"other", segment()).unwrap();
    let changed = reader.asset(&id("film")).unwrap();
    assert_eq!((changed.generation(), changed.is_sealed()), (1, false));
    assert_eq!(
        content(&reader, changed.entry("video/1.ts").unwrap()),
        b"other"
    );
    assert_eq!(writer.seal().unwrap().generation(), 2);
    drop(writer);
    assert_eq!(
        contents(&store, &scratch.store().asset(&id("film")).unwrap()).len(),
        1
    );
}

#[test]
fn only_the_files_of_the_current_generation_stay() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 2, true);
    let writer = store.writer(&id).unwrap();
    writer.remove_entry("0.ts").unwrap();
    assert!(scratch.asset_file(&id, "1.log").exists());
    writer.seal().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(scratch.asset_file(&id, ""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["2.manifest", "HEAD", "writer.lock"]);
}

#[test]
fn removed_and_unknown_entries_are_missing() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 2, false);
    let writer = store.writer(&id).unwrap();
    assert!(writer.contains("0.ts"));
    writer.remove_entry("0.ts").unwrap();
    assert!(!writer.contains("0.ts"));
    assert_eq!(
        writer.remove_entry("0.ts").unwrap_err().kind(),
        ErrorKind::Missing
    );
    assert_eq!(store.asset(&id).unwrap().entries().len(), 1);
    let unknown = store.asset(&"nothing".parse().unwrap()).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::UnknownAsset);
}

#[test]
fn an_entry_without_its_blob_is_not_contained() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 1, false);
    let writer = store.writer(&id).unwrap();
    let entry = writer.asset().entry("0.ts").cloned().unwrap();
    std::fs::remove_file(scratch.blob_file(&entry.digest)).unwrap();
    assert!(!writer.contains("0.ts"));
    assert_eq!(
        store.open_entry(&entry).unwrap_err().kind(),
        ErrorKind::Missing
    );
    writer.put("0.ts", &noise(0, 2000), segment()).unwrap();
    assert!(writer.contains("0.ts"));
}

#[test]
fn a_reader_beside_a_sealing_writer_never_sees_less_than_was_acknowledged() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let acknowledged = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let reader = scratch.store();
            while !done.load(order) {
                let before = acknowledged.load(order);
                let found = reader.asset(&id("film")).unwrap().entries().len();
                assert!(found >= before, "{found} of {before}");
            }
        });
        for number in 0..40 {
            writer
                .put(&format!("{number}"), &noise(number, 10), segment())
                .unwrap();
            acknowledged.fetch_add(1, order);
            writer.seal().unwrap();
        }
        done.store(true, order);
    });
}

#[test]
fn bad_paths_are_refused_and_leave_no_trace() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    for path in [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a\\b",
        "a\nb",
        "c:/x",
    ] {
        let error = writer.put(path, b"x", segment()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{path:?}");
    }
    let long = "x".repeat(1025);
    assert_eq!(
        writer.put(&long, b"x", segment()).unwrap_err().kind(),
        ErrorKind::InvalidName
    );
    assert!(writer.asset().entries().is_empty());
    assert_eq!(store.usage().unwrap().blobs, 0);
}

#[test]
fn bad_ids_are_refused() {
    for bad in [
        "", ".", "..", ".hidden", "dot.", "a/b", "a b", "ä", "NUL", "com1.x", "lpt9", "aux",
    ] {
        assert_eq!(
            AssetId::new(bad).unwrap_err().kind(),
            ErrorKind::InvalidName,
            "{bad:?}"
        );
    }
    assert!(AssetId::new("x".repeat(129)).is_err());
    for good in ["a", "com", "com10", "a.b_c-D9", "console"] {
        assert_eq!(AssetId::new(good).unwrap().as_str(), good);
    }
}

proptest! {
    #[test]
    fn an_accepted_path_stays_below_the_folder_it_is_joined_to(path in "[a-c./:\\\\ ]{0,12}") {
        if check_entry_path(&path).is_ok() {
            let joined = std::path::Path::new("/export").join(&path);
            let normal = joined.components().skip(1)
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            prop_assert!(normal && joined.starts_with("/export"), "{:?}", path);
        }
    }

    #[test]
    fn an_id_is_one_part_of_a_path(text in "\\PC{0,20}") {
        if let Ok(id) = AssetId::new(text.clone()) {
            let parts: Vec<_> = std::path::Path::new(id.as_str()).components().collect();
            prop_assert_eq!(parts, [std::path::Component::Normal(text.as_ref())]);
        }
    }
}
