//! Stopped at any step, an import has made an asset or nothing.

use std::time::Duration;

use asset_store::testing::{Fault, SimulatedFileSystem};
use asset_store::{Durability, ExportOptions, GcOptions, Store, StoreOptions};

use super::{Tree, import, role};
use crate::support::{contents, id, noise};

/// A system with a folder to import, and a store that lacks its content.
fn system() -> SimulatedFileSystem {
    let system = SimulatedFileSystem::new();
    let store = system.open_store(&StoreOptions::default()).unwrap();
    let writer = store.writer(&id("before")).unwrap();
    for (path, bytes) in tree() {
        writer.put(&path, &bytes, role(&path)).unwrap();
    }
    drop(writer);
    let folder = "/library/tree";
    store
        .export(&id("before"), folder, &ExportOptions::default())
        .unwrap();
    store.remove(&id("before")).unwrap();
    drop(store);
    // Some power cut spares the reserve, which is large to handle.
    let has_reserve = |system: &SimulatedFileSystem| {
        let files = system.files();
        files
            .iter()
            .any(|file| file.path.ends_with("/reserve") && file.length == 1 << 20)
    };
    let cut = (0..1000).map(|seed| system.power_cut(usize::MAX, seed));
    cut.into_iter().find(has_reserve).unwrap()
}

fn tree() -> Tree {
    [
        ("a/1.ts", noise(1, 9000)),
        ("a/same.ts", noise(1, 9000)),
        ("b.key", noise(2, 16)),
    ]
    .map(|(path, bytes)| (path.to_owned(), bytes))
    .into()
}

/// Whether the asset is there. If it is, then whole; and of what is not, nothing is left.
fn all_or_nothing(system: &SimulatedFileSystem) -> bool {
    let store = system.open_store(&StoreOptions::default()).unwrap();
    let options = GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    };
    let check = |store: &Store| {
        let ids = store.asset_ids().unwrap();
        if ids.is_empty() {
            return false;
        }
        assert_eq!(ids, [id("film")]);
        let asset = store.asset(&id("film")).unwrap();
        assert!(asset.is_sealed());
        assert_eq!(
            contents(store, &asset),
            tree().into_iter().collect::<Vec<_>>()
        );
        true
    };
    let there = check(&store);
    // However young, what had arrived is of no use to anybody.
    store.collect_garbage(&GcOptions::default()).unwrap();
    let received = |system: &SimulatedFileSystem| {
        let files = system.files();
        files.iter().any(|file| file.path.contains("/ingest/"))
    };
    assert!(!received(system));
    store.collect_garbage(&options).unwrap();
    assert_eq!(check(&store), there);
    let usage = store.usage().unwrap();
    assert_eq!(usage.physical_bytes(), if there { 9016 } else { 0 });
    assert!(
        !system
            .files()
            .iter()
            .any(|file| file.path.contains("/.tmp-"))
    );
    if !there {
        import(&store, "/library/tree".as_ref(), &id("film")).unwrap();
        assert!(check(&store));
    }
    there
}

fn handles() -> [StoreOptions; 2] {
    [Durability::Durable, Durability::Relaxed].map(|durability| StoreOptions {
        durability,
        ..StoreOptions::default()
    })
}

#[test]
fn stopped_at_any_step_it_is_there_whole_or_not_at_all() {
    let system = system();
    for options in handles() {
        let work = system.killed(usize::MAX);
        let store = work.open_store(&options).unwrap();
        let before = work.steps().len();
        import(&store, "/library/tree".as_ref(), &id("film")).unwrap();
        let all = work.steps().len();
        let mut found = [0, 0];
        for steps in before..=all {
            found[usize::from(all_or_nothing(&work.killed(steps)))] += 1;
            for seed in 0..6 {
                let there = all_or_nothing(&work.power_cut(steps, seed));
                assert!(there || steps < all, "acknowledged and lost");
                found[usize::from(there)] += 1;
            }
        }
        assert!(found[0] > 50 && found[1] > 5, "{found:?}");
    }
}

#[test]
fn whatever_step_fails_it_is_there_whole_or_not_at_all() {
    let system = system();
    let good = system.killed(usize::MAX);
    let store = good.open_store(&StoreOptions::default()).unwrap();
    import(&store, "/library/tree".as_ref(), &id("film")).unwrap();
    drop(store);
    for options in handles() {
        for step in 0..good.steps().len() {
            for fault in [Fault::Io, Fault::DiskFull] {
                let work = system.killed(usize::MAX);
                work.fail(step, fault);
                let Ok(store) = work.open_store(&options) else {
                    continue;
                };
                let done = import(&store, "/library/tree".as_ref(), &id("film"));
                drop(store);
                work.heal();
                let steps = work.steps().len();
                for after in [work.killed(steps), work.power_cut(steps, step as u64)] {
                    let there = all_or_nothing(&after);
                    assert!(there || done.is_err(), "{fault:?} in {step}");
                }
            }
        }
    }
}
