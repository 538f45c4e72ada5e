//! What is done to a store until it is stopped, and what may be there after each step of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use asset_store::testing::SimulatedFileSystem;
use asset_store::{
    AssetWriter, Digest, Durability, EntryAttributes, Error, ErrorKind, GcOptions, Partial,
    PartialKey, ROLE_KEY, Store, StoreOptions,
};
use proptest::prelude::*;

use super::model::{AssetModel, Model, bytes};
use crate::support::{from_source, id, segment};

const ASSETS: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// Commits that are under way at the same time.
    Commit {
        asset: usize,
        files: Vec<(u8, u64)>,
    },
    PutKey {
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
    /// Part of a file arrives.
    Receive {
        asset: usize,
        seed: u64,
    },
    Document {
        asset: usize,
        seed: u64,
    },
    Remove {
        asset: usize,
    },
    /// The asset gets the id of the other one.
    Rename {
        asset: usize,
    },
    /// The other id gets a copy of the asset.
    Copy {
        asset: usize,
    },
    Collect,
    Verify,
    /// The other handle goes on.
    Switch,
}

pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let asset = || 0..ASSETS.len();
    let (path, seed) = (|| 0_u8..4, || 0_u64..9);
    let files = prop::collection::vec((path(), seed()), 1..5);
    let operation = prop_oneof![
        6 => (asset(), files).prop_map(|(asset, files)| Operation::Commit { asset, files }),
        1 => (asset(), path(), seed())
            .prop_map(|(asset, path, seed)| Operation::PutKey { asset, path, seed }),
        2 => (asset(), path(), seed())
            .prop_map(|(asset, path, seed)| Operation::Link { asset, path, seed }),
        1 => (asset(), path()).prop_map(|(asset, path)| Operation::RemoveEntry { asset, path }),
        3 => asset().prop_map(|asset| Operation::Seal { asset }),
        2 => asset().prop_map(|asset| Operation::Close { asset }),
        1 => (asset(), seed()).prop_map(|(asset, seed)| Operation::Receive { asset, seed }),
        1 => (asset(), seed()).prop_map(|(asset, seed)| Operation::Document { asset, seed }),
        1 => asset().prop_map(|asset| Operation::Remove { asset }),
        2 => asset().prop_map(|asset| Operation::Rename { asset }),
        2 => asset().prop_map(|asset| Operation::Copy { asset }),
        2 => Just(Operation::Collect),
        1 => Just(Operation::Verify),
        1 => Just(Operation::Switch),
    ];
    prop::collection::vec(operation, 4..14)
}

pub(super) fn options(durability: Durability) -> StoreOptions {
    StoreOptions {
        durability,
        ..StoreOptions::default()
    }
}

pub(super) fn at_once() -> GcOptions {
    GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    }
}

/// The key of a file of which a part was received.
pub(super) fn received(seed: u64) -> PartialKey {
    PartialKey::new(format!("received {seed}"))
}

/// From how many steps on something was said, and by which operation.
struct Moment {
    steps: usize,
    operation: usize,
    model: Model,
}

/// A store at work.
pub(super) struct Run {
    system: SimulatedFileSystem,
    stores: Vec<(Store, Durability)>,
    current: usize,
    writers: BTreeMap<usize, (AssetWriter, bool)>,
    pub(super) model: Model,
    moments: Vec<Moment>,
    operation: usize,
}

impl Run {
    /// With a handle for each of `handles`, on a system that has a store.
    pub(super) fn new(system: &SimulatedFileSystem, handles: &[Durability]) -> Run {
        let open = |&durability: &Durability| {
            (system.open_store(&options(durability)).unwrap(), durability)
        };
        let mut run = Run {
            system: system.clone(),
            stores: handles.iter().map(open).collect(),
            current: 0,
            writers: BTreeMap::new(),
            model: Model::default(),
            moments: Vec::new(),
            operation: 0,
        };
        run.note();
        run
    }

    fn note(&mut self) {
        self.moments.push(Moment {
            steps: self.system.steps().len(),
            operation: self.operation,
            model: self.model.clone(),
        });
    }

    /// What may be there after `steps` steps.
    pub(super) fn allowed(&self, steps: usize) -> Model {
        let next = self.moments.partition_point(|moment| moment.steps <= steps);
        let last = &self.moments[next.saturating_sub(1)];
        let Some(coming) = self.moments.get(next) else {
            return last.model.clone();
        };
        if last.steps == steps && last.operation != coming.operation {
            return last.model.clone();
        }
        // Commits of one operation are under way together.
        self.moments[next..]
            .iter()
            .take_while(|moment| moment.operation == coming.operation)
            .fold(last.model.clone(), |model, moment| model.or(&moment.model))
    }

