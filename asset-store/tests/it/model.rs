//! The store against a map, under random operations through several handles.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::time::Duration;

use asset_store::{
    AssetWriter, Digest, Entry, EntryAttributes, Error, ErrorKind, ExportOptions, Finding,
    GcOptions, ImportOptions, Store,
};
use proptest::prelude::*;

use crate::support::{Scratch, contents, id, noise, overwrite, segment};

const ASSETS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Operation {
    Put {
        asset: usize,
        path: u8,
        seed: u64,
    },
    Link {
        asset: usize,
        path: u8,
        seed: u64,
    },
    RemoveEntry {
        asset: usize,
        path: u8,
    },
    Seal {
        asset: usize,
    },
    Close {
        asset: usize,
    },
    Remove {
        asset: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Copy {
        from: usize,
        to: usize,
    },
    /// What is exported of one asset becomes another one.
    Import {
        from: usize,
        to: usize,
    },
    /// A blob is damaged, found and mended.
    Repair {
        asset: usize,
        path: u8,
    },
    Collect,
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let asset = 0..ASSETS.len();
    prop_oneof![
        6 => (asset.clone(), 0_u8..5, 0_u64..8)
            .prop_map(|(asset, path, seed)| Operation::Put { asset, path, seed }),
        2 => (asset.clone(), 0_u8..5, 0_u64..8)
            .prop_map(|(asset, path, seed)| Operation::Link { asset, path, seed }),
        2 => (asset.clone(), 0_u8..5)
            .prop_map(|(asset, path)| Operation::RemoveEntry { asset, path }),
        1 => asset.clone().prop_map(|asset| Operation::Seal { asset }),
        2 => asset.clone().prop_map(|asset| Operation::Close { asset }),
        1 => asset.clone().prop_map(|asset| Operation::Remove { asset }),
        1 => (asset.clone(), asset.clone()).prop_map(|(from, to)| Operation::Rename { from, to }),
        1 => (asset.clone(), asset.clone()).prop_map(|(from, to)| Operation::Copy { from, to }),
        1 => (asset.clone(), asset.clone()).prop_map(|(from, to)| Operation::Import { from, to }),
        1 => (asset, 0_u8..5).prop_map(|(asset, path)| Operation::Repair { asset, path }),
        1 => Just(Operation::Collect),
        1 => Just(Operation::Reopen),
    ]
}

type Model = BTreeMap<usize, BTreeMap<String, u64>>;

fn bytes(seed: u64) -> Vec<u8> {
    noise(seed, usize::try_from(seed).unwrap() * 50)
}

fn check(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    let ids: Vec<_> = model.keys().map(|&asset| id(ASSETS[asset])).collect();
    prop_assert_eq!(store.asset_ids().unwrap(), ids);
    for (&asset, entries) in model {
        let found = contents(store, &store.asset(&id(ASSETS[asset])).unwrap());
        let expected: Vec<_> = entries
            .iter()
            .map(|(path, &seed)| (path.clone(), bytes(seed)))
            .collect();
        prop_assert_eq!(found, expected);
    }
    Ok(())
}

/// Why nothing can be moved, copied or exported and imported, if so.
fn obstacle(model: &Model, from: usize, to: usize) -> Option<ErrorKind> {
    if !model.contains_key(&from) {
        Some(ErrorKind::UnknownAsset)
    } else if model.contains_key(&to) {
        Some(ErrorKind::AlreadyExists)
    } else {
        None
    }
}

/// By way of a folder.
fn reimport(scratch: &Scratch, store: &Store, from: usize, to: usize) -> Result<(), Error> {
    let folder = scratch.root().with_file_name("exported");
    store.export(&id(ASSETS[from]), &folder, &ExportOptions::default())?;
    let options = ImportOptions::default();
    let imported = store.import_folder(&folder, &id(ASSETS[to]), &options, &mut |_| segment());
    std::fs::remove_dir_all(&folder).unwrap();
    imported.map(drop)
}

/// Whether just what was damaged was found, and all of it mended.
fn repair(scratch: &Scratch, store: &Store, seed: u64) -> bool {
    let damaged = Digest::of(&bytes(seed));
    overwrite(&scratch.blob_file(&damaged), b"damaged");
    let report = store.verify(None, &mut |_| {}).unwrap();
    let only_it = !report.is_good()
        && (report.damaged.iter().chain(&report.missing)).all(|found| found.digest == damaged);
    let mut source =
        |_: &Finding, _: &Entry| Some(Box::new(Cursor::new(bytes(seed))) as Box<dyn Read>);
    only_it
        && store
            .repair(&report, &mut source)
            .unwrap()
            .unmended
            .is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_store_is_a_map(operations in prop::collection::vec(operation(), 1..40)) {
        let scratch = Scratch::new();
        let (mut store, reader) = (scratch.store(), scratch.store());
        let mut model = Model::new();
        let mut writers: BTreeMap<usize, AssetWriter> = BTreeMap::new();
        for operation in operations {
            // Whatever writes opens the asset first, as a download does.
            if let Operation::Put { asset, .. } | Operation::Link { asset, .. }
                | Operation::RemoveEntry { asset, .. } | Operation::Seal { asset } = operation
            {
                writers.entry(asset).or_insert_with(|| store.writer(&id(ASSETS[asset])).unwrap());
                model.entry(asset).or_default();
            }
            match operation {
                Operation::Put { asset, path, seed } => {
                    let path = path.to_string();
                    writers[&asset].put(&path, &bytes(seed), EntryAttributes::new("x")).unwrap();
                    model.entry(asset).or_default().insert(path, seed);
                }
                Operation::Link { asset, path, seed } => {
                    let digest = Digest::of(&bytes(seed));
                    let there = store.has_blob(&digest, seed * 50);
                    let linked =
                        writers[&asset].link(&path.to_string(), &digest, seed * 50, segment());
                    prop_assert_eq!(linked.is_ok(), there);
                    if there {
                        model.entry(asset).or_default().insert(path.to_string(), seed);
                    }
                }
                Operation::RemoveEntry { asset, path } => {
                    let removed = writers[&asset].remove_entry(&path.to_string()).is_ok();
                    let there = model.entry(asset).or_default().remove(&path.to_string());
                    prop_assert_eq!(removed, there.is_some());
                }
                Operation::Seal { asset } => {
                    prop_assert!(writers[&asset].seal().unwrap().is_sealed());
                }
                Operation::Close { asset } => drop(writers.remove(&asset)),
                Operation::Remove { asset } => {
                    let kind = reader.remove(&id(ASSETS[asset])).err().map(|error| error.kind());
                    let expected = if writers.contains_key(&asset) {
                        Some(ErrorKind::Busy)
                    } else if model.remove(&asset).is_some() {
                        None
                    } else {
                        Some(ErrorKind::UnknownAsset)
                    };
                    prop_assert_eq!(kind, expected);
                }
                Operation::Rename { from, to } => {
                    let done = reader.rename(&id(ASSETS[from]), &id(ASSETS[to]));
                    let busy = writers.contains_key(&from).then_some(ErrorKind::Busy);
                    let expected = obstacle(&model, from, to).or(busy);
                    prop_assert_eq!(done.err().map(|error| error.kind()), expected);
                    if expected.is_none() {
                        let entries = model.remove(&from).unwrap_or_default();
                        model.insert(to, entries);
                    }
                }
                Operation::Copy { from, to } | Operation::Import { from, to } => {
                    let done = match operation {
                        Operation::Copy { .. } => {
                            reader.copy(&id(ASSETS[from]), &id(ASSETS[to])).map(drop)
                        }
                        _ => reimport(&scratch, &reader, from, to),
                    };
                    let expected = obstacle(&model, from, to);
                    prop_assert_eq!(done.err().map(|error| error.kind()), expected);
                    if expected.is_none() {
                        model.insert(to, model[&from].clone());
                    }
                }
                Operation::Repair { asset, path } => {
                    let entries = model.get(&asset);
                    if let Some(&seed) = entries.and_then(|entries| entries.get(&path.to_string())) {
                        prop_assert!(repair(&scratch, &reader, seed));
                    }
                }
                Operation::Collect => {
                    let options = GcOptions { min_age: Duration::ZERO, ..GcOptions::default() };
                    // What relaxed changes have replaced is kept until they are sealed.
                    let ids = model.keys().copied().collect::<Vec<_>>();
                    for asset in ids {
                        let writer = writers.entry(asset);
                        writer.or_insert_with(|| store.writer(&id(ASSETS[asset])).unwrap()).seal().unwrap();
                    }
                    let kept = reader.collect_garbage(&options).unwrap().blobs_kept;
                    let mut seeds: Vec<u64> =
                        model.values().flat_map(|entries| entries.values().copied()).collect();
                    seeds.sort_unstable();
                    seeds.dedup();
                    prop_assert_eq!(kept, seeds.len() as u64);
                    prop_assert_eq!(store.usage().unwrap().blobs, kept);
                }
                Operation::Reopen => {
                    writers.clear();
                    store = scratch.store();
                }
            }
            check(&reader, &model)?;
        }
        let report = reader.verify(None, &mut |_| {}).unwrap();
        prop_assert!(report.is_good());
    }
}
