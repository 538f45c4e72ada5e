//! The index: a hint, and never more.

use asset_store::{Source, Store};

use crate::support::{Scratch, contents, files_below, from_source, id, segment};

fn find(store: &Store, identity: &str) -> bool {
    store.find_source(identity).unwrap().is_some()
}

fn filled() -> Scratch {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    for name in ["one", "two", "three"] {
        writer
            .put(name, name.as_bytes(), from_source(name))
            .unwrap();
    }
    writer.seal().unwrap();
    scratch
}

#[test]
fn what_was_stored_is_found_by_its_source_now_and_later() {
    let scratch = Scratch::new();
    {
        let store = scratch.store();
        let writer = store.writer(&id("film")).unwrap();
        let entry = writer.put("x", b"bytes", from_source("one")).unwrap();
        assert_eq!(store.find_source("one").unwrap(), Some((entry.digest, 5)));
        assert!(!find(&store, "two"));
    }
    assert!(find(&scratch.store(), "one"));
    assert!(scratch.root().join("index/clean").exists());
}

#[test]
fn a_range_is_not_taken_for_the_whole_or_for_another_range() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let source = Source {
        identity: "one".into(),
        range: Some(0..5),
        ..Source::default()
    };
    writer
        .put("x", b"bytes", segment().with_source(source))
        .unwrap();
    assert!(!find(&store, "one"));
    assert!(store.find_source_range("one", 0..5).unwrap().is_some());
    assert!(store.find_source_range("one", 0..6).unwrap().is_none());
}

#[test]
fn a_source_whose_blob_is_gone_is_not_found() {
    let scratch = filled();
    let store = scratch.store();
    assert!(find(&store, "one"));
    store.remove(&id("film")).unwrap();
    assert!(!find(&store, "one"));
}

#[test]
fn it_is_told_before_the_log_is_so_that_no_kill_leaves_it_complete_without_an_entry() {
    let scratch = filled();
    let store = scratch.store();
    // On a busy machine it may take longer to open than anybody waits for it.
    while !find(&store, "one") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let writer = store.writer(&id("film")).unwrap();
    // Nothing can be appended to this log.
    let log = scratch.asset_file(&id("film"), "1.log");
    std::fs::create_dir(&log).unwrap();
    let put = writer.put("four", b"four", from_source("four"));
    assert!(put.is_err());
    drop((writer, store));
    assert!(scratch.root().join("index/clean").exists());
    assert!(find(&scratch.store(), "four"));
}

#[test]
fn without_the_clean_mark_it_is_built_anew() {
    let scratch = filled();
    std::fs::remove_file(scratch.root().join("index/clean")).unwrap();
    std::fs::remove_dir_all(scratch.root().join("index/sled")).unwrap();
    let store = scratch.store();
    for name in ["one", "two", "three"] {
        assert!(find(&store, name));
    }
}

#[test]
fn what_is_stored_while_it_is_built_is_found_now_and_by_the_next_one() {
    let scratch = filled();
    for round in 0..20 {
        std::fs::remove_file(scratch.root().join("index/clean")).ok();
        let store = scratch.store();
        let writer = store.writer(&id("film")).unwrap();
        let name = format!("new {round}");
        writer
            .put(&name, name.as_bytes(), from_source(&name))
            .unwrap();
        assert!(find(&store, &name));
    }
    let store = scratch.store();
    assert!(
        ["one", "new 0", "new 19"]
            .iter()
            .all(|name| find(&store, name))
    );
}

#[test]
fn deleting_or_damaging_it_changes_no_answer() {
    let scratch = filled();
    let answer = |store: &Store| {
        let asset = store.asset(&id("film")).unwrap();
        let report = store.verify(None, &mut |_| {}).unwrap();
        (
            store.asset_ids().unwrap(),
            contents(store, &asset),
            report,
            store.usage().unwrap(),
            ["one", "nothing"].map(|content| {
                let digest = asset_store::Digest::of(content.as_bytes());
                store.assets_with(&digest).unwrap()
            }),
        )
    };
    let expected = answer(&scratch.store());
    std::fs::remove_dir_all(scratch.root().join("index")).unwrap();
    assert_eq!(answer(&scratch.store()), expected);
    assert!(find(&scratch.store(), "two"));

    for damage in 0..6_usize {
        let database = scratch.root().join("index/sled/db");
        let mut bytes = std::fs::read(&database).unwrap();
        match damage {
            0 => bytes.clear(),
            1 => bytes.truncate(bytes.len() / 2),
            2 => bytes.fill(0),
            _ => bytes
                .iter_mut()
                .skip(damage)
                .step_by(97)
                .for_each(|byte| *byte ^= 0xff),
        }
        std::fs::write(&database, bytes).unwrap();
        let store = scratch.store();
        assert_eq!(answer(&store), expected);
        // Found or not, it is never another blob, and storing goes on.
        let two = asset_store::Digest::of(b"two");
        assert!(
            store
                .find_source("two")
                .unwrap()
                .is_none_or(|found| found == (two, 3))
        );
        let writer = store.writer(&id("film")).unwrap();
        writer.put("two", b"two", from_source("two")).unwrap();
        writer.seal().unwrap();
        drop((writer, store));
        std::fs::remove_file(scratch.root().join("index/clean")).ok();
        assert!(find(&scratch.store(), "two"));
    }
}

#[test]
fn a_second_handle_goes_on_without_it_and_the_next_one_learns_of_that() {
    let scratch = Scratch::new();
    let first = scratch.store();
    let writer = first.writer(&id("a")).unwrap();
    writer.put("x", b"first", from_source("one")).unwrap();
    let second = scratch.store();
    let other = second.writer(&id("b")).unwrap();
    other.put("y", b"second", from_source("two")).unwrap();
    assert!(!find(&second, "one"), "the index is in use");
    drop((writer, other, first, second));
    let third = scratch.store();
    assert!(find(&third, "one") && find(&third, "two"));
}

#[test]
fn reading_needs_no_index() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = crate::support::fill(&store, "film", 2, true);
    contents(&store, &store.asset(&id).unwrap());
    store.usage().unwrap();
    store.verify(None, &mut |_| {}).unwrap();
    let index = scratch.root().join("index");
    assert!(!index.exists() || files_below(&index).is_empty());
}
