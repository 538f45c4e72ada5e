//! The plan: what goes, in which order, why, and what it frees.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::error::{Error, Inner};
use crate::holdings::Holdings;
use crate::inventory::{Inventory, Item, Limits};
use crate::policy::Priority;
use crate::reason::{KeptBecause, Reason};

/// What to remove so that the limits hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What goes, in the order in which to remove it.
    #[serde(rename = "purged")]
    pub purges: Vec<Purge>,
    /// Bytes that are free when all of it is gone.
    pub freed: u64,
    /// Bytes that are lacking even then; 0 if the plan is enough.
    pub shortfall: u64,
    /// What stays although its bytes are wanted, by id: with a shortfall every pinned or used
    /// item that holds bytes; with [`Limits::evict_expired`] every expired one that may not go.
    pub kept: Vec<Kept>,
}

/// One item that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purge {
    /// The id of the item.
    pub id: String,
    /// Why it goes.
    pub reason: Reason,
    /// Bytes that its removal frees, given that the purges before it are done.
    pub bytes_freed: u64,
}

/// One item that stays although its bytes are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The id of the item.
    pub id: String,
    /// Why it stays.
    pub because: KeptBecause,
    /// Bytes that it holds, shared ones included.
    pub bytes: u64,
}

/// Decides what to remove from the inventory so that the limits hold.
///
/// The crate documentation has the order and the guarantees. `now` should be the current time.
///
/// # Errors
///
/// If the inventory contradicts itself (see [`ErrorKind`](crate::ErrorKind)), or if
/// [`Limits::min_free_bytes`] is set and [`Inventory::free_bytes`] is not.
pub fn plan(inventory: &Inventory, limits: &Limits, now: SystemTime) -> Result<Plan, Error> {
    let untouched = Holdings::new(inventory)?;
    let need = Need::new(inventory, limits, untouched.held())?;

    let mut candidates: Vec<Candidate<'_>> = (inventory.items.iter())
        .filter(|item| kept_because(item).is_none())
        .map(|item| Candidate::new(item, limits, now))
        .collect();
    candidates.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));

    let mut holdings = untouched.clone();
    let mut enough = 0;
    for candidate in &candidates {
        if holdings.freed() >= need.bytes && !candidate.forced {
            break;
        }
        holdings.release(candidate.item);
        enough += 1;
    }
    candidates.truncate(enough);
    spare_the_needless(&mut candidates, &mut holdings, need.bytes);

    let freed = holdings.freed();
    let mut holdings = untouched;
    let purges = candidates
        .iter()
        .map(|candidate| Purge {
            id: candidate.item.id.clone(),
            reason: candidate.reason(&need, now),
            bytes_freed: holdings.release(candidate.item),
        })
        .collect();
    let shortfall = need.bytes.saturating_sub(freed);
    Ok(Plan {
        purges,
        freed,
        shortfall,
        kept: kept(inventory, limits, &holdings, shortfall, now),
    })
}

/// Keeps of the candidates, all of which are released, only those without which less than `need`
/// would be free, or less than now if that is not enough anyway.
///
/// It asks the most important first. Each is asked while all less important ones are gone, so
/// what must still go could not be replaced by them. Freed bytes never grow when one more item
/// stays, so one pass finds all that can be spared.
fn spare_the_needless(candidates: &mut Vec<Candidate<'_>>, holdings: &mut Holdings<'_>, need: u64) {
    let target = need.min(holdings.freed());
    candidates.reverse();
    candidates.retain(|candidate| {
        let without = (holdings.freed()).saturating_sub(holdings.bytes_of_released(candidate.item));
        let needless = !candidate.forced && without >= target;
        if needless {
            holdings.hold_again(candidate.item);
        }
        !needless
    });
    candidates.reverse();
}

fn kept_because(item: &Item) -> Option<KeptBecause> {
    if item.policy.pinned {
        Some(KeptBecause::Pinned)
    } else if item.in_use {
        Some(KeptBecause::InUse)
    } else {
        None
    }
}

fn kept(
    inventory: &Inventory,
    limits: &Limits,
    holdings: &Holdings<'_>,
    shortfall: u64,
    now: SystemTime,
) -> Vec<Kept> {
    let mut kept: Vec<Kept> = (inventory.items.iter())
        .filter_map(|item| {
            let because = kept_because(item)?;
            let bytes = holdings.bytes_of(item);
            let wanted =
                (shortfall > 0 && bytes > 0) || (limits.evict_expired && item.is_expired(now));
            wanted.then(|| Kept {
                id: item.id.clone(),
                because,
                bytes,
            })
        })
        .collect();
    kept.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    kept
}

/// How many bytes must go, and which limit asks for it.
struct Need {
    bytes: u64,
    limit: Limit,
}

enum Limit {
    MaxBytes,
    MinFreeBytes,
}

impl Need {
    fn new(inventory: &Inventory, limits: &Limits, held: u64) -> Result<Self, Error> {
        let over = limits.max_bytes.map_or(0, |max| held.saturating_sub(max));
        let lacking = match (limits.min_free_bytes, inventory.free_bytes) {
            (None, _) => 0,
            (Some(min), Some(free)) => min.saturating_sub(free),
            (Some(_), None) => return Err(Inner::UnknownFreeSpace.into()),
        };
        Ok(if over >= lacking {
            Self {
                bytes: over,
                limit: Limit::MaxBytes,
            }
        } else {
            Self {
                bytes: lacking,
                limit: Limit::MinFreeBytes,
            }
        })
    }
}

/// What goes first has the smaller class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Expired,
    Priority(Priority),
}

/// An item that may go.
struct Candidate<'a> {
    item: &'a Item,
    class: Class,
    /// It goes even where there is no need.
    forced: bool,
}

impl<'a> Candidate<'a> {
    fn new(item: &'a Item, limits: &Limits, now: SystemTime) -> Self {
        let expired = item.is_expired(now);
        Self {
            item,
            class: if expired {
                Class::Expired
            } else {
                Class::Priority(item.policy.priority)
            },
            forced: expired && limits.evict_expired,
        }
    }

    /// The order of purging: what is smaller goes first.
    fn rank(&self) -> (Class, SystemTime, SystemTime, &'a str) {
        let item = self.item;
        (self.class, item.last_wanted(), item.created, &item.id)
    }

    fn reason(&self, need: &Need, now: SystemTime) -> Reason {
        if let (Class::Expired, Some(at)) = (self.class, self.item.policy.expires) {
            let ago = age(at, now);
            return Reason::Expired { at, ago };
        }
        let priority = self.item.policy.priority;
        let played = self.item.last_played.is_some();
        let idle = age(self.item.last_wanted(), now);
        match need.limit {
            Limit::MaxBytes => Reason::OverLimit {
                priority,
                played,
                idle,
                over: need.bytes,
            },
            Limit::MinFreeBytes => Reason::LowSpace {
                priority,
                played,
                idle,
                lacking: need.bytes,
            },
        }
    }
}

/// How long ago; nothing if it lies ahead, as after a clock was set back.
fn age(time: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(time).unwrap_or_default()
}
