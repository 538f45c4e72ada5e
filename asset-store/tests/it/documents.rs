//! Documents beside the manifest.

use asset_store::ErrorKind;

use crate::support::{Scratch, fill, id};

#[test]
fn documents_are_replaced_whole_even_while_the_asset_is_written() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 1, true);
    assert_eq!(store.document(&id, "policy").unwrap(), None);
    let writer = store.writer(&id).unwrap();
    scratch
        .store()
        .set_document(&id, "policy", b"keep")
        .unwrap();
    store.set_document(&id, "state", b"").unwrap();
    store.set_document(&id, "policy", b"expire").unwrap();
    assert_eq!(
        store.document(&id, "policy").unwrap().as_deref(),
        Some(&b"expire"[..])
    );
    assert_eq!(
        store.document(&id, "state").unwrap().as_deref(),
        Some(&b""[..])
    );
    drop(writer);
    store.remove(&id).unwrap();
    assert_eq!(store.document(&id, "policy").unwrap(), None);
}

#[test]
fn a_document_does_not_bring_an_asset_into_being() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let error = store.set_document(&id("gone"), "policy", b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownAsset);
    assert!(store.asset_ids().unwrap().is_empty());
}

#[test]
fn bad_names_and_sizes_are_refused() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "film", 0, false);
    for name in ["", "../HEAD", "a/b", ".x"] {
        let error = store.set_document(&id, name, b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{name:?}");
        assert!(store.document(&id, name).is_err());
    }
    let error = store
        .set_document(&id, "big", &vec![0; (16 << 20) + 1])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(store.document(&id, "big").unwrap(), None);
}

#[test]
fn documents_of_the_store_are_there_for_everybody() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(store.store_document("policy").unwrap(), None);
    store.set_store_document("policy", b"keep").unwrap();
    store.set_store_document("policy", b"expire").unwrap();
    let read = scratch.store().store_document("policy").unwrap();
    assert_eq!(read.as_deref(), Some(&b"expire"[..]));
    // It is no asset's, and garbage collection leaves it.
    let id = fill(&store, "film", 0, false);
    assert_eq!(store.document(&id, "policy").unwrap(), None);
    store
        .collect_garbage(&asset_store::GcOptions::default())
        .unwrap();
    assert!(store.store_document("policy").unwrap().is_some());
    for name in ["", "../HEAD", "a/b", ".x"] {
        let error = store.set_store_document(name, b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{name:?}");
        assert!(store.store_document(name).is_err());
    }
    let error = store
        .set_store_document("big", &vec![0; (16 << 20) + 1])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_volume_has_at_least_what_is_free() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert!(store.volume_bytes().unwrap() >= store.free_bytes().unwrap());
}
