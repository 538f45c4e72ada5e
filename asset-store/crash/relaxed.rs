//! Comparing a relaxed store with what was told of it after a power cut: what was acknowledged after the last seal may
//! be lost, and what is lost has to be called so.

use std::collections::{BTreeMap, BTreeSet};

use asset_store::{Asset, AssetId, ErrorKind, Store, StoreOptions, VerifyOnRead};

use crate::Result;
use crate::check::{self, Told};
use crate::content::{self, NEWEST};
use crate::tell::{self, tell};

/// An asset and a path in it.
type Place = (AssetId, String);

/// Fails unless everything sealed is there and right, nothing wrong is served, what is lost is called lost, and the
/// store can go on without it.
pub(crate) fn run(root: &str, told: &str) -> Result {
    let told = std::fs::read_to_string(told).map_err(|error| format!("{told}: {error}"))?;
    let acknowledged = Told::parse(told.lines())?.stored;
    let mut sealed = Told::parse(until_the_last_seals(&told)?)?;

    // A reader that asks for it gets nothing wrong, whoever has looked before: one asset is read so, the other is not.
    let options = StoreOptions {
        verify_on_read: VerifyOnRead::Always,
        ..StoreOptions::default()
    };
    let store = Store::open_with(root, &options).map_err(tell::error)?;
    if let Some(id) = store.asset_ids().map_err(tell::error)?.first() {
        read(&store, &store.asset(id).map_err(tell::error)?)?;
    }
    drop(store);

    let store = Store::open(root).map_err(tell::error)?;
    let reported = verify(&store)?;
    let mut lost = BTreeSet::new();
    let mut listed = BTreeSet::new();
    for id in store.asset_ids().map_err(tell::error)? {
        let asset = store.asset(&id).map_err(tell::error)?;
        lost.extend(read(&store, &asset)?);
        listed.extend(
            asset
                .entries()
                .keys()
                .map(|path| (id.clone(), path.clone())),
        );
    }
    if let Some((id, path)) = lost.symmetric_difference(&reported).next() {
        return Err(format!("whether {id} {path} is lost is not agreed"));
    }
    let is_lost = |id: &AssetId, path: &str| lost.contains(&(id.clone(), path.to_owned()));
    let mut stored = sealed.stored.iter();
    if let Some((id, number)) = stored.find(|(id, number)| is_lost(id, &number.to_string())) {
        return Err(format!("{id} {number} was sealed and is lost"));
    }
    // One that was put in its place later may have taken it along.
    sealed.newest.retain(|id, _| !is_lost(id, NEWEST));

    // A writer mends the log, and forgets what would have to be fetched again.
    for id in store.asset_ids().map_err(tell::error)? {
        let writer = store.writer(&id).map_err(tell::error)?;
        for (_, path) in lost.iter().filter(|(asset, _)| *asset == id) {
            writer.remove_entry(path).map_err(tell::error)?;
        }
    }
    let is_gone = |(id, number): &&(AssetId, u64)| {
        let place = (id.clone(), number.to_string());
        lost.contains(&place) || !listed.contains(&place)
    };
    tell(&format!(
        "LOST {}",
        acknowledged.iter().filter(is_gone).count()
    ))?;
    check::look(&store, &sealed)?;
    check::go_on(&store, &sealed)
}

/// What was told of each asset before it was sealed for the last time.
fn until_the_last_seals(told: &str) -> Result<Vec<&str>> {
    let mut open: BTreeMap<AssetId, Vec<&str>> = BTreeMap::new();
    let mut sealed = Vec::new();
    for line in told.lines() {
        if let [what, name, number] = *line.split(' ').collect::<Vec<&str>>() {
            let Ok(number) = number.parse() else {
                continue;
            };
            let id = content::asset_of(name, number)?;
            if what == "SEALED" {
                sealed.append(open.entry(id).or_default());
            } else {
                open.entry(id).or_default().push(line);
            }
        }
    }
    Ok(sealed)
}

/// Reads everything and fails when something is not what was stored. Says what cannot be read.
fn read(store: &Store, asset: &Asset) -> Result<BTreeSet<Place>> {
    let mut lost = BTreeSet::new();
    for (path, entry) in asset.entries() {
        match store.open_entry(entry) {
            Ok(_) => {
                content::read(store, path, entry)
                    .map_err(|_| format!("{} {path} is not what was stored", asset.id()))?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::Missing | ErrorKind::Damaged) => {
                if store.has_blob(&entry.digest, entry.length) {
                    return Err(format!("{} {path} is there and is not", asset.id()));
                }
                lost.insert((asset.id().clone(), path.clone()));
            }
            Err(error) => return Err(tell::error(error)),
        }
    }
    Ok(lost)
}

/// What is reported as lost.
fn verify(store: &Store) -> Result<BTreeSet<Place>> {
    let report = store.verify(None, &mut |_| {}).map_err(tell::error)?;
    // Lines of the log that had not reached the disk may have left a hole in it; no manifest was under way.
    let of_logs = |reason: &str| reason.contains(".log ");
    if let Some(damaged) = report
        .damaged_assets
        .iter()
        .find(|damaged| !of_logs(&damaged.reason))
    {
        return Err(format!("{}: {}", damaged.asset, damaged.reason));
    }
    let findings = report.damaged.into_iter().chain(report.missing);
    Ok(findings
        .map(|finding| (finding.asset, finding.path))
        .collect())
}
