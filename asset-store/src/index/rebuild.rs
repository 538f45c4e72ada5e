//! Building the index from the manifests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::table::{SledTable, Table};
use super::{Item, VALUE_BYTES, item};
use crate::fs::{File, TEMPORARY};
use crate::layout::Layout;
use crate::{AssetId, Digest, Error, manifest};

/// Sorted by their keys, items go into sled in half the time. So that sorting takes little memory,
/// they are first divided by their keys.
const PARTS: usize = 16;

const ITEM_BYTES: usize = 32 + VALUE_BYTES;

/// Bytes that are gathered for a part before they are written to its file.
const BUFFER: usize = 64 << 10;

/// Items that go into the table before it is seen whether to stop.
const BATCH: usize = 1024;

/// A new table at `path` from all manifests and logs; `None` when it cannot be made, or `stop` says so. The
/// old one is not read: after a power cut it may panic, or lack what it had without saying so.
pub(super) fn rebuild(
    layout: &Layout,
    path: &Path,
    stop: &AtomicBool,
) -> Result<Option<SledTable>, Error> {
    layout.fs().remove_directory_all(path)?;
    let Some(table) = SledTable::open(layout.fs(), path) else {
        return Ok(None);
    };
    let mut parts = Vec::with_capacity(PARTS);
    for number in 0..PARTS {
        parts.push(Part::create(layout, number)?);
    }
    let done = gather(layout, &mut parts, stop)? && fill(layout, &table, &mut parts, stop)?;
    for part in parts {
        layout.fs().remove_file(&part.path)?;
    }
    Ok(done.then_some(table))
}

/// Says whether it came to the end.
fn gather(layout: &Layout, parts: &mut [Part], stop: &AtomicBool) -> Result<bool, Error> {
    for name in layout.fs().list_directories(&layout.assets())? {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Ok(id) = AssetId::new(name) else { continue };
        // A damaged or just removed asset has nothing to say here.
        let Ok(loaded) = manifest::load(layout, &id) else {
            continue;
        };
        for item in loaded.asset.entries.values().filter_map(item) {
            let [first, ..] = *item.0.as_bytes();
            if let Some(part) = parts.get_mut(usize::from(first) * PARTS / 256) {
                part.push(&item)?;
            }
        }
    }
    Ok(true)
}

fn fill(
    layout: &Layout,
    table: &SledTable,
    parts: &mut [Part],
    stop: &AtomicBool,
) -> Result<bool, Error> {
    for part in parts {
        let mut items = part.read(layout)?;
        // Of items with equal keys the last one stays the last.
        items.sort_by_key(|item| item.0);
        for batch in items.chunks(BATCH) {
            if stop.load(Ordering::Relaxed) || !table.insert(&mut batch.iter().copied()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The items whose keys begin alike, in a file.
struct Part {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
}

impl Part {
    /// Only the holder of the index does this, so the names are nobody else's.
    fn create(layout: &Layout, number: usize) -> Result<Part, Error> {
        let path = layout.index().join(format!("{TEMPORARY}part-{number}"));
        layout.fs().remove_file(&path)?;
        Ok(Part {
            file: layout.fs().open_or_create(&path)?,
            path,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    fn push(&mut self, item: &Item) -> Result<(), Error> {
        self.buffer.extend_from_slice(item.0.as_bytes());
        self.buffer.extend_from_slice(&item.1);
        if self.buffer.len() >= BUFFER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Error> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| Error::io("write", &self.path, error))
    }

    fn read(&mut self, layout: &Layout) -> Result<Vec<Item>, Error> {
        self.write()?;
        let bytes = layout.fs().read(&self.path, u64::MAX)?.unwrap_or_default();
        let items = bytes.chunks_exact(ITEM_BYTES).filter_map(|chunk| {
            let (key, value) = chunk.split_at_checked(32)?;
            let key = Digest::from_bytes(key.try_into().ok()?);
            Some((key, value.try_into().ok()?))
        });
        Ok(items.collect())
    }
}
