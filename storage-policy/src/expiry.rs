//! When an asset expires, and what a clock that was set back means for it.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::inventory::{Inventory, Item};
use crate::policy::AfterPlayed;
use crate::text::Span;
use crate::time;

/// When an asset expires. JSON: `{"id":"a","at":1767225600,"cause":"date"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Expiry {
    /// The id of the item.
    pub id: String,
    /// When.
    #[serde(serialize_with = "time::unix")]
    pub at: SystemTime,
    /// What says so.
    pub cause: ExpiryCause,
}

/// Which part of a policy makes an asset expire first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExpiryCause {
    /// [`crate::Policy::expires`].
    Date,
    /// [`crate::Policy::storage_window`].
    StorageWindow,
    /// [`crate::Policy::playback_window`].
    PlaybackWindow,
    /// [`AfterPlayed::Expire`].
    AfterPlayed,
}

impl fmt::Display for ExpiryCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Date => "its date",
            Self::StorageWindow => "the time it may be stored",
            Self::PlaybackWindow => "the time it may be played",
            Self::AfterPlayed => "the time it is kept once played",
        })
    }
}

/// The clock is behind a time that is known to have been.
///
/// Whatever would expire by that time does not expire by this clock: nothing goes early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClockSetBack {
    /// The latest time that is known to have been.
    #[serde(serialize_with = "time::unix")]
    pub latest: SystemTime,
    /// How far behind it the clock is.
    #[serde(serialize_with = "time::age")]
    pub by: Duration,
}

impl fmt::Display for ClockSetBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the clock is {} behind the latest time that is recorded, so what would have expired by then stays for now",
            Span(self.by)
        )
    }
}

/// Clocks of machines that share a store differ by so much without having been set back.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Whether the clock was set back, as far as the times in the inventory tell.
pub(crate) fn clock_set_back(inventory: &Inventory, now: SystemTime) -> Option<ClockSetBack> {
    let times = (inventory.items.iter())
        .flat_map(|item| [Some(item.created), item.first_played, item.last_played]);
    let latest = times.chain([inventory.latest]).flatten().max()?;
    let by = latest.duration_since(now).ok()?;
    (by > TOLERANCE).then_some(ClockSetBack { latest, by })
}

/// What will expire, soonest first: all that is not pinned and expires after `now`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use storage_policy::{ExpiryCause, Inventory, Item, expiries};
///
/// let hour = Duration::from_secs(3600);
/// let now = SystemTime::UNIX_EPOCH + 1000 * hour;
/// let mut rented = Item::new("rented", now - 50 * hour, vec![]);
/// rented.policy.storage_window = Some(30 * 24 * hour);
/// rented.policy.playback_window = Some(48 * hour);
/// rented.first_played = Some(now - hour);
/// let inventory = Inventory { items: vec![rented], ..Inventory::default() };
///
/// let next = &expiries(&inventory, now)[0];
/// assert_eq!((next.at, next.cause), (now + 47 * hour, ExpiryCause::PlaybackWindow));
/// ```
pub fn expiries(inventory: &Inventory, now: SystemTime) -> Vec<Expiry> {
    let mut expiries: Vec<Expiry> = (inventory.items.iter())
        .filter(|item| !item.policy.pinned)
        .filter_map(|item| {
            let (at, cause) = expiry(item)?;
            let id = || item.id.clone();
            (at > now).then(|| Expiry {
                id: id(),
                at,
                cause,
            })
        })
        .collect();
    expiries.sort_unstable_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    expiries
}

/// When an item expires, and what makes it.
pub(crate) fn expiry(item: &Item) -> Option<(SystemTime, ExpiryCause)> {
    let policy = &item.policy;
    let date = policy.expires.map(|at| (at, ExpiryCause::Date));
    if item.times_doubtful {
        return date;
    }
    let first_play = item.first_play();
    let window = match (first_play, policy.playback_window) {
        (Some(first), Some(window)) => {
            (first.checked_add(window)).map(|at| (at, ExpiryCause::PlaybackWindow))
        }
        _ => (policy.storage_window)
            .and_then(|window| item.created.checked_add(window))
            .map(|at| (at, ExpiryCause::StorageWindow)),
    };
    let played = match (first_play, policy.after_played) {
        (Some(first), Some(AfterPlayed::Expire(after))) => {
            (first.checked_add(after)).map(|at| (at, ExpiryCause::AfterPlayed))
        }
        _ => None,
    };
    [date, window, played].into_iter().flatten().min()
}

/// Whether the policy counts from times that the item does not know for sure.
pub(crate) fn is_undecided(item: &Item) -> bool {
    let policy = &item.policy;
    item.times_doubtful
        && (policy.storage_window.is_some()
            || policy.playback_window.is_some()
            || matches!(policy.after_played, Some(AfterPlayed::Expire(_))))
}
