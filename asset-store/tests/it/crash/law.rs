//! The law: what was acknowledged is there and right, nothing wrong is served, and the store works.

use std::io::Read;

use asset_store::testing::SimulatedFileSystem;
use asset_store::{Digest, Durability, Entry, Error, Store, StoreOptions, VerifyOnRead};

use super::model::{AssetModel, Crash, Model, Slot, Value, bytes};
use super::workload::{at_once, options, received};
use crate::support::{id, segment};

/// The seed of what is stored after a crash.
const AFTER: u64 = 100;

fn failed(what: &str) -> impl FnOnce(Error) -> String {
    move |error| format!("{what}: {error}")
}

fn open(system: &SimulatedFileSystem) -> Result<Store, String> {
    system
        .open_store(&options(Durability::Durable))
        .map_err(failed("opening"))
}

/// Whether somebody who checks what he reads is served this, and it is wrong. On a copy, since what is
/// damaged is moved aside.
fn checked_and_wrong(system: &SimulatedFileSystem, entry: &Entry) -> Result<bool, String> {
    let options = StoreOptions {
        verify_on_read: VerifyOnRead::Always,
        ..options(Durability::Durable)
    };
    let copy = system.killed(usize::MAX);
    let store = copy.open_store(&options).map_err(failed("opening"))?;
    let content = served(&store, entry);
    Ok(content.is_ok_and(|content| Digest::of(&content) != entry.digest))
}

fn served(store: &Store, entry: &Entry) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let mut file = store.open_entry(entry).map_err(failed("serving"))?;
    file.read_to_end(&mut content)
        .map_err(|error| error.to_string())?;
    Ok(content)
}

/// The value that this entry is.
fn value_of(slot: Option<&Slot>, crash: Crash, digest: Digest) -> Option<Value> {
    let is_it = |value: &Value| {
        value
            .content
            .is_some_and(|seed| Digest::of(&bytes(seed)) == digest)
    };
    // The same content may have been said more than once: durable is durable, and what becomes durable
    // after it was relaxed is not durable yet.
    let mut values = slot?.allowed(crash);
    values.sort_by_key(|value| match (value.acknowledged, value.relaxed) {
        (true, false) => 0,
        (_, true) => 1,
        (false, false) => 2,
    });
    values.into_iter().find(is_it)
}

/// What readers see: that which is allowed, and right.
pub(super) fn readers(
    system: &SimulatedFileSystem,
    model: &Model,
    crash: Crash,
) -> Result<(), String> {
    let store = open(system)?;
    let ids = store.asset_ids().map_err(failed("listing"))?;
    for found in &ids {
        if !model.assets.contains_key(found.as_str()) {
            return Err(format!("{found} came from nowhere"));
        }
    }
    for (name, expected) in &model.assets {
        if !ids.contains(&id(name)) {
            if expected.uncertain {
                continue;
            }
            return Err(format!("{name} is gone"));
        }
        let asset = store.asset(&id(name)).map_err(failed("reading an asset"))?;
        for (path, entry) in asset.entries() {
            let slot = expected.entries.get(path);
            let Some(value) = value_of(slot, crash, entry.digest) else {
                return Err(format!("{name}/{path} is none of {slot:?}"));
            };
            // What a relaxed store has not sealed may be damaged until it is written, verified, or read
            // with a check.
            let is_wrong = if value.relaxed && crash == Crash::PowerCut {
                checked_and_wrong(system, entry)?
            } else {
                Digest::of(&served(&store, entry)?) != entry.digest
            };
            if is_wrong {
                return Err(format!("{name}/{path} is served wrong"));
            }
        }
        for (path, slot) in &expected.entries {
            let may_be_absent = slot
                .allowed(crash)
                .iter()
                .any(|value| value.content.is_none());
            if asset.entry(path).is_none() && !may_be_absent {
                return Err(format!("{name}/{path} is lost, {slot:?}"));
            }
        }
        let document = store
            .document(&id(name), "note")
            .map_err(failed("reading a document"))?;
        let allowed = expected.document.allowed(crash);
        if !allowed
            .iter()
            .any(|value| value.content.map(bytes) == document)
        {
            return Err(format!("{name} has another document than {allowed:?}"));
        }
    }
    Ok(())
}

/// Writes, sweeps and verifies. Gives what is there from now on.
pub(super) fn recover(
    system: &SimulatedFileSystem,
    model: &Model,
    crash: Crash,
) -> Result<Model, String> {
    let store = open(system)?;
    let ids = store.asset_ids().map_err(failed("listing"))?;
    let mut after = model.clone();
    after.assets.retain(|name, _| ids.contains(&id(name)));
    after.assets.entry("new").or_default();
    for (name, expected) in &mut after.assets {
        write(&store, name, expected, crash).map_err(|error| format!("{name}: {error}"))?;
    }
    let swept = store
        .collect_garbage(&at_once())
        .map_err(failed("sweeping"))?;
    let report = store
        .verify(None, &mut |_| {})
        .map_err(failed("verifying"))?;
    if !report.is_good() || !report.damaged_orphans.is_empty() {
        return Err(format!("{report:?}"));
    }
    let usage = store.usage().map_err(failed("counting"))?;
    if (usage.blobs, usage.partial_bytes) != (swept.blobs_kept, 0) {
        return Err(format!("after {swept:?} there is {usage:?}"));
    }
    drop(store);
    for file in system.files() {
        if file.path.contains("/.tmp-") {
            return Err(format!("nobody needs {file:?}"));
        }
        if file.path.ends_with("/reserve") && file.length != 1 << 20 {
            return Err(format!("the reserve is {file:?}"));
        }
    }
    readers(system, &after, Crash::Kill)?;
    Ok(after)
}

/// Goes on with an asset as a download does: what a relaxed store has lost is stored again.
fn write(store: &Store, name: &str, expected: &mut AssetModel, crash: Crash) -> Result<(), String> {
    let writer = store.writer(&id(name)).map_err(failed("writing"))?;
    for (path, entry) in writer.asset().entries() {
        let slot = expected.entries.get(path);
        let value = value_of(slot, crash, entry.digest).ok_or(format!("{path}: {slot:?}"))?;
        if writer.contains(path) {
            if Digest::of(&served(store, entry)?) != entry.digest {
                return Err(format!("{path} is wrong for its writer"));
            }
        } else if value.relaxed {
            let content = bytes(value.content.unwrap_or_default());
            writer
                .put(path, &content, segment())
                .map_err(failed("storing again"))?;
        } else {
            return Err(format!("{path} is missing for its writer"));
        }
    }
    for &seed in &expected.received {
        let partial = writer
            .partial(&received(seed))
            .map_err(failed("continuing"))?;
        let prefix = bytes(seed);
        let prefix = usize::try_from(partial.length())
            .ok()
            .and_then(|end| prefix.get(..end));
        if prefix.map(Digest::of) != Some(partial.digest()) {
            return Err(format!("what was received of {seed} is wrong"));
        }
    }
    expected
        .entries
        .entry("after".to_owned())
        .or_default()
        .allow(Some(AFTER), false);
    writer
        .put("after", &bytes(AFTER), segment())
        .map_err(failed("storing"))?;
    expected.settle(&writer.seal().map_err(failed("sealing"))?)?;
    expected.uncertain = false;
    Ok(())
}
