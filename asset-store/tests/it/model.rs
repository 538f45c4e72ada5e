//! The store against a map, under random operations through several handles.

use std::collections::BTreeMap;
use std::time::Duration;

use asset_store::{AssetWriter, EntryAttributes, ErrorKind, GcOptions, Store};
use proptest::prelude::*;

use crate::support::{Scratch, contents, id, noise, segment};

const ASSETS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Operation {
    Put { asset: usize, path: u8, seed: u64 },
    Link { asset: usize, path: u8, seed: u64 },
    RemoveEntry { asset: usize, path: u8 },
    Seal { asset: usize },
    Close { asset: usize },
    Remove { asset: usize },
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
        1 => asset.prop_map(|asset| Operation::Remove { asset }),
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
                    let digest = asset_store::Digest::of(&bytes(seed));
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
