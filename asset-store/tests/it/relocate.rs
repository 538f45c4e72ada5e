//! Renaming and copying whole assets.

use asset_store::testing::SimulatedFileSystem;
use asset_store::{Durability, ErrorKind, PartialKey, Store, StoreOptions};

use crate::support::{Scratch, contents, fill, id, noise, segment};

#[test]
fn a_renamed_asset_is_the_same_under_its_new_id() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let film = fill(&store, "film", 3, true);
    store.set_document(&film, "policy", b"keep").unwrap();
    {
        let mut partial = store
            .writer(&film)
            .unwrap()
            .partial(&PartialKey::new("x"))
            .unwrap();
        partial.append(b"half").unwrap();
    }
    let before = contents(&store, &store.asset(&film).unwrap());
    store.rename(&film, &id("concert")).unwrap();

    let asset = store.asset(&id("concert")).unwrap();
    assert!(asset.is_sealed());
    assert_eq!(asset.id(), &id("concert"));
    assert_eq!(contents(&store, &asset), before);
    let document = store.document(&id("concert"), "policy").unwrap();
    assert_eq!(document.as_deref(), Some(&b"keep"[..]));
    assert_eq!(store.asset_ids().unwrap(), [id("concert")]);
    assert_eq!(
        store.asset(&film).unwrap_err().kind(),
        ErrorKind::UnknownAsset
    );
    // It can be written and sealed as before, and received bytes are still there.
    let writer = store.writer(&id("concert")).unwrap();
    assert_eq!(writer.partial(&PartialKey::new("x")).unwrap().length(), 4);
    writer.put("new", b"new", segment()).unwrap();
    assert_eq!(writer.seal().unwrap().generation(), 2);
    assert!(store.verify(None, &mut |_| {}).unwrap().is_good());
}

#[test]
fn a_copy_shares_the_bytes_and_nothing_else() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for sealed in [true, false] {
        let from = fill(&store, &format!("from-{sealed}"), 3, sealed);
        let to = id(&format!("to-{sealed}"));
        store.set_document(&from, "policy", b"keep").unwrap();
        let before = store.usage().unwrap().blob_bytes;
        let copy = store.copy(&from, &to).unwrap();
        assert_eq!(copy, store.asset(&to).unwrap());
        assert_eq!(copy.is_sealed(), sealed);
        assert_eq!(store.usage().unwrap().blob_bytes, before);
        let same = contents(&store, &store.asset(&from).unwrap());
        assert_eq!(contents(&store, &copy), same);
        assert!(store.document(&to, "policy").unwrap().is_some());
        // Whatever happens to one of them is nothing to the other.
        store
            .writer(&to)
            .unwrap()
            .put("0.ts", b"changed", segment())
            .unwrap();
        assert_eq!(contents(&store, &store.asset(&from).unwrap()), same);
        store.remove(&from).unwrap();
        let left = contents(&store, &store.asset(&to).unwrap());
        assert_eq!(left[1..], same[1..]);
    }
}

#[test]
fn an_id_that_is_taken_or_unknown_or_written_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (a, b) = (fill(&store, "a", 1, true), fill(&store, "b", 2, true));
    let kind = |said: Result<(), asset_store::Error>| said.unwrap_err().kind();
    let copy = |from, to| store.copy(from, to).map(drop);
    assert_eq!(kind(store.rename(&a, &b)), ErrorKind::AlreadyExists);
    assert_eq!(kind(copy(&a, &b)), ErrorKind::AlreadyExists);
    assert_eq!(kind(copy(&a, &a)), ErrorKind::AlreadyExists);
    assert_eq!(
        kind(store.rename(&id("x"), &id("y"))),
        ErrorKind::UnknownAsset
    );
    assert_eq!(kind(copy(&id("x"), &id("y"))), ErrorKind::UnknownAsset);
    let _writer = store.writer(&a).unwrap();
    assert_eq!(kind(store.rename(&a, &id("y"))), ErrorKind::Busy);
    assert_eq!(store.asset_ids().unwrap(), [a, b]);
}

const DURABLE: StoreOptions = StoreOptions {
    durability: Durability::Durable,
    create: true,
    verify_on_read: asset_store::VerifyOnRead::Never,
    quota: None,
};

fn stopped_everywhere(work: impl Fn(&Store), law: impl Fn(&Store)) {
    let system = SimulatedFileSystem::new();
    let store = system.open_store(&DURABLE).unwrap();
    let writer = store.writer(&id("a")).unwrap();
    writer.put("x", &noise(1, 3000), segment()).unwrap();
    writer.seal().unwrap();
    writer.put("y", &noise(2, 500), segment()).unwrap();
    drop(writer);
    let before = system.steps().len();
    work(&store);
    for steps in before..=system.steps().len() {
        law(&system.killed(steps).open_store(&DURABLE).unwrap());
        for seed in 0..8 {
            let after = system.power_cut(steps, seed);
            law(&after.open_store(&DURABLE).unwrap());
        }
    }
}

fn has_everything(store: &Store, name: &str) -> bool {
    match store.asset(&id(name)) {
        Ok(asset) => {
            let found = contents(store, &asset);
            assert_eq!(found.len(), 2, "{name}");
            assert_eq!(found[0].1, noise(1, 3000));
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::UnknownAsset);
            false
        }
    }
}

#[test]
fn a_crash_leaves_a_renamed_asset_under_one_of_its_ids() {
    let rename = |store: &Store| store.rename(&id("a"), &id("b")).unwrap();
    stopped_everywhere(rename, |store| {
        assert!(has_everything(store, "a") != has_everything(store, "b"));
    });
}

#[test]
fn a_crash_leaves_a_whole_copy_or_none() {
    let copy = |store: &Store| drop(store.copy(&id("a"), &id("b")).unwrap());
    stopped_everywhere(copy, |store| {
        assert!(has_everything(store, "a"));
        let there = has_everything(store, "b");
        store
            .collect_garbage(&asset_store::GcOptions::default())
            .unwrap();
        assert_eq!(has_everything(store, "b"), there);
    });
}
