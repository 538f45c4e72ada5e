//! What other processes do beside a writer: reading everything, collecting garbage.

use std::time::Duration;

use asset_store::{AssetId, ErrorKind, GcOptions, Store, StoreOptions};

use crate::Result;
use crate::content::{self, Unread};
use crate::tell::{self, End, tell};

/// Lists, opens and hashes whatever is there until standard input ends. Anything wrong is an error.
pub(crate) fn read(root: &str) -> Result {
    let end = End::watch();
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    let mut count = 0_u64;
    while !end.has_come() {
        let store = Store::open_with(root, &options).map_err(tell::error)?;
        for id in store.asset_ids().map_err(tell::error)? {
            count += read_asset(&store, &id, &end)?;
        }
    }
    tell(&format!("READ {count}"))
}

fn read_asset(store: &Store, id: &AssetId, end: &End) -> Result<u64> {
    let asset = match store.asset(id) {
        Ok(asset) => asset,
        // A writer makes the folder before it stores anything.
        Err(error) if error.kind() == ErrorKind::UnknownAsset => return Ok(0),
        Err(error) => return Err(tell::error(error)),
    };
    let mut count = 0;
    for (path, entry) in asset.entries() {
        if end.has_come() {
            break;
        }
        match content::read(store, path, entry) {
            Ok(_) => count += 1,
            Err(Unread::Wrong(what)) => return Err(format!("{id}: {what}")),
            Err(Unread::Missing) => {
                let now = store.asset(id).map_err(tell::error)?;
                let still = now
                    .entry(path)
                    .is_some_and(|now| now.digest == entry.digest);
                // Replaced or removed since the list was made, and collected: so it is said to be.
                if still && matches!(content::read(store, path, entry), Err(Unread::Missing)) {
                    return Err(format!("the blob of {id} {path} is missing"));
                }
            }
        }
    }
    Ok(count)
}

/// Collects garbage of any age until standard input ends.
pub(crate) fn collect(root: &str) -> Result {
    let end = End::watch();
    let store = Store::open(root).map_err(tell::error)?;
    let options = GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    };
    let (mut runs, mut removed) = (0_u64, 0_u64);
    while !end.has_come() {
        let report = store.collect_garbage(&options).map_err(tell::error)?;
        runs += 1;
        removed += report.blobs_removed;
        std::thread::sleep(Duration::from_millis(5));
    }
    tell(&format!("COLLECTED {removed} in {runs}"))
}
