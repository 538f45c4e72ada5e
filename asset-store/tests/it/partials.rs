//! Partials: continued exactly where the bytes are known to be right.

use asset_store::{ErrorKind, PartialKey};
use proptest::prelude::*;

use crate::support::{Scratch, content, files_below, id, noise, segment};

fn key() -> PartialKey {
    PartialKey::new("https://example.com/1.ts")
}

fn data_file(scratch: &Scratch) -> std::path::PathBuf {
    let files = files_below(&scratch.root().join("ingest"));
    files
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "data"))
        .unwrap()
}

#[test]
fn a_partial_continues_after_a_restart() {
    let scratch = Scratch::new();
    let bytes = noise(1, 5000);
    {
        let writer = scratch.store().writer(&id("film")).unwrap();
        let mut partial = writer.partial(&key()).unwrap();
        partial.begin(0, Some("\"v1\""), Some(5000)).unwrap();
        partial.append(&bytes[..3000]).unwrap();
    }
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    assert_eq!(partial.length(), 3000);
    assert_eq!(partial.validator(), Some("\"v1\""));
    assert_eq!(partial.complete_length(), Some(5000));
    partial.begin(3000, Some("\"v1\""), Some(5000)).unwrap();
    partial.append(&bytes[3000..]).unwrap();
    let entry = writer.commit(partial, "1.ts", segment()).wait().unwrap();
    assert_eq!(content(&store, &entry), bytes);
    assert_eq!(writer.partial(&key()).unwrap().length(), 0, "used up");
}

#[test]
fn what_a_checkpoint_notes_outlives_a_process_that_is_killed() {
    for has_checkpoint in [false, true] {
        let scratch = Scratch::new();
        let bytes = noise(1, 5000);
        let writer = scratch.store().writer(&id("film")).unwrap();
        let mut partial = writer.partial(&key()).unwrap();
        partial.begin(0, Some("\"v1\""), Some(5000)).unwrap();
        partial.append(&bytes[..3000]).unwrap();
        if has_checkpoint {
            partial.checkpoint().unwrap();
        }
        // What a process that ends here would leave behind.
        let left = Scratch::new();
        for file in files_below(&scratch.root()) {
            let copy = left.root().join(file.strip_prefix(scratch.root()).unwrap());
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(&file, copy).unwrap();
        }
        drop(partial);
        let writer = left.store().writer(&id("film")).unwrap();
        let expected = if has_checkpoint { 3000 } else { 0 };
        assert_eq!(writer.partial(&key()).unwrap().length(), expected);
    }
}

#[test]
fn other_ranges_and_assets_have_other_partials() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (a, b) = (
        store.writer(&id("a")).unwrap(),
        store.writer(&id("b")).unwrap(),
    );
    let range = |range| PartialKey {
        range: Some(range),
        ..key()
    };
    let mut partial = a.partial(&range(0..10)).unwrap();
    partial.append(b"12345").unwrap();
    drop(partial);
    assert_eq!(a.partial(&range(0..10)).unwrap().length(), 5);
    assert_eq!(a.partial(&range(0..11)).unwrap().length(), 0);
    assert_eq!(a.partial(&key()).unwrap().length(), 0);
    assert_eq!(b.partial(&range(0..10)).unwrap().length(), 0);
}

#[test]
fn a_partial_is_open_once() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let partial = writer.partial(&key()).unwrap();
    assert_eq!(writer.partial(&key()).unwrap_err().kind(), ErrorKind::Busy);
    drop(partial);
    assert!(writer.partial(&key()).is_ok());
}

#[test]
fn a_prefix_that_does_not_hash_is_not_continued() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    for change in [&b"?????"[..], b"", b"hell"] {
        let mut partial = writer.partial(&key()).unwrap();
        partial.begin(0, Some("\"v1\""), None).unwrap();
        partial.append(b"hello").unwrap();
        drop(partial);
        std::fs::write(data_file(&scratch), change).unwrap();
        let partial = writer.partial(&key()).unwrap();
        assert_eq!(
            (partial.length(), partial.validator()),
            (0, None),
            "{change:?}"
        );
    }
}

#[test]
fn a_garbled_note_is_not_believed() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    partial.append(b"hello").unwrap();
    drop(partial);
    let meta = data_file(&scratch).with_extension("meta");
    let text = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, text.replace("\"length\":5", "\"length\":4")).unwrap();
    assert_eq!(writer.partial(&key()).unwrap().length(), 0);
}

#[test]
fn bytes_beyond_the_last_note_are_dropped() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    partial.append(b"hello").unwrap();
    drop(partial);
    std::fs::write(data_file(&scratch), b"hello and more").unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    assert_eq!(partial.length(), 5);
    partial.append(b"!").unwrap();
    let entry = writer.commit(partial, "x", segment()).wait().unwrap();
    assert_eq!(content(&scratch.store(), &entry), b"hello!");
}

#[test]
fn a_start_beyond_the_end_is_refused() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    partial.append(b"hello").unwrap();
    assert_eq!(
        partial.begin(6, None, None).unwrap_err().kind(),
        ErrorKind::InvalidOffset
    );
    assert_eq!(partial.length(), 5);
}

#[test]
fn a_discarded_or_empty_partial_leaves_nothing() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    partial.append(&noise(0, 3 << 20)).unwrap();
    partial.discard();
    drop(writer.partial(&PartialKey::new("other")).unwrap());
    assert!(files_below(&scratch.root().join("ingest")).is_empty());
}

#[test]
fn data_that_somebody_cut_is_not_committed() {
    let scratch = Scratch::new();
    let writer = scratch.store().writer(&id("film")).unwrap();
    let mut partial = writer.partial(&key()).unwrap();
    partial.append(b"hello").unwrap();
    std::fs::write(data_file(&scratch), b"hell").unwrap();
    let error = writer.commit(partial, "x", segment()).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(!writer.contains("x"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a resource arrives, with restarts at any place, what is stored is what was sent.
    #[test]
    fn any_schedule_of_pieces_gives_the_bytes(
        steps in prop::collection::vec((0_u8..4, 0_usize..3000), 1..20),
    ) {
        let scratch = Scratch::new();
        let store = scratch.store();
        let writer = store.writer(&id("film")).unwrap();
        let bytes = noise(7, 60_000);
        let mut partial = writer.partial(&key()).unwrap();
        let at = |partial: &asset_store::Partial| usize::try_from(partial.length()).unwrap();
        for (what, size) in steps {
            let start = at(&partial);
            match what {
                0 => partial.begin(start.saturating_sub(size) as u64, None, None).unwrap(),
                1 => {
                    drop(partial);
                    partial = writer.partial(&key()).unwrap();
                    prop_assert_eq!(at(&partial), start);
                }
                _ => partial.append(&bytes[start..start + size]).unwrap(),
            }
        }
        let length = at(&partial);
        let entry = writer.commit(partial, "x", segment()).wait().unwrap();
        prop_assert_eq!(content(&store, &entry), &bytes[..length]);
    }
}
