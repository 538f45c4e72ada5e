//! A download until the disk is full, and what must still be possible then.

use asset_store::{AssetId, AssetWriter, Error, ErrorKind, Store};

use crate::Result;
use crate::content;
use crate::tell::{self, tell};
use crate::write;

/// The asset that gives way.
const OLD: &str = "old-0";
/// The name of the ones whose download fills the disk.
const NAME: &str = "film";
/// What the asset that gives way has at least, in bytes.
const OLD_BYTES: u64 = 6_000_000;

/// Fills the disk, lists, removes an asset, and goes on with the download where it stood.
pub(crate) fn run(root: &str) -> Result {
    let store = Store::open(root).map_err(tell::error)?;
    let old = AssetId::new(OLD).map_err(tell::error)?;
    let id = content::asset_of(NAME, 0)?;
    let writer = store.writer(&old).map_err(tell::error)?;
    let (mut bytes, mut number) = (0, 1_000_000);
    while bytes < OLD_BYTES {
        bytes += store_one(&writer, number).map_err(tell::error)?;
        number += 2;
    }
    writer.seal().map_err(tell::error)?;
    drop(writer);

    let writer = store.writer(&id).map_err(tell::error)?;
    let mut number = 0;
    let error = loop {
        match store_one(&writer, number) {
            Ok(_) => tell(&format!("STORED {NAME} {number}"))?,
            Err(error) => break error,
        }
        number += 2;
    };
    if error.kind() != ErrorKind::DiskFull {
        return Err(format!("instead of a full disk: {}", tell::error(&error)));
    }
    tell(&format!("FULL {}", tell::error(&error)))?;
    let before = store.asset(&id).map_err(tell::error)?.entries().len();
    // Whether sealing still fits is not said; that it fails as it must is.
    if let Err(error) = writer.seal()
        && error.kind() != ErrorKind::DiskFull
    {
        return Err(format!("sealing on a full disk: {}", tell::error(&error)));
    }
    drop(writer);
    let other = Store::open(root).map_err(tell::error)?;
    if other.asset_ids().map_err(tell::error)? != [id.clone(), old.clone()] {
        return Err("the list is another on a full disk".to_owned());
    }
    let listed = other.asset(&id).map_err(tell::error)?;
    if listed.entries().len() != before {
        return Err(format!(
            "{} entries instead of {before}",
            listed.entries().len()
        ));
    }
    let removed = other.remove(&old).map_err(tell::error)?;
    if removed.bytes_freed < OLD_BYTES / 2 {
        return Err(format!("removing freed {} bytes", removed.bytes_freed));
    }

    let writer = store.writer(&id).map_err(tell::error)?;
    let mut freed = removed.bytes_freed / 2;
    while freed > 0 {
        let stored = store_one(&writer, number).map_err(tell::error)?;
        tell(&format!("STORED {NAME} {number}"))?;
        freed = freed.saturating_sub(stored);
        number += 2;
    }
    writer.seal().map_err(tell::error)?;
    tell("DONE")
}

/// Receives and stores a number; returns its bytes. Even ones only, so that none is removed later.
fn store_one(writer: &AssetWriter, number: u64) -> std::result::Result<u64, Error> {
    Ok(write::begin(writer, number)?.wait()?.length)
}
