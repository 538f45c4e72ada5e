//! Stopped at every step, the store has everything that was acknowledged and nothing wrong.

mod law;
mod model;
mod workload;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use asset_store::Durability::{self, Durable, Relaxed};
use asset_store::testing::{Fault, Flaw, SimulatedFileSystem};
use asset_store::{EntryAttributes, Error, ROLE_KEY};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{id, segment};
use law::{readers, recover};
use model::{Crash, Model};
use workload::{Operation, Run, at_once, operations, options};

/// The handles that take turns.
fn handles() -> impl Strategy<Value = Vec<Durability>> {
    prop_oneof![
        Just(vec![Durable]),
        Just(vec![Durable, Durable]),
        Just(vec![Relaxed]),
        Just(vec![Durable, Relaxed]),
    ]
}

/// A system with an empty store on it.
fn with_store() -> SimulatedFileSystem {
    static SYSTEM: OnceLock<SimulatedFileSystem> = OnceLock::new();
    let system = SYSTEM.get_or_init(|| {
        let system = SimulatedFileSystem::new();
        let store = system.open_store(&options(Durable)).unwrap();
        drop(store.writer(&id("a")).unwrap());
        store.remove(&id("a")).unwrap();
        // Some power cut spares the reserve, which is never synced, and is large to handle.
        (0..1000)
            .map(|seed| system.power_cut(usize::MAX, seed))
            .find(has_reserve)
            .unwrap()
    });
    system.killed(usize::MAX)
}

fn has_reserve(system: &SimulatedFileSystem) -> bool {
    system
        .files()
        .iter()
        .any(|file| file.path.ends_with("/reserve") && file.length == 1 << 20)
}

/// The number of moments at which a store was stopped.
#[derive(Default)]
struct Tally(usize);

impl Tally {
    /// Stops the store once and lets it recover, then stops it in the middle of that.
    fn stop(
        &mut self,
        system: &SimulatedFileSystem,
        steps: usize,
        allowed: &Model,
        seed: u64,
    ) -> Result<(), String> {
        let context = |how: &str| format!("{how} after step {steps}, seed {seed}");
        // Dead, and somebody else goes on.
        let dead = system.killed(steps);
        let after = self
            .recovered(&dead, allowed, Crash::Kill)
            .map_err(add(context("kill")))?;
        self.second(&dead, allowed, &after, seed)
            .map_err(add(context("kill, then a power cut")))?;
        // Cut off in several ways.
        for variant in 0..4 {
            let cut = system.power_cut(steps, seed * 4 + variant);
            self.0 += 1;
            readers(&cut, allowed, Crash::PowerCut).map_err(add(context("power cut")))?;
            if variant == seed % 4 {
                let after = self
                    .recovered(&cut, allowed, Crash::PowerCut)
                    .map_err(add(context("power cut")))?;
                self.second(&cut, allowed, &after, seed)
                    .map_err(add(context("two power cuts")))?;
            }
        }
        Ok(())
    }

    fn recovered(
        &mut self,
        system: &SimulatedFileSystem,
        allowed: &Model,
        crash: Crash,
    ) -> Result<Model, String> {
        self.0 += 1;
        readers(system, allowed, crash)?;
        recover(system, allowed, crash)
    }

    /// A power cut in the middle of the recovery, and one at its end.
    fn second(
        &mut self,
        system: &SimulatedFileSystem,
        before: &Model,
        after: &Model,
        seed: u64,
    ) -> Result<(), String> {
        let all = system.steps().len();
        let middle = usize::try_from(seed.wrapping_mul(0x9e37_79b9) >> 7).unwrap() % (all + 1);
        self.0 += 2;
        let cut = system.power_cut(middle, seed);
        readers(&cut, &before.or(after), Crash::PowerCut)
            .map_err(add(format!("in step {middle} of {all} of the recovery")))?;
        readers(&system.power_cut(all, seed), after, Crash::PowerCut)
            .map_err(add("after the recovery".to_owned()))
    }
}

fn add(context: String) -> impl FnOnce(String) -> String {
    move |message| format!("{context}: {message}")
}

/// Runs `test` on random work; `PROPTEST_CASES` asks for more of it.
fn random_work(cases: u32, test: impl Fn(&[Durability], &[Operation]) -> Result<(), String>) {
    let more = std::env::var("PROPTEST_CASES").ok();
    let config = ProptestConfig {
        cases: more.and_then(|cases| cases.parse().ok()).unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    };
    let done = TestRunner::new(config).run(&(handles(), operations()), |(handles, work)| {
        test(&handles, &work).map_err(TestCaseError::fail)
    });
    assert!(done.is_ok(), "{}", done.unwrap_err());
}