    /// Does one thing. Failures are fine; what failed may have happened.
    pub(super) fn step(&mut self, operation: &Operation) -> Result<(), Error> {
        self.operation += 1;
        let done = self.perform(operation);
        self.note();
        done
    }

    fn asset(&mut self, asset: usize) -> &mut AssetModel {
        self.model.assets.entry(ASSETS[asset]).or_default()
    }

    /// The writer of the asset, and whether its store is relaxed.
    fn writer(&mut self, asset: usize) -> Result<bool, Error> {
        if let Some((_, relaxed)) = self.writers.get(&asset) {
            return Ok(*relaxed);
        }
        let (store, durability) = &self.stores[self.current];
        let relaxed = *durability == Durability::Relaxed;
        let writer = store.writer(&id(ASSETS[asset]));
        if writer.is_err() && !self.model.assets.contains_key(ASSETS[asset]) {
            self.asset(asset).uncertain = true;
        }
        let writer = writer?;
        let is_empty = writer.asset().entries().is_empty();
        self.writers.insert(asset, (writer, relaxed));
        let model = self.asset(asset);
        if model.uncertain && is_empty {
            // What there was before has gone to another id, or was removed.
            model.allow_removal();
        }
        model.uncertain = false;
        Ok(relaxed)
    }

    fn tell(&mut self, asset: usize, path: u8, content: Option<u64>, said: &Result<(), Error>) {
        let relaxed = self
            .writers
            .get(&asset)
            .is_some_and(|(_, relaxed)| *relaxed);
        let slot = self
            .asset(asset)
            .entries
            .entry(path.to_string())
            .or_default();
        match said {
            Ok(()) => slot.acknowledge(content, relaxed),
            Err(error) if matches!(error.kind(), ErrorKind::Missing) => {}
            Err(_) => slot.allow(content, relaxed),
        }
        self.note();
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), Error> {
        match *operation {
            Operation::Commit { asset, ref files } => self.commit(asset, files),
            Operation::PutKey { asset, path, seed } => {
                self.writer(asset)?;
                let key = EntryAttributes::new(ROLE_KEY);
                let said = self.writers[&asset]
                    .0
                    .put(&path.to_string(), &bytes(seed), key);
                let said = said.map(drop);
                self.tell(asset, path, Some(seed), &said);
                said
            }
            Operation::Link { asset, path, seed } => {
                self.writer(asset)?;
                let (content, writer) = (bytes(seed), &self.writers[&asset].0);
                let digest = Digest::of(&content);
                let said = writer
                    .link(&path.to_string(), &digest, content.len() as u64, segment())
                    .map(drop);
                self.tell(asset, path, Some(seed), &said);
                said.or_else(unless(ErrorKind::Missing))
            }
            Operation::RemoveEntry { asset, path } => {
                self.writer(asset)?;
                let said = self.writers[&asset].0.remove_entry(&path.to_string());
                self.tell(asset, path, None, &said);
                said.or_else(unless(ErrorKind::Missing))
            }
            Operation::Seal { asset } => {
                self.writer(asset)?;
                let sealed = self.writers[&asset].0.seal()?;
                self.asset(asset).settle(&sealed).unwrap();
                Ok(())
            }
            Operation::Close { asset } => {
                drop(self.writers.remove(&asset));
                Ok(())
            }
            Operation::Receive { asset, seed } => {
                self.writer(asset)?;
                self.asset(asset).received.insert(seed);
                let content = bytes(seed);
                let mut partial = self.writers[&asset].0.partial(&received(seed))?;
                let there = usize::try_from(partial.length()).unwrap();
                let more = content.len().min(there + 600);
                partial.append(&content[there..more])
            }
            Operation::Document { asset, seed } => {
                let store = &self.stores[self.current].0;
                let said = store.set_document(&id(ASSETS[asset]), "note", &bytes(seed));
                match &said {
                    Ok(()) => self.asset(asset).document.acknowledge(Some(seed), false),
                    Err(error) if error.kind() == ErrorKind::UnknownAsset => {}
                    Err(_) => self.asset(asset).document.allow(Some(seed), false),
                }
                said.or_else(unless(ErrorKind::UnknownAsset))
            }
            Operation::Remove { asset } => {
                drop(self.writers.remove(&asset));
                let removed = self.stores[self.current].0.remove(&id(ASSETS[asset]));
                match removed.map(drop) {
                    Ok(()) => {
                        self.model.assets.remove(ASSETS[asset]);
                        Ok(())
                    }
                    // Not there, or its removal was under way when it failed.
                    Err(error) => {
                        if let Some(asset) = self.model.assets.get_mut(ASSETS[asset]) {
                            asset.allow_removal();
                        }
                        unless(ErrorKind::UnknownAsset)(error)
                    }
                }
            }
            Operation::Rename { asset } => self.rename(asset),
            Operation::Copy { asset } => self.copy(asset),
            Operation::Collect => self.stores[self.current]
                .0
                .collect_garbage(&at_once())
                .map(drop),
            Operation::Verify => self.stores[self.current]
                .0
                .verify(None, &mut |_| {})
                .map(drop),
            Operation::Switch => {
                self.current = (self.current + 1) % self.stores.len();
                Ok(())
            }
        }
    }

