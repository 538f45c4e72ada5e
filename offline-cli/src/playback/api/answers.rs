//! The answers themselves.

use std::time::{Duration, SystemTime};

use asset_store::{AssetId, Store};
use serde::{Deserialize, Serialize};

use super::refused;
use crate::Result;
use crate::playback::local::LocalAsset;
use crate::session::library::{self, Inspected, Listed, Watched};
use crate::session::{parallel, purge, upkeep};

/// How many of those that would go first are told.
const NEXT_SHOWN: usize = 5;

/// An asset in the library.
#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    listed: Listed,
    #[serde(flatten)]
    watched: Watched,
}

pub(super) fn library(store: &Store) -> Result<Vec<Shown>> {
    let listed = library::list(store)?;
    let watched = parallel::map(&listed, |listed| {
        let id = AssetId::new(&listed.id).ok()?;
        library::watched(store, &id).ok()
    });
    let shown = listed.into_iter().zip(watched);
    Ok(shown
        .map(|(listed, watched)| Shown {
            listed,
            watched: watched.unwrap_or_default(),
        })
        .collect())
}

/// What is being downloaded, and whether anything else has changed.
#[derive(Serialize)]
pub(super) struct Running {
    assets: Vec<Listed>,
    /// Another text whenever an asset came, went, or changed its state.
    version: String,
}

pub(super) fn running(store: &Store) -> Result<Running> {
    let (assets, version) = library::running(store)?;
    Ok(Running { assets, version })
}

/// One asset whole.
#[derive(Serialize)]
pub(super) struct Details {
    #[serde(flatten)]
    inspected: Inspected,
    /// Whether there is anything to play, be it a part.
    offered: bool,
    /// Why it does not play offline, in words.
    why: Vec<String>,
}

pub(super) fn details(store: &Store, id: &AssetId) -> Result<Details> {
    let inspected = library::inspect(store, id)?;
    let why = inspected.inspection.why_not.iter();
    Ok(Details {
        why: why.map(ToString::to_string).collect(),
        inspected,
        offered: matches!(LocalAsset::load_growing(store, id, None), Ok(Some(_))),
    })
}

/// Room on the disk of the store.
#[derive(Serialize)]
pub(super) struct Space {
    /// Bytes of the library.
    used: u64,
    /// Bytes of everything else on the disk.
    other: u64,
    free: u64,
    /// What goes first when room is needed.
    next: Vec<Next>,
}

#[derive(Serialize)]
struct Next {
    title: String,
    reason: String,
}

pub(super) fn space(store: &Store) -> Result<Space> {
    let outlook = purge::outlook(store, NEXT_SHOWN)?;
    let used = outlook.bytes.saturating_add(store.partial_bytes()?);
    let (free, total) = upkeep::disk(store)?;
    let next = outlook.next.into_iter().map(|purged| Next {
        title: AssetId::new(&purged.id)
            .ok()
            .and_then(|id| library::title(store, &id).ok())
            .unwrap_or(purged.id),
        reason: purged.reason,
    });
    Ok(Space {
        used,
        other: total.saturating_sub(free).saturating_sub(used),
        free,
        next: next.collect(),
    })
}

/// Where somebody stopped watching.
#[derive(Deserialize)]
pub(super) struct Position {
    pub(super) seconds: f64,
}

/// A policy as the page sends it.
#[derive(Deserialize)]
pub(super) struct PolicyChange {
    priority: String,
    /// Unix seconds; null is never.
    expires: Option<f64>,
    pinned: bool,
}

impl PolicyChange {
    pub(super) fn apply(self, store: &Store, id: &AssetId) -> Result<()> {
        let mut policy = library::policy(store, id)?;
        policy.priority = self
            .priority
            .parse()
            .map_err(|_| refused("there is no such priority"))?;
        policy.expires = match self.expires {
            None => None,
            Some(seconds) => {
                let since = Duration::try_from_secs_f64(seconds).ok();
                let time = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
                Some(time.ok_or_else(|| refused("there is no such day"))?)
            }
        };
        policy.pinned = self.pinned;
        library::set_policy(store, id, &policy)
    }
}
