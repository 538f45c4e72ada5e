//! Commits: gathered, as futures, of equal content, failing.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use asset_store::{ErrorKind, PartialKey};

use crate::support::{Scratch, contents, files_below, fill, id, noise, segment};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_commit_is_a_future() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let writer = store.writer(&id("film")).unwrap();
    let mut partial = writer.partial(&PartialKey::new("x")).unwrap();
    partial.append(b"bytes").unwrap();
    let entry = block_on(writer.commit(partial, "x", segment())).unwrap();
    assert_eq!(entry.length, 5);
    assert!(writer.contains("x"));
}

#[test]
fn commits_from_many_threads_and_assets_all_arrive() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let store = &store;
            scope.spawn(move || {
                let writer = store.writer(&id(name)).unwrap();
                let commits: Vec<_> = (0..50)
                    .map(|number| {
                        let key = PartialKey::new(format!("{number}"));
                        let mut partial = writer.partial(&key).unwrap();
                        partial.append(&noise(number, 300)).unwrap();
                        writer.commit(partial, &format!("{number}"), segment())
                    })
                    .collect();
                let sealed = writer.seal().unwrap();
                assert_eq!(
                    sealed.entries().len(),
                    50,
                    "the seal waits for what is queued"
                );
                for commit in commits {
                    commit.wait().unwrap();
                }
            });
        }
    });
    for name in ["a", "b", "c"] {
        let asset = store.asset(&id(name)).unwrap();
        for (path, bytes) in contents(&store, &asset) {
            assert_eq!(bytes, noise(path.parse().unwrap(), 300));
        }
    }
    assert_eq!(
        store.usage().unwrap().blobs,
        50,
        "equal content is stored once"
    );
    assert!(files_below(&scratch.root().join("ingest")).is_empty());
}

#[test]
fn an_abandoned_commit_is_done_all_the_same() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let writer = store.writer(&id("film")).unwrap();
    let mut partial = writer.partial(&PartialKey::new("x")).unwrap();
    partial.append(b"bytes").unwrap();
    drop(writer.commit(partial, "x", segment()));
    drop(writer);
    drop(store);
    assert_eq!(
        scratch
            .durable_store()
            .asset(&id("film"))
            .unwrap()
            .entries()
            .len(),
        1
    );
}

#[test]
fn equal_content_is_stored_once_and_linked() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let first = store.writer(&id("first")).unwrap();
    let entry = first.put("x", b"same", segment()).unwrap();
    let second = store.writer(&id("second")).unwrap();
    assert_eq!(
        second.put("y", b"same", segment()).unwrap().digest,
        entry.digest
    );
    second
        .link("z", &entry.digest, entry.length, segment())
        .unwrap();
    assert_eq!(store.usage().unwrap().blobs, 1);
    let wrong = second.link("w", &entry.digest, 5, segment()).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Missing);
    assert_eq!(second.asset().entries().len(), 2);
}

#[test]
fn storing_again_replaces_a_damaged_blob() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let writer = store.writer(&id("film")).unwrap();
    let entry = writer.put("x", b"right", segment()).unwrap();
    for wrong in [&b"wrong"[..], b"", b"longer than before"] {
        crate::support::overwrite(&scratch.blob_file(&entry.digest), wrong);
        writer.put("y", b"right", segment()).unwrap();
        assert_eq!(
            std::fs::read(scratch.blob_file(&entry.digest)).unwrap(),
            b"right"
        );
    }
    assert_eq!(files_below(&scratch.root().join("trash/damaged")).len(), 3);
}

#[test]
fn a_partial_of_another_asset_is_refused_and_kept() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let (a, b) = (
        store.writer(&id("a")).unwrap(),
        store.writer(&id("b")).unwrap(),
    );
    let mut partial = a.partial(&PartialKey::new("x")).unwrap();
    partial.append(b"bytes").unwrap();
    assert!(b.commit(partial, "x", segment()).wait().is_err());
    assert!(b.asset().entries().is_empty());
    assert_eq!(a.partial(&PartialKey::new("x")).unwrap().length(), 5);
}

#[test]
fn a_failed_commit_changes_nothing_and_keeps_the_bytes() {
    let scratch = Scratch::new();
    let store = scratch.durable_store();
    let writer = store.writer(&id("film")).unwrap();
    // A folder where the log should be.
    std::fs::create_dir(scratch.asset_file(&id("film"), "0.log")).unwrap();
    assert!(writer.put("x", b"bytes", segment()).is_err());
    let mut partial = writer.partial(&PartialKey::new("y")).unwrap();
    partial.append(b"other").unwrap();
    assert!(writer.commit(partial, "../y", segment()).wait().is_err());
    assert!(writer.asset().entries().is_empty());
    assert_eq!(writer.partial(&PartialKey::new("y")).unwrap().length(), 5);
    std::fs::remove_dir(scratch.asset_file(&id("film"), "0.log")).unwrap();
    writer.put("x", b"bytes", segment()).unwrap();
    assert_eq!(store.asset(&id("film")).unwrap().entries().len(), 1);
}

#[test]
fn a_relaxed_store_holds_the_same() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 5, true);
    let asset = scratch.durable_store().asset(&id).unwrap();
    assert!(asset.is_sealed());
    assert_eq!(contents(&store, &asset).len(), 5);
}
