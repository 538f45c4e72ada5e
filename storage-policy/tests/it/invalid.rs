//! Inventories that contradict themselves.

use storage_policy::{Amount, Error, ErrorKind, Inventory, Item, StorePolicy, plan};

use crate::support::{at, inventory, item};

fn error(items: Vec<Item>, lengths: &[u64]) -> Error {
    plan(&inventory(items, lengths), &StorePolicy::default(), at(0)).unwrap_err()
}

#[test]
fn a_blob_without_a_length() {
    for blob in [1, u32::MAX] {
        let error = error(vec![item("a", 0, &[0, blob])], &[5]);
        assert_eq!(error.kind(), ErrorKind::BlobOutOfRange);
        assert_eq!(
            error.to_string(),
            format!(r#"item "a" holds blob {blob}, but the inventory has 1 blobs"#)
        );
    }
}

#[test]
fn a_blob_twice() {
    let items = vec![item("a", 0, &[0]), item("b", 0, &[0, 1, 0])];
    let error = error(items, &[5, 5]);
    assert_eq!(error.kind(), ErrorKind::DuplicateBlob);
    assert!(error.to_string().contains(r#"item "b" holds blob 0 twice"#));
}

#[test]
fn an_id_twice() {
    let error = error(
        vec![item("a", 0, &[]), item("b", 0, &[]), item("a", 1, &[])],
        &[],
    );
    assert_eq!(error.kind(), ErrorKind::DuplicateItem);
    assert!(error.to_string().contains(r#""a""#));
}

#[test]
fn more_bytes_than_can_be_counted() {
    let error = error(vec![item("a", 0, &[0])], &[u64::MAX, 1]);
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_minimum_of_free_bytes_that_are_unknown() {
    let limits = StorePolicy {
        min_free: Some(Amount::Bytes(0)),
        ..StorePolicy::default()
    };
    let error = plan(&Inventory::default(), &limits, at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownFreeSpace);
}
