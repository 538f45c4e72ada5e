//! The store: whether it can be used, by whom it is, and whether what it has can be read.

use std::path::{Path, PathBuf};

use asset_store::{ErrorKind, Examination, HeldLock, IndexState, LockPurpose, Store, StoreOptions};

use super::Finding;
use crate::Error;
use crate::session::purge;

/// How many of the same kind are named.
const NAMED: usize = 3;

/// What is to be said of the store, and the store itself if it can be opened without changing anything.
pub(super) fn examine(place: &Path) -> (Vec<Finding>, Option<Store>) {
    let found = match Store::examine(place) {
        Ok(found) => found,
        Err(error) => {
            let said = Error::from(error).one_line();
            let advice = "check that the folder can be read, or name another store with --store";
            return (vec![Finding::bad("store", said, advice)], None);
        }
    };
    let mut findings = Vec::new();
    let store = layout(place, &found, &mut findings);
    findings.extend(permissions(place, &found));
    if found.refused.is_none() {
        findings.push(index(found.index));
        findings.extend(locks(&found.locks));
    }
    if let Some(store) = &store {
        findings.push(assets(store));
    }
    (findings, store)
}

fn layout(place: &Path, found: &Examination, findings: &mut Vec<Finding>) -> Option<Store> {
    let shown = place.display();
    match &found.refused {
        None => {}
        Some(error) if error.kind() == ErrorKind::NotFound => {
            let said = format!("there is none at {shown}; the first download creates it");
            findings.push(Finding::note("store", said));
            return None;
        }
        // What is to be done about permissions is said with them.
        Some(error) if error.kind() == ErrorKind::NotPrivate && !found.not_private.is_empty() => {
            return None;
        }
        Some(error) => {
            let advice = match error.kind() {
                ErrorKind::NewerFormat => "update offline, or name another store with --store",
                ErrorKind::NotAStore => {
                    "name another folder with --store; if this was a store, put its FORMAT back from a copy"
                }
                _ => "check that the folder can be read, or name another store with --store",
            };
            findings.push(Finding::bad("store", error.to_string(), advice));
            return None;
        }
    }
    if !found.missing.is_empty() {
        let said = format!("{shown} lacks {}", named(place, &found.missing));
        let advice = "put it back from a copy of the store, or create it empty and see with \
                      `offline verify` what is lost";
        findings.push(Finding::bad("store", said, advice));
        return None;
    }
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    match Store::open_with(place, &options) {
        Ok(store) => {
            findings.push(Finding::ok("store", shown.to_string()));
            Some(store)
        }
        Err(error) => {
            let error = Error::from(error);
            let advice = error
                .advice()
                .unwrap_or("try again when nobody else uses it");
            findings.push(Finding::bad("store", error.one_line(), advice));
            None
        }
    }
}

/// Below the root, a few of them by name.
fn named(root: &Path, paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| {
        let below = path.strip_prefix(root).unwrap_or(path);
        below.display().to_string()
    };
    let mut names: Vec<String> = paths.iter().take(NAMED).map(name).collect();
    if let Some(more) = paths.len().checked_sub(NAMED).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn permissions(place: &Path, found: &Examination) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in &found.not_private {
        let path = path.display();
        findings.push(Finding::bad(
            "permissions",
            format!("{path} belongs to another user, or others may write in it"),
            format!("run as the user it belongs to, or make it private: chmod -R go-w {path}"),
        ));
    }
    for path in &found.not_writable {
        let path = path.display();
        findings.push(Finding::bad(
            "permissions",
            format!("nothing can be written in {path}"),
            format!("chmod u+wx {path}, or mount its volume writable, or name another store with --store"),
        ));
    }
    if findings.is_empty() {
        let there = place.exists();
        let said = if there {
            "private, and can be written"
        } else {
            "the store can be created"
        };
        findings.push(Finding::ok("permissions", said));
    }
    findings
}

fn index(state: IndexState) -> Finding {
    match state {
        IndexState::Whole => Finding::ok("index", "closed with everything in it"),
        IndexState::InUse => Finding::ok("index", "in use"),
        IndexState::Absent => {
            Finding::note("index", "there is none yet; the next download builds it")
        }
        IndexState::Unreadable => Finding::bad(
            "index",
            "its files cannot be read",
            "delete the folder `index` of the store: nothing is lost, the next download builds it anew",
        ),
        _ => Finding::note(
            "index",
            "it was not closed, or lacks something; the next download builds it anew",
        ),
    }
}

fn locks(locks: &[HeldLock]) -> Vec<Finding> {
    if locks.is_empty() {
        return vec![Finding::ok("locks", "nobody uses the store")];
    }
    let note = |lock: &HeldLock| {
        let what = match &lock.purpose {
            LockPurpose::Writing(id) => format!("{id} is being written"),
            LockPurpose::Using(id) => format!("{id} is being played or served"),
            LockPurpose::Sweeping => "garbage is being collected".to_owned(),
            _ => "the index is in use".to_owned(),
        };
        let processes: Vec<String> = lock.processes.iter().map(u32::to_string).collect();
        let by = match &processes[..] {
            [] => "another process".to_owned(),
            [one] => format!("process {one}"),
            _ => format!("processes {}", processes.join(", ")),
        };
        Finding::note("locks", format!("{what} by {by}"))
    };
    locks.iter().map(note).collect()
}

/// Whether the manifests and the policy can be read; their blobs are for `offline verify` to read.
fn assets(store: &Store) -> Finding {
    if let Err(error) = purge::store_policy(store) {
        let advice = error
            .advice()
            .unwrap_or("write it anew with `offline policy --from FILE`");
        return Finding::bad("assets", error.one_line(), advice);
    }
    let ids = match store.asset_ids() {
        Ok(ids) => ids,
        Err(error) => {
            let said = Error::from(error).one_line();
            return Finding::bad(
                "assets",
                said,
                "check that the folder `assets` of the store can be read",
            );
        }
    };
    let is_damaged = |id: &&asset_store::AssetId| {
        let loaded = store.asset(id);
        // One that is removed meanwhile is not damaged.
        loaded.is_err_and(|error| error.kind() != ErrorKind::UnknownAsset)
    };
    let damaged: Vec<String> = ids
        .iter()
        .filter(is_damaged)
        .map(ToString::to_string)
        .collect();
    if damaged.is_empty() {
        let count = ids.len();
        let assets = if count == 1 { "asset" } else { "assets" };
        return Finding::ok(
            "assets",
            format!("{count} {assets}, all manifests can be read"),
        );
    }
    let first: Vec<&str> = damaged.iter().take(NAMED).map(String::as_str).collect();
    let said = format!("{} damaged: {}", damaged.len(), first.join(", "));
    Finding::bad(
        "assets",
        said,
        "`offline verify` says what is damaged, `offline verify --repair` fetches it again",
    )
}
