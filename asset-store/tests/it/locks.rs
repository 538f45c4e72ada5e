//! One writer per asset, and nobody waits for a reader.

use std::process::{Command, Stdio};

use asset_store::{ErrorKind, GcOptions};

use crate::support::{Scratch, fill, id, segment};

#[test]
fn a_second_writer_is_told_who_has_the_asset() {
    let scratch = Scratch::new();
    let (here, there) = (scratch.store(), scratch.store());
    let writer = here.writer(&id("film")).unwrap();
    for store in [&here, &there] {
        let error = store.writer(&id("film")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
        assert!(store.is_being_written(&id("film")).unwrap());
        assert_eq!(
            store.remove(&id("film")).unwrap_err().kind(),
            ErrorKind::Busy
        );
    }
    assert!(there.writer(&id("other")).is_ok());
    drop(writer);
    assert!(!there.is_being_written(&id("film")).unwrap());
    assert!(there.writer(&id("film")).is_ok());
}

#[test]
fn a_partial_keeps_the_asset_taken() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let partial = writer.partial(&asset_store::PartialKey::new("x")).unwrap();
    drop(writer);
    assert!(store.is_being_written(&id("film")).unwrap());
    drop(partial);
    assert!(!store.is_being_written(&id("film")).unwrap());
}

#[test]
fn looking_whether_it_is_written_never_keeps_a_writer_out() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fill(&store, "film", 1, true);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                scratch.store().is_being_written(&id("film")).unwrap();
            }
        });
        for _ in 0..50 {
            drop(store.writer(&id("film")).unwrap());
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}

/// Not a test of its own: what the child of the test below does.
#[test]
fn child_that_holds_an_asset() {
    let Ok(root) = std::env::var("ASSET_STORE_HOLD") else {
        return;
    };
    let writer = asset_store::Store::open(root)
        .unwrap()
        .writer(&id("film"))
        .unwrap();
    writer.put("x", b"x", segment()).unwrap();
    println!("\nHELD");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn another_process_holds_an_asset_until_it_is_killed() {
    use std::io::{BufRead, BufReader};

    let scratch = Scratch::new();
    let store = scratch.store();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "locks::child_that_holds_an_asset", "--nocapture"])
        .env("ASSET_STORE_HOLD", scratch.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "HELD"));

    let error = store.writer(&id("film")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    #[cfg(unix)]
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", child.id())),
        "{error}"
    );
    // Readers, other writers and the garbage collection go on.
    assert_eq!(store.asset(&id("film")).unwrap().entries().len(), 1);
    fill(&store, "other", 1, true);
    assert_eq!(
        store
            .collect_garbage(&GcOptions::default())
            .unwrap()
            .blobs_kept,
        2
    );

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.writer(&id("film")).unwrap().contains("x"));
}

#[test]
fn an_asset_is_in_use_until_the_last_mark_is_dropped() {
    let scratch = Scratch::new();
    let (store, other) = (scratch.store(), scratch.store());
    assert!(store.mark_in_use(&id("film")).is_err());
    assert!(!store.is_in_use(&id("film")).unwrap());
    fill(&store, "film", 1, true);
    assert!(!store.is_in_use(&id("film")).unwrap());
    let first = store.mark_in_use(&id("film")).unwrap();
    let second = other.mark_in_use(&id("film")).unwrap();
    drop(first);
    assert!(store.is_in_use(&id("film")).unwrap());
    assert!(other.is_in_use(&id("film")).unwrap());
    drop(second);
    assert!(!store.is_in_use(&id("film")).unwrap());
    let _mark = store.mark_in_use(&id("film")).unwrap();
    store.remove(&id("film")).unwrap();
}
