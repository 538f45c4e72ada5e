//! The quota of a store, and space that is reserved.

use asset_store::testing::{Fault, SimulatedFileSystem, Step};
use asset_store::{Durability, ErrorKind, PartialKey, Store, StoreOptions};

use crate::support::{Scratch, fill, id, noise, segment};

fn with_quota(scratch: &Scratch, bytes: u64) -> Store {
    let options = StoreOptions {
        durability: Durability::Relaxed,
        quota: Some(bytes),
        ..StoreOptions::default()
    };
    Store::open_with(scratch.root(), &options).unwrap()
}

#[test]
fn a_commit_beyond_the_quota_is_refused_with_the_numbers() {
    let scratch = Scratch::new();
    let store = with_quota(&scratch, 5000);
    let full = fill(&store, "a", 2, true);
    let writer = store.writer(&id("b")).unwrap();
    let error = writer.put("2.ts", &noise(2, 2000), segment()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OverQuota);
    let shortage = error.shortage().unwrap();
    assert_eq!(
        (shortage.limit, shortage.used, shortage.needed),
        (5000, 4000, 2000)
    );
    assert!(error.to_string().contains("5000"), "{error}");
    // What is stored already takes no more space, and what fits, fits.
    writer.put("0.ts", &noise(0, 2000), segment()).unwrap();
    writer.put("3.ts", &noise(3, 1000), segment()).unwrap();
    assert_eq!(store.usage().unwrap().blob_bytes, 5000);
    // A full store can be listed, read and emptied, and then there is room.
    assert_eq!(store.asset_ids().unwrap().len(), 2);
    assert_eq!(scratch.store().remove(&full).unwrap().bytes_freed, 2000);
    writer.put("2.ts", &noise(2, 2000), segment()).unwrap();
}

#[test]
fn what_is_reserved_is_kept_for_its_holder() {
    let scratch = Scratch::new();
    let (store, other) = (with_quota(&scratch, 5000), with_quota(&scratch, 5000));
    let reservation = store.reserve(4000).unwrap();
    assert_eq!(other.usage().unwrap().reserved_bytes, 4000);
    assert_eq!(
        other.reserve(1001).unwrap_err().kind(),
        ErrorKind::OverQuota
    );
    drop(other.reserve(1000).unwrap());

    let writer = store.writer(&id("a")).unwrap();
    writer.use_reservation(reservation);
    let stranger = other.writer(&id("b")).unwrap();
    let refused = stranger.put("x", &noise(9, 2000), segment());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::OverQuota);
    for number in 0..2 {
        let bytes = noise(number, 2000);
        writer.put(&number.to_string(), &bytes, segment()).unwrap();
    }
    assert_eq!(other.usage().unwrap().reserved_bytes, 0);
    drop(writer);
    stranger.put("x", &noise(9, 1000), segment()).unwrap();
}

#[test]
fn a_reservation_ends_when_it_is_dropped_or_consumed() {
    let scratch = Scratch::new();
    let store = with_quota(&scratch, 1000);
    let reservation = store.reserve(1000).unwrap();
    reservation.consume(400);
    assert_eq!(reservation.remaining(), 600);
    drop(store.reserve(400).unwrap());
    assert!(store.reserve(401).is_err());
    drop(reservation);
    drop(store.reserve(1000).unwrap());
    assert_eq!(
        std::fs::read_dir(scratch.root().join("reservations"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn a_reservation_dies_with_its_process() {
    let system = SimulatedFileSystem::new();
    let options = StoreOptions {
        quota: Some(1000),
        ..StoreOptions::default()
    };
    let store = system.open_store(&options).unwrap();
    let before = system.steps().len();
    let _held = store.reserve(1000).unwrap();
    assert!(store.reserve(1).is_err());
    for steps in before..=system.steps().len() {
        for after in [system.killed(steps), system.power_cut(steps, 1)] {
            let store = after.open_store(&options).unwrap();
            assert_eq!(store.usage().unwrap().reserved_bytes, 0);
            store
                .collect_garbage(&asset_store::GcOptions::default())
                .unwrap();
            let left = after.files();
            let left = left
                .iter()
                .filter(|file| file.path.contains("/reservations/") && file.length > 0);
            assert_eq!(left.count(), 0, "after step {steps}");
            drop(store.reserve(1000).unwrap());
        }
    }
}

#[test]
fn what_does_not_fit_on_the_volume_is_not_promised() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let free = store.free_bytes().unwrap();
    let error = store.reserve(free.saturating_mul(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    let shortage = error.shortage().unwrap();
    assert_eq!(
        (shortage.used, shortage.needed),
        (0, free.saturating_mul(2))
    );
}

#[test]
fn a_full_disk_shows_when_a_large_resource_begins() {
    let system = SimulatedFileSystem::new();
    let store = system.open_store(&StoreOptions::default()).unwrap();
    let writer = store.writer(&id("a")).unwrap();
    let mut partial = writer.partial(&PartialKey::new("x")).unwrap();
    system.fail(system.steps().len(), Fault::DiskFull);
    let error = partial.begin(0, None, Some(5 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    assert_eq!(system.steps().last(), Some(&Step::Allocate));
    // A range of it takes no more than the range.
    let ranged = PartialKey {
        identity: "x".to_owned(),
        range: Some(0..1000),
    };
    system.heal();
    let mut partial = writer.partial(&ranged).unwrap();
    let steps = system.steps().len();
    partial.begin(0, None, Some(5 << 20)).unwrap();
    assert_eq!(system.steps().len(), steps);
}

#[cfg(target_os = "linux")]
#[test]
fn space_that_was_kept_for_more_than_came_is_given_back() {
    use std::os::unix::fs::MetadataExt;
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("a")).unwrap();
    let mut partial = writer.partial(&PartialKey::new("x")).unwrap();
    partial.begin(0, None, Some(64 << 20)).unwrap();
    partial.append(b"little").unwrap();
    let entry = writer.commit(partial, "x", segment()).wait().unwrap();
    let blob = std::fs::metadata(scratch.blob_file(&entry.digest)).unwrap();
    assert_eq!(blob.len(), 6);
    assert!(blob.blocks() < 2048, "{} blocks", blob.blocks());
}
