//! What a store must hold after a crash: of every name the contents that are allowed.

use std::collections::{BTreeMap, BTreeSet};

use asset_store::{Asset, Digest};

use crate::support::noise;

/// What a name stands for: the seed of its content, or nothing.
type Content = Option<u64>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) content: Content,
    /// Whether somebody was told that it is so. What failed may have happened or not.
    pub(super) acknowledged: bool,
    /// Acknowledged by a relaxed store, and not sealed: a power cut may take it back.
    pub(super) relaxed: bool,
}

const ABSENT: Value = Value {
    content: None,
    acknowledged: true,
    relaxed: false,
};

/// Everything that was said about one name since it was last certain.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    values: Vec<Value>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct AssetModel {
    pub(super) entries: BTreeMap<String, Slot>,
    pub(super) document: Slot,
    /// Seeds of which a part was received.
    pub(super) received: BTreeSet<u64>,
    /// Whether it may also be gone, or not be there yet.
    pub(super) uncertain: bool,
}

/// Assets by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) assets: BTreeMap<&'static str, AssetModel>,
}

/// How a store was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// The process died.
    Kill,
    /// The machine did.
    PowerCut,
}

/// The content of a seed: lengths around the blocks that a crash tears.
pub(super) fn bytes(seed: u64) -> Vec<u8> {
    noise(
        seed,
        [0, 90, 513, 1500, 4096, 9000][usize::try_from(seed % 6).unwrap()],
    )
}

impl Slot {
    pub(super) fn acknowledge(&mut self, content: Content, relaxed: bool) {
        if !relaxed {
            self.values.clear();
        }
        self.values.push(Value {
            content,
            acknowledged: true,
            relaxed,
        });
    }

    /// It failed, or nobody knows.
    pub(super) fn allow(&mut self, content: Content, relaxed: bool) {
        if self.values.is_empty() {
            self.values.push(ABSENT);
        }
        self.values.push(Value {
            content,
            acknowledged: false,
            relaxed,
        });
    }

    /// What it may be after a crash.
    pub(super) fn allowed(&self, crash: Crash) -> Vec<Value> {
        let certain =
            |value: &Value| value.acknowledged && !(value.relaxed && crash == Crash::PowerCut);
        match self.values.iter().rposition(certain) {
            Some(first) => self.values[first..].to_vec(),
            None => [&[ABSENT], &self.values[..]].concat(),
        }
    }

    fn join(&mut self, other: &Slot) {
        if self.values.is_empty() {
            self.values.push(ABSENT);
        }
        let others = if other.values.is_empty() {
            &[ABSENT][..]
        } else {
            &other.values
        };
        self.values.extend(others.iter().map(|value| Value {
            acknowledged: false,
            ..*value
        }));
    }
}

impl AssetModel {
    /// Its removal failed, or nobody knows.
    pub(super) fn allow_removal(&mut self) {
        self.uncertain = true;
        self.document.allow(None, false);
        for slot in self.entries.values_mut() {
            slot.allow(None, false);
        }
    }

    /// What the asset says it is now, which must be allowed, is from now on certain.
    pub(super) fn settle(&mut self, asset: &Asset) -> Result<(), String> {
        for (path, entry) in asset.entries() {
            let slot = self.entries.get_mut(path).ok_or(format!("{path} is new"))?;
            let is_it = |value: &&Value| {
                value
                    .content
                    .is_some_and(|seed| Digest::of(&bytes(seed)) == entry.digest)
            };
            let found = slot.values.iter().rev().find(is_it).copied();
            let found = found.ok_or(format!("{path} has an entry that nobody made"))?;
            slot.acknowledge(found.content, false);
        }
        for (path, slot) in &mut self.entries {
            if asset.entry(path).is_none() {
                slot.acknowledge(None, false);
            }
        }
        Ok(())
    }
}

impl Model {
    /// What is allowed while that which leads to `after` is under way.
    pub(super) fn or(&self, after: &Model) -> Model {
        let mut either = self.clone();
        for (name, asset) in &mut either.assets {
            asset.uncertain |= after.assets.get(name).is_none_or(|after| after.uncertain);
        }
        for (name, later) in &after.assets {
            let is_new = !self.assets.contains_key(name);
            let asset = either.assets.entry(name).or_default();
            asset.uncertain |= is_new;
            for (path, slot) in &later.entries {
                asset.entries.entry(path.clone()).or_default().join(slot);
            }
            asset.document.join(&later.document);
            asset.received.extend(&later.received);
        }
        either
    }
}