    fn rename(&mut self, asset: usize) -> Result<(), Error> {
        let (from, to) = (ASSETS[asset], ASSETS[1 - asset]);
        drop(self.writers.remove(&asset));
        let said = self.stores[self.current].0.rename(&id(from), &id(to));
        let mut after = self.model.clone();
        if let Some(moved) = after.assets.remove(from)
            && (said.is_ok() || self.may_be_new(to))
        {
            after.assets.insert(to, moved);
        }
        self.relocated(after, said)
    }

    fn copy(&mut self, asset: usize) -> Result<(), Error> {
        let (from, to) = (ASSETS[asset], ASSETS[1 - asset]);
        let said = self.stores[self.current].0.copy(&id(from), &id(to));
        let mut after = self.model.clone();
        if let (Ok(copy), Some(original)) = (&said, self.model.assets.get(from)) {
            let mut made = AssetModel {
                received: BTreeSet::new(),
                uncertain: false,
                ..original.clone()
            };
            made.settle(copy).unwrap();
            after.assets.insert(to, made);
        } else if let Some(original) = self.model.assets.get(from)
            && self.may_be_new(to)
        {
            after.assets.insert(to, original.clone());
        }
        self.relocated(after, said.map(drop))
    }

    /// Whether nothing is known to be there: what failed while it was made may have left nothing.
    fn may_be_new(&self, id: &str) -> bool {
        self.model
            .assets
            .get(id)
            .is_none_or(|asset| asset.uncertain)
    }

    /// Something was to become as in `after`.
    fn relocated(&mut self, after: Model, said: Result<(), Error>) -> Result<(), Error> {
        match said {
            Ok(()) => self.model = after,
            Err(error) => match error.kind() {
                ErrorKind::UnknownAsset | ErrorKind::AlreadyExists => return Ok(()),
                _ => {
                    self.model = self.model.or(&after);
                    return Err(error);
                }
            },
        }
        Ok(())
    }

    fn commit(&mut self, asset: usize, files: &[(u8, u64)]) -> Result<(), Error> {
        self.writer(asset)?;
        self.asset(asset)
            .received
            .extend(files.iter().map(|(_, seed)| seed));
        let writer = &self.writers[&asset].0;
        let mut under_way = Vec::new();
        let mut said = Ok(());
        for &(path, seed) in files {
            let key = received(seed);
            match writer
                .partial(&key)
                .and_then(|partial| receive(partial, seed))
            {
                Ok(partial) => {
                    let attributes = from_source(&key.identity);
                    let commit = writer.commit(partial, &path.to_string(), attributes);
                    under_way.push((path, seed, commit));
                }
                // The same file twice at the same time.
                Err(error) if error.kind() == ErrorKind::Busy => {}
                Err(error) => said = Err(error),
            }
        }
        for (path, seed, commit) in under_way {
            let answer = commit.wait().map(drop);
            self.tell(asset, path, Some(seed), &answer);
            said = said.and(answer);
        }
        said
    }
}

/// Receives the rest of a file.
fn receive(mut partial: Partial, seed: u64) -> Result<Partial, Error> {
    let content = bytes(seed);
    let there = usize::try_from(partial.length()).unwrap();
    for piece in content[there..].chunks(4000) {
        partial.append(piece)?;
    }
    Ok(partial)
}

fn unless(expected: ErrorKind) -> impl FnOnce(Error) -> Result<(), Error> {
    move |error| {
        if error.kind() == expected {
            Ok(())
        } else {
            Err(error)
        }
    }
}
