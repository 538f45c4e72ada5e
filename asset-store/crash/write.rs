//! Storing number after number, telling each acknowledgement, going on where an earlier run ended.

use std::collections::VecDeque;

use asset_store::{
    Asset, AssetWriter, Commit, Durability, EntryAttributes, Error, PartialKey, Source, Store,
    StoreOptions,
};

use crate::Result;
use crate::content::{self, NEWEST};
use crate::tell::{self, End, tell};

/// How often the assets are opened again after an error before the worker gives up.
const ATTEMPTS: usize = 4;

/// So often, in numbers, an asset is sealed.
const SEAL: u64 = 50;

/// Stores the numbers below `count` that are not there yet, with `depth` commits under way at a time.
pub(crate) fn run(
    root: &str,
    name: &str,
    count: &str,
    depth: &str,
    durability: Durability,
) -> Result {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is no number"));
    let (count, depth) = (number(count)?, number(depth)?);
    let end = End::watch();
    let options = StoreOptions {
        durability,
        ..StoreOptions::default()
    };
    let store = match Store::open_with(root, &options) {
        Ok(store) => store,
        Err(error) => return tell(&format!("ERROR {}", tell::error(&error))),
    };
    let mut failures = 0;
    while let Err(failure) = write(&store, name, count, depth, &end) {
        tell(&format!("ERROR {failure}"))?;
        failures += 1;
        if failures == ATTEMPTS {
            return Err(failure);
        }
    }
    tell("DONE")
}

/// One attempt. After an error what is under way is still waited for, and told.
pub(crate) fn write(store: &Store, name: &str, count: u64, depth: u64, end: &End) -> Result {
    let mut writers = Vec::new();
    for parity in 0..2 {
        let id = content::asset_of(name, parity)?;
        writers.push(store.writer(&id).map_err(tell::error)?);
    }
    let assets = writers.iter().map(AssetWriter::asset);
    let mut writing = Writing {
        name,
        highest: assets.filter_map(|asset| highest(&asset)).max(),
        writers,
        under_way: VecDeque::new(),
    };
    for number in 0..count {
        if end.has_come() {
            break;
        }
        let settled = content::is_removed_later(number) && !writing.is_new(number);
        if settled || writing.writer(number)?.contains(&number.to_string()) {
            continue;
        }
        let begun = writing.begin(number);
        let stored = match begun {
            Ok(()) if writing.under_way.len() >= usize::try_from(depth).unwrap_or(1) => {
                writing.acknowledge_oldest()
            }
            begun => begun,
        };
        if stored.is_err() {
            while !writing.under_way.is_empty() {
                let _ = writing.acknowledge_oldest();
            }
            return stored;
        }
        if number % SEAL == SEAL - 1 {
            writing.seal(number / SEAL)?;
        }
    }
    while !writing.under_way.is_empty() {
        writing.acknowledge_oldest()?;
    }
    (0..2).try_for_each(|parity| writing.seal(parity))
}

struct Writing<'a> {
    name: &'a str,
    /// The highest number that was there at the beginning.
    highest: Option<u64>,
    writers: Vec<AssetWriter>,
    under_way: VecDeque<(u64, Commit)>,
}

impl Writing<'_> {
    fn writer(&self, number: u64) -> Result<&AssetWriter> {
        let position = usize::from(!number.is_multiple_of(2));
        self.writers
            .get(position)
            .ok_or_else(|| "no writer".to_owned())
    }

    fn is_new(&self, number: u64) -> bool {
        self.highest.is_none_or(|highest| number > highest)
    }

    fn begin(&mut self, number: u64) -> Result {
        let commit = begin(self.writer(number)?, number).map_err(tell::error)?;
        self.under_way.push_back((number, commit));
        Ok(())
    }

    /// Seals the asset of a number.
    fn seal(&self, number: u64) -> Result {
        self.writer(number)?.seal().map_err(tell::error)?;
        tell(&format!("SEALED {} {}", self.name, number % 2))
    }

    fn acknowledge_oldest(&mut self) -> Result {
        let Some((number, commit)) = self.under_way.pop_front() else {
            return Ok(());
        };
        let name = self.name;
        commit.wait().map_err(tell::error)?;
        tell(&format!("STORED {name} {number}"))?;
        let writer = self.writer(number)?;
        if content::is_removed_later(number) {
            writer
                .remove_entry(&number.to_string())
                .map_err(tell::error)?;
            tell(&format!("REMOVED {name} {number}"))?;
        }
        if number % 10 < 2 && self.is_new(number) {
            let attributes = EntryAttributes::new("playlist");
            let bytes = content::newest_of(number);
            writer
                .put(NEWEST, &bytes, attributes)
                .map_err(tell::error)?;
            tell(&format!("NEWEST {name} {number}"))?;
        }
        Ok(())
    }
}

/// The highest number that an asset has.
pub(crate) fn highest(asset: &Asset) -> Option<u64> {
    let paths = asset.entries().keys();
    paths.filter_map(|path| path.parse().ok()).max()
}

/// Receives a number as a download would, from where an earlier run was interrupted, and commits it.
pub(crate) fn begin(writer: &AssetWriter, number: u64) -> std::result::Result<Commit, Error> {
    let identity = content::identity_of(&writer.id(), number);
    let bytes = content::bytes_of(number);
    let mut partial = writer.partial(&PartialKey::new(identity.as_str()))?;
    let offset = partial.length();
    partial.begin(offset, Some("\"1\""), u64::try_from(bytes.len()).ok())?;
    let rest = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..);
    for piece in rest.unwrap_or_default().chunks(64 << 10) {
        partial.append(piece)?;
    }
    let source = Source {
        url: identity.clone(),
        identity,
        ..Source::default()
    };
    let attributes = EntryAttributes::new("segment").with_source(source);
    Ok(writer.commit(partial, &number.to_string(), attributes))
}