/// Does the work, whatever fails.
fn work_on<'a>(
    system: &SimulatedFileSystem,
    handles: &[Durability],
    work: &'a [Operation],
) -> (Run, Vec<(&'a Operation, Error)>) {
    let mut run = Run::new(system, handles);
    let failed = work
        .iter()
        .filter_map(|operation| Some((operation, run.step(operation).err()?)))
        .collect();
    (run, failed)
}

/// Stops the store after every step of the work. Says at how many points.
fn stop_everywhere(
    system: &SimulatedFileSystem,
    handles: &[Durability],
    work: &[Operation],
) -> Result<usize, String> {
    let (run, failed) = work_on(system, handles, work);
    if !failed.is_empty() {
        return Err(format!("{failed:?}"));
    }
    let mut tally = Tally::default();
    for steps in 0..=system.steps().len() {
        let seed = u64::try_from(steps)
            .unwrap()
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            >> 20;
        tally.stop(system, steps, &run.allowed(steps), seed)?;
    }
    Ok(tally.0)
}

/// Lets every step of the work fail, then goes on, then stops. Says at how many points.
fn fail_everywhere(handles: &[Durability], work: &[Operation]) -> Result<usize, String> {
    let good = with_store();
    drop(work_on(&good, handles, work));
    // What a relaxed store holds may be lost by a disk that fails, even without a power cut.
    let crash = if handles.contains(&Relaxed) {
        Crash::PowerCut
    } else {
        Crash::Kill
    };
    let mut tally = Tally::default();
    for step in 0..good.steps().len() {
        for fault in [Fault::Io, Fault::DiskFull] {
            let system = with_store();
            system.fail(step, fault);
            let (run, _) = work_on(&system, handles, work);
            let steps = system.steps().len();
            let allowed = run.allowed(steps);
            let context = || format!("{fault:?} in step {step}");
            if fault == Fault::DiskFull {
                listed_and_emptied(&system.killed(steps)).map_err(add(context()))?;
            }
            tally
                .recovered(&system.killed(steps), &allowed, crash)
                .map_err(add(context()))?;
            let cut = system.power_cut(steps, step as u64);
            tally
                .recovered(&cut, &allowed, Crash::PowerCut)
                .map_err(add(context() + ", then a power cut"))?;
        }
    }
    Ok(tally.0)
}

/// A full store can be listed and emptied.
fn listed_and_emptied(system: &SimulatedFileSystem) -> Result<(), String> {
    system.fail(0, Fault::DiskFull);
    let empty = || -> Result<(), Error> {
        let store = system.open_store(&options(Durable))?;
        for id in store.asset_ids()? {
            store.asset(&id)?;
            store.remove(&id)?;
        }
        store.collect_garbage(&at_once())?;
        assert_eq!(store.usage()?.blobs, 0);
        Ok(())
    };
    empty().map_err(|error| format!("with a full disk: {error}"))
}

#[test]
fn stopped_at_any_step_nothing_acknowledged_is_lost_and_nothing_wrong_is_served() {
    let points = AtomicUsize::new(0);
    random_work(6, |handles, work| {
        points.fetch_add(
            stop_everywhere(&with_store(), handles, work)?,
            Ordering::Relaxed,
        );
        Ok(())
    });
    let points = points.into_inner();
    println!("stopped at {points} points");
    assert!(points > 1000, "only {points} points");
}

#[test]
fn whatever_step_fails_nothing_acknowledged_is_lost_and_nothing_wrong_is_served() {
    let points = AtomicUsize::new(0);
    random_work(2, |handles, work| {
        points.fetch_add(fail_everywhere(handles, work)?, Ordering::Relaxed);
        Ok(())
    });
    println!("stopped after a failure at {} points", points.into_inner());
}

/// What random work comes by too seldom.
#[test]
fn works_that_once_lost_something_lose_nothing() {
    let commit = |asset, seed| Operation::Commit {
        asset,
        files: vec![(0, seed), (1, seed + 1)],
    };
    let seal = Operation::Seal { asset: 0 };
    let close = Operation::Close { asset: 0 };
    // Sealed by another writer than the relaxed one that stored it.
    let resumed = [commit(0, 1), close.clone(), seal.clone()];
    // A relaxed change takes the last reference to what is sealed, and the garbage is collected.
    let replaced = [
        commit(0, 1),
        seal.clone(),
        close,
        Operation::Switch,
        commit(0, 3),
        Operation::Collect,
    ];
    // A seal that fails when HEAD is replaced, and a commit after it.
    let sealed = [commit(0, 1), seal.clone(), commit(0, 3), seal, commit(0, 5)];
    for handles in [vec![Durable], vec![Relaxed], vec![Durable, Relaxed]] {
        for work in [&resumed[..], &replaced, &sealed] {
            stop_everywhere(&with_store(), &handles, work).unwrap();
            fail_everywhere(&handles, work).unwrap();
        }
    }
    // An asset that could not be made leaves its id to another.
    let given = [
        Operation::RemoveEntry { asset: 0, path: 0 },
        commit(1, 1),
        Operation::Rename { asset: 1 },
        commit(0, 3),
    ];
    fail_everywhere(&[Durable], &given).unwrap();
    // A renaming that was done although it failed, and another asset of the old id.
    let renamed = [
        commit(1, 1),
        Operation::Rename { asset: 1 },
        commit(0, 1),
        Operation::Commit {
            asset: 1,
            files: vec![(2, 1)],
        },
    ];
    fail_everywhere(&[Durable], &renamed).unwrap();
    // A log whose sync has failed, and garbage that a power cut would call back.
    let replaced_twice = [
        Operation::Commit {
            asset: 0,
            files: vec![(0, 4), (0, 1)],
        },
        Operation::Commit {
            asset: 0,
            files: vec![(2, 2), (2, 1), (0, 0), (0, 2)],
        },
        Operation::Commit {
            asset: 0,
            files: vec![(0, 0)],
        },
        Operation::Collect,
    ];
    fail_everywhere(&[Durable], &replaced_twice).unwrap();
}

#[test]
fn what_a_power_cut_took_from_a_relaxed_store_is_not_linked() {
    let system = with_store();
    let relaxed = system.open_store(&options(Relaxed)).unwrap();
    let content = model::bytes(5);
    let digest = relaxed
        .writer(&id("a"))
        .unwrap()
        .put("x", &content, segment())
        .unwrap()
        .digest;
    let steps = system.steps().len();
    for seed in 0..40 {
        let store = system
            .power_cut(steps, seed)
            .open_store(&options(Durable))
            .unwrap();
        let writer = store.writer(&id("b")).unwrap();
        if writer
            .link("x", &digest, content.len() as u64, segment())
            .is_ok()
        {
            assert!(
                store.verify(None, &mut |_| {}).unwrap().is_good(),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_key_that_equals_another_file_is_private_after_a_power_cut() {
    let system = with_store();
    let store = system.open_store(&options(Durable)).unwrap();
    let writer = store.writer(&id("a")).unwrap();
    let digest = writer
        .put("plain", b"0123456789abcdef", segment())
        .unwrap()
        .digest;
    writer
        .put("key", b"0123456789abcdef", EntryAttributes::new(ROLE_KEY))
        .unwrap();
    let steps = system.steps().len();
    for seed in 0..40 {
        let files = system.power_cut(steps, seed).files();
        let blob = files
            .iter()
            .find(|file| file.path.ends_with(&digest.to_string()))
            .unwrap();
        assert_eq!(blob.mode, 0o400);
    }
}

#[test]
fn a_store_that_is_being_created_can_be_stopped_at_any_step() {
    let system = SimulatedFileSystem::new();
    system.open_store(&options(Durable)).unwrap();
    let mut tally = Tally::default();
    let all = system.steps().len();
    // Most of the steps make the 256 folders of blobs.
    for steps in (0..=all).filter(|steps| steps % 32 == 0 || *steps < 12 || all - steps < 20) {
        tally
            .stop(&system, steps, &Model::default(), steps as u64)
            .unwrap();
    }
}

#[test]
fn a_file_system_that_breaks_its_promises_is_noticed() {
    for flaw in [Flaw::FileSyncDoesNothing, Flaw::DirectorySyncDoesNothing] {
        let system = SimulatedFileSystem::flawed(flaw);
        system.open_store(&options(Durable)).unwrap();
        let work = [Operation::Commit {
            asset: 0,
            files: vec![(0, 1), (1, 2)],
        }];
        let system = system.killed(usize::MAX);
        assert!(
            stop_everywhere(&system, &[Durable], &work).is_err(),
            "{flaw:?}"
        );
    }
}
