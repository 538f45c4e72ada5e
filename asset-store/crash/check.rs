//! Comparing a store with what was told of it, using it further, and comparing again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use asset_store::{AssetId, ErrorKind, GcOptions, Store};

use crate::Result;
use crate::content::{self, NEWEST, Unread};
use crate::tell::{self, End, tell};
use crate::write;

/// How many numbers are stored to see whether the store still takes any.
const FURTHER: u64 = 6;

/// What the lines of all runs of the worker say must be there, and what must not.
#[derive(Default)]
pub(crate) struct Told {
    names: BTreeSet<String>,
    pub(crate) stored: BTreeSet<(AssetId, u64)>,
    removed: BTreeSet<(AssetId, u64)>,
    pub(crate) newest: BTreeMap<AssetId, u64>,
}

impl Told {
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Told> {
        let mut told = Told::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            if let [what @ ("STORED" | "REMOVED" | "NEWEST"), name, number] = *words {
                let number = number
                    .parse()
                    .map_err(|_| format!("not understood: {line}"))?;
                let id = content::asset_of(name, number)?;
                told.names.insert(name.to_owned());
                match what {
                    "STORED" => told.stored.insert((id, number)),
                    "REMOVED" => told.removed.insert((id, number)),
                    _ => told.newest.insert(id, number).is_none(),
                };
            }
        }
        // Whoever removes does so after storing; being cut off between doing it and telling it is fine.
        told.stored
            .retain(|(_, number)| !content::is_removed_later(*number));
        Ok(told)
    }
}

/// Fails unless everything that was told is there and right, nothing else is wrong, and the store can go on.
pub(crate) fn run(root: &str, told: &str) -> Result {
    let told = std::fs::read_to_string(told).map_err(|error| format!("{told}: {error}"))?;
    let told = Told::parse(told.lines())?;
    let store = Store::open(root).map_err(tell::error)?;
    look(&store, &told)?;
    go_on(&store, &told)
}

/// Fails unless nothing is wrong with the store, and it can be used further.
pub(crate) fn go_on(store: &Store, told: &Told) -> Result {
    sources(store)?;
    verify(store)?;
    let end = End::watch();
    for name in told.names.iter().map(String::as_str).chain(["after"]) {
        let mut next = 0;
        for parity in 0..2 {
            match store.asset(&content::asset_of(name, parity)?) {
                Ok(asset) => {
                    next = next.max(write::highest(&asset).map_or(0, |highest| highest + 1));
                }
                Err(error) if error.kind() == ErrorKind::UnknownAsset => {}
                Err(error) => return Err(tell::error(error)),
            }
        }
        write::write(store, name, next + FURTHER, 2, &end)
            .map_err(|error| format!("cannot go on: {error}"))?;
    }
    let options = GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    };
    store.collect_garbage(&options).map_err(tell::error)?;
    verify(store)?;
    let entries = look(store, told)?;
    sources(store)?;
    let usage = store.usage().map_err(tell::error)?;
    if usage.partial_bytes > 0 {
        return Err(format!(
            "{} bytes of partials are left",
            usage.partial_bytes
        ));
    }
    tell(&format!("GOOD {entries}"))
}

/// Reads everything and compares it. Returns how many entries there are.
pub(crate) fn look(store: &Store, told: &Told) -> Result<usize> {
    let mut entries = 0;
    let mut seen = BTreeSet::new();
    let mut newest = BTreeMap::new();
    for id in store.asset_ids().map_err(tell::error)? {
        let asset = store.asset(&id).map_err(tell::error)?;
        for (path, entry) in asset.entries() {
            let number = content::read(store, path, entry).map_err(|unread| match unread {
                Unread::Missing => format!("the blob of {id} {path} is missing"),
                Unread::Wrong(what) => format!("{id}: {what}"),
            })?;
            entries += 1;
            if path == NEWEST {
                newest.insert(id.clone(), number);
            } else if let Ok(number) = path.parse() {
                seen.insert((id.clone(), number));
            }
        }
    }
    if let Some((id, number)) = told.stored.difference(&seen).next() {
        let lost = told.stored.difference(&seen).count();
        return Err(format!(
            "{lost} acknowledged entries are lost, the first is {id} {number}"
        ));
    }
    if let Some((id, number)) = told.removed.intersection(&seen).next() {
        return Err(format!("{id} {number} was removed and is there again"));
    }
    for (id, number) in &told.newest {
        let found = newest.get(id).copied().flatten();
        if found.is_none_or(|found| found < *number) {
            return Err(format!(
                "the newest of {id} is {found:?}, told was {number}"
            ));
        }
    }
    Ok(entries)
}

/// The index knows every resource, whatever became of its files.
fn sources(store: &Store) -> Result {
    for id in store.asset_ids().map_err(tell::error)? {
        let asset = store.asset(&id).map_err(tell::error)?;
        for (path, entry) in asset.entries() {
            let Some(source) = &entry.source else {
                continue;
            };
            let found = store.find_source(&source.identity).map_err(tell::error)?;
            if found != Some((entry.digest, entry.length)) {
                return Err(format!("the index says {found:?} of {id} {path}"));
            }
        }
    }
    Ok(())
}

fn verify(store: &Store) -> Result {
    let report = store.verify(None, &mut |_| {}).map_err(tell::error)?;
    if report.is_good() && report.damaged_orphans.is_empty() {
        Ok(())
    } else {
        Err(format!("found when verifying: {report:?}"))
    }
}
