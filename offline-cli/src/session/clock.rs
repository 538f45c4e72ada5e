//! The time that is recorded, and whether the clock can be relied on.
//!
//! A machine without a battery for its clock wakes in 1970. What is recorded then must not make anything go early
//! once the clock is right, so the store keeps the latest time that was seen.

use std::time::{Duration, SystemTime};

use asset_store::{AssetId, Store};
use serde::{Deserialize, Serialize};

use super::record;
use crate::Result;

/// Name of the document, of the store and of assets.
const CLOCK: &str = "clock";

/// Clocks of machines that share a store differ by so much; as often the latest time is written.
const TOLERANCE: u64 = 60;

/// The latest time that was seen in this store, in Unix seconds.
#[derive(Serialize, Deserialize)]
struct Seen {
    latest: u64,
}

/// Of an asset: its download began while the clock was behind.
#[derive(Serialize, Deserialize)]
struct Beginning {
    doubtful: bool,
}

/// What the clock says, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: u64,
    /// The latest time that was seen, if the clock is behind it.
    pub(crate) latest: Option<u64>,
}

/// The time of the clock, noted for those to come.
pub(crate) fn moment(store: &Store) -> Moment {
    let now = record::unix_now();
    let seen = latest(store).unwrap_or_default();
    if is_behind(now, seen) {
        let latest = Some(seen);
        return Moment { now, latest };
    }
    if now > seen.saturating_add(TOLERANCE)
        && let Err(error) = set_latest(store, now)
    {
        tracing::warn!(%error, "the time could not be noted");
    }
    Moment { now, latest: None }
}

/// Whether a clock that says `now` is behind a time that was seen.
pub(crate) fn is_behind(now: u64, seen: u64) -> bool {
    now.saturating_add(TOLERANCE) < seen
}

/// The latest time that was seen in this store.
pub(crate) fn latest(store: &Store) -> Option<u64> {
    let bytes = store.store_document(CLOCK).ok().flatten()?;
    let seen: Seen = serde_json::from_slice(&bytes).ok()?;
    Some(seen.latest)
}

/// Takes the clock for right, whatever was seen before.
pub(crate) fn trust(store: &Store) -> Result<()> {
    set_latest(store, record::unix_now())
}

fn set_latest(store: &Store, latest: u64) -> Result<()> {
    let bytes = format!("{{\"latest\":{latest}}}");
    Ok(store.set_store_document(CLOCK, bytes.as_bytes())?)
}

/// Notes with a new asset if the time of its beginning cannot be relied on.
pub(super) fn note_beginning(store: &Store, id: &AssetId) -> Result<()> {
    if moment(store).latest.is_some() {
        record::write(store, id, CLOCK, &Beginning { doubtful: true })?;
    }
    Ok(())
}

/// Whether the time of an asset's beginning cannot be relied on.
pub(crate) fn is_doubtful(store: &Store, id: &AssetId) -> Result<bool> {
    let beginning: Option<Beginning> = record::read(store, id, CLOCK)?;
    Ok(beginning.is_some_and(|beginning| beginning.doubtful))
}

/// How far the clock is behind, if it is.
pub(crate) fn behind(store: &Store) -> Option<Duration> {
    let moment = moment(store);
    let latest = moment.latest?;
    Some(Duration::from_secs(latest.saturating_sub(moment.now)))
}

/// The latest time that was seen, as planning wants it.
pub(crate) fn latest_time(store: &Store) -> Option<SystemTime> {
    record::time(latest(store)?)
}
