//! Usage: who has how many bytes.

use crate::support::{Scratch, fill, id, noise, segment};

#[test]
fn bytes_are_counted_logical_stored_and_exclusive() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fill(&store, "a", 3, true);
    fill(&store, "b", 1, true);
    let writer = store.writer(&id("b")).unwrap();
    writer.put("copy.ts", &noise(0, 2000), segment()).unwrap();
    writer.put("own.ts", &noise(90, 100), segment()).unwrap();
    writer
        .partial(&asset_store::PartialKey::new("x"))
        .unwrap()
        .append(b"12345")
        .unwrap();
    let usage = store.usage().unwrap();
    assert_eq!(
        (usage.blobs, usage.blob_bytes, usage.trash_bytes),
        (4, 6100, 0)
    );
    assert!(usage.partial_bytes >= 5);
    assert_eq!(store.partial_bytes().unwrap(), usage.partial_bytes);
    let bytes: Vec<_> = usage
        .assets
        .iter()
        .map(|asset| {
            (
                asset.id.as_str(),
                asset.logical_bytes,
                asset.stored_bytes,
                asset.exclusive_bytes,
            )
        })
        .collect();
    assert_eq!(bytes, [("a", 6000, 6000, 4000), ("b", 4100, 2100, 100)]);
    drop(writer);
    let with = |seed, length| {
        let digest = asset_store::Digest::of(&noise(seed, length));
        store.assets_with(&digest).unwrap()
    };
    assert_eq!(with(0, 2000), [id("a"), id("b")]);
    assert_eq!(with(1, 2000), [id("a")]);
    assert_eq!(with(90, 100), [id("b")]);
    assert_eq!(with(91, 100), []);
    assert_eq!(store.remove(&id("a")).unwrap().bytes_freed, 4000);
}
