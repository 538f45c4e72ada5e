//! The plan: what goes, in which order, why, and what it frees.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::books::{Books, Ledger};
use crate::choice;
use crate::error::Error;
use crate::expiry::{self, ClockSetBack};
use crate::inventory::{Inventory, Item};
use crate::need::{Incoming, Limit, Need, TagNeed};
use crate::reason::{KeptBecause, Reason, Usage};
use crate::store_policy::StorePolicy;
use crate::surplus;
use crate::unit::{Class, Rules, Unit};

/// What to remove so that the limits hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// What goes, in the order in which to remove it.
    #[serde(rename = "purged")]
    pub purges: Vec<Purge>,
    /// Bytes that are free when all of it is gone.
    pub freed: u64,
    /// Bytes that are lacking even then; 0 if the plan is enough for the store.
    pub shortfall: u64,
    /// The quotas of tags that are lacking bytes even then, by tag.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_shortfalls: Vec<TagShortfall>,
    /// What stays although its bytes are wanted, by id: with a shortfall every item that may not go and
    /// holds bytes; with [`StorePolicy::evict_expired`] every expired or surplus one that may not go.
    pub kept: Vec<Kept>,
    /// The clock is behind the times of the inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockSetBack>,
    /// The items, by id, that have windows which do not run, since their times are doubtful.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<String>,
}

impl Plan {
    /// Whether all limits hold when it is carried out.
    pub fn is_enough(&self) -> bool {
        self.shortfall == 0 && self.tag_shortfalls.is_empty()
    }
}

/// One item, or a part of one, that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Purge {
    /// The id of the item.
    pub id: String,
    /// The part that goes; `None` if the whole item does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Why it goes.
    pub reason: Reason,
    /// Bytes that its removal frees, given that the purges before it are done.
    pub bytes_freed: u64,
}

/// A quota that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TagShortfall {
    /// The tag.
    pub tag: String,
    /// Bytes that are lacking.
    pub shortfall: u64,
}

/// One item that stays although its bytes are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
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
/// The crate documentation has the order and the guarantees. `now` should be the current time. What
/// another limit would take is this with another policy.
///
/// # Errors
///
/// If the inventory or the policy contradicts itself (see [`ErrorKind`](crate::ErrorKind)), or if
/// [`StorePolicy::min_free`] is set and the inventory does not say what is free.
pub fn plan(inventory: &Inventory, policy: &StorePolicy, now: SystemTime) -> Result<Plan, Error> {
    make(inventory, policy, None, now)
}

/// Decides what to remove so that something new fits: into the limits of the store, the quotas of its
/// own tags, and the volume, as far as its free bytes are known.
///
/// Only what [`StorePolicy::make_room`] allows goes, and nothing beyond the need, so
/// [`StorePolicy::evict_expired`] and the low mark take no part.
///
/// ```
/// use std::time::SystemTime;
/// use storage_policy::{Incoming, Inventory, Item, StorePolicy, room_for};
///
/// let now = SystemTime::UNIX_EPOCH;
/// let inventory = Inventory {
///     items: vec![Item::new("old", now, vec![0])],
///     blob_lengths: vec![4_000_000_000],
///     ..Inventory::default()
/// };
/// let policy = StorePolicy { max_bytes: Some(5_000_000_000), ..StorePolicy::default() };
/// let film = Incoming { bytes: 3_000_000_000, ..Incoming::default() };
///
/// let plan = room_for(&inventory, &policy, &film, now)?;
/// assert_eq!(plan.purges[0].id, "old");
/// assert!(plan.is_enough());
/// # Ok::<(), storage_policy::Error>(())
/// ```
///
/// # Errors
///
/// As for [`plan`](plan()).
pub fn room_for(
    inventory: &Inventory,
    policy: &StorePolicy,
    incoming: &Incoming,
    now: SystemTime,
) -> Result<Plan, Error> {
    make(inventory, policy, Some(incoming), now)
}

fn make(
    inventory: &Inventory,
    policy: &StorePolicy,
    incoming: Option<&Incoming>,
    now: SystemTime,
) -> Result<Plan, Error> {
    inventory.check()?;
    let rules = Rules {
        now,
        surplus: surplus::surplus(inventory, policy),
        evict_expired: policy.evict_expired && incoming.is_none(),
        make_room: incoming.map(|_| policy.make_room),
    };
    let mut units = rules.units(inventory);
    let mut books = Books::new(inventory, &units);
    let held = books.ledger(0).map_or(0, Ledger::held);
    let need = Need::new(inventory, policy, incoming, held)?;
    let tags = tag_needs(inventory, policy, incoming, &units, &mut books);

    let needs: Vec<u64> = std::iter::once(need.bytes)
        .chain(tags.iter().map(|tag| tag.over))
        .collect();
    books.release_all(units.len(), &needs);
    choice::choose(
        &mut units,
        inventory.items.len(),
        &mut books,
        inventory.block_bytes,
    );

    let freed = |ledger: usize| books.ledger(ledger).map_or(0, Ledger::freed);
    let mut plan = Plan {
        freed: freed(0),
        shortfall: need.bytes.saturating_sub(freed(0)),
        tag_shortfalls: (1..)
            .zip(&tags)
            .filter(|(ledger, tag)| tag.over > freed(*ledger))
            .map(|(ledger, tag)| TagShortfall {
                tag: tag.tag.to_owned(),
                shortfall: tag.over - freed(ledger),
            })
            .collect(),
        clock: expiry::clock_set_back(inventory, now),
        doubtful: (inventory.items.iter())
            .filter(|item| expiry::is_undecided(item))
            .map(|item| item.id.clone())
            .collect(),
        ..Plan::default()
    };
    plan.doubtful.sort_unstable();
    plan.kept = kept(inventory, &rules, &plan, &tags);
    let reasons = Reasons {
        rules: &rules,
        need: &need,
        tags: &tags,
    };
    plan.purges = purges(&units, &mut books, &reasons, inventory.items.len());
    Ok(plan)
}

/// The quotas that are exceeded, by tag, each with a ledger after that of the store.
fn tag_needs<'a>(
    inventory: &Inventory,
    policy: &'a StorePolicy,
    incoming: Option<&Incoming>,
    units: &[Unit<'_>],
    books: &mut Books,
) -> Vec<TagNeed<'a>> {
    let mut items: BTreeMap<&str, (u64, Vec<usize>)> = BTreeMap::new();
    for (tag, rule) in &policy.tags {
        // Whatever is new is not to blame for the quotas of tags that it has not.
        let concerns = |incoming: &Incoming| incoming.tags.contains(tag);
        if let Some(most) = rule.max_bytes.filter(|_| incoming.is_none_or(concerns)) {
            items.insert(tag, (most, Vec::new()));
        }
    }
    if items.is_empty() {
        return Vec::new();
    }
    for (index, item) in inventory.items.iter().enumerate() {
        for tag in surplus::tags(item) {
            if let Some((_, members)) = items.get_mut(tag) {
                members.push(index);
            }
        }
    }
    let mut units_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        units_of.entry(unit.index).or_default().push(number);
    }
    let mut scratch = vec![0; inventory.blob_lengths.len()];
    let mut needs = Vec::new();
    for (tag, (most, items)) in items {
        let new = incoming.filter(|incoming| incoming.tags.iter().any(|new| new == tag));
        let new = new.map_or(0, |incoming| incoming.bytes);
        let over = |held: u64| held.saturating_add(new).saturating_sub(most);
        let members = (items.iter())
            .filter_map(|item| units_of.get(item))
            .flatten()
            .filter_map(|&number| Some((number, units.get(number)?)));
        let over = books.add_tag(inventory, &items, members, over, &mut scratch);
        if over > 0 {
            needs.push(TagNeed { tag, over, items });
        }
    }
    needs
}

/// What goes, in order, given books in which it is gone; afterwards it is gone again.
fn purges(
    units: &[Unit<'_>],
    books: &mut Books,
    reasons: &Reasons<'_>,
    items: usize,
) -> Vec<Purge> {
    let mut whole_goes = vec![false; items];
    for unit in units.iter().filter(|unit| unit.goes && unit.part.is_none()) {
        if let Some(goes) = whole_goes.get_mut(unit.index) {
            *goes = true;
        }
    }
    // Parts go with the asset that they are parts of.
    let mut with_whole: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut going = Vec::new();
    for (number, unit) in units.iter().enumerate().filter(|(_, unit)| unit.goes) {
        if unit.part.is_some() && whole_goes.get(unit.index) == Some(&true) {
            with_whole.entry(unit.index).or_default().push(number);
        } else {
            let limit = books.lacking_without(number);
            going.push((number, unit, reasons.reason(unit, limit)));
        }
    }
    let all = with_whole.values().flatten().copied();
    let all: Vec<usize> = all
        .chain(going.iter().map(|(number, ..)| *number))
        .collect();
    for number in all {
        books.restore(number);
    }
    let mut purges = Vec::with_capacity(going.len());
    for (number, unit, reason) in going {
        let before = books.ledger(0).map_or(0, Ledger::freed);
        books.release(number);
        let parts = with_whole.get(&unit.index).filter(|_| unit.part.is_none());
        parts
            .into_iter()
            .flatten()
            .for_each(|&part| books.release(part));
        let after = books.ledger(0).map_or(0, Ledger::freed);
        let part = unit.part.and_then(|part| unit.item.parts.get(part));
        purges.push(Purge {
            id: unit.item.id.clone(),
            part: part.map(|part| part.name.clone()),
            reason,
            bytes_freed: after.saturating_sub(before),
        });
    }
    purges
}

fn kept(inventory: &Inventory, rules: &Rules<'_>, plan: &Plan, tags: &[TagNeed<'_>]) -> Vec<Kept> {
    let short: HashSet<usize> = (tags.iter())
        .filter(|need| {
            plan.tag_shortfalls
                .iter()
                .any(|short| short.tag == need.tag)
        })
        .flat_map(|need| need.items.iter().copied())
        .collect();
    let mut kept: Vec<Kept> = (inventory.items.iter().enumerate())
        .filter_map(|(index, item)| {
            let because = rules.kept_because(index, item)?;
            let bytes = bytes_of(inventory, item);
            let is_wanted = (plan.shortfall > 0 || short.contains(&index)) && bytes > 0;
            (is_wanted || rules.is_forced(index, item)).then(|| Kept {
                id: item.id.clone(),
                because,
                bytes,
            })
        })
        .collect();
    kept.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    kept
}

/// Bytes of all blobs of an item and its parts, each once.
fn bytes_of(inventory: &Inventory, item: &Item) -> u64 {
    let mut blobs: Vec<u32> = item.lists().flatten().copied().collect();
    blobs.sort_unstable();
    blobs.dedup();
    (blobs.into_iter())
        .filter_map(|blob| inventory.blob_lengths.get(crate::inventory::index(blob)))
        .fold(0, |sum, length| sum.saturating_add(*length))
}

/// What the reasons of a plan are made of.
struct Reasons<'a> {
    rules: &'a Rules<'a>,
    need: &'a Need,
    tags: &'a [TagNeed<'a>],
}

impl Reasons<'_> {
    /// `limit` is the ledger that needs the unit to go, if one does.
    fn reason(&self, unit: &Unit<'_>, limit: Option<usize>) -> Reason {
        let (item, now) = (unit.item, self.rules.now);
        if let (Class::Expired, Some((at, cause))) = (unit.class, self.rules.expired(item)) {
            let ago = age(at, now);
            return Reason::Expired { at, ago, cause };
        }
        if let (Class::Surplus, Some(surplus)) = (unit.class, self.rules.surplus.get(&unit.index)) {
            return Reason::Surplus {
                tag: surplus.tag.to_owned(),
                newest: surplus.newest.get(),
            };
        }
        let usage = Usage {
            priority: item.priority(),
            played: item.is_played(),
            idle: age(item.last_wanted(), now),
        };
        let quota = limit.and_then(|ledger| self.tags.get(ledger.checked_sub(1)?));
        match (quota, self.need.limit) {
            (_, Limit::Room(incoming)) => Reason::MakesRoom { usage, incoming },
            (Some(quota), _) => Reason::OverQuota {
                usage,
                tag: quota.tag.to_owned(),
                over: quota.over,
            },
            (None, Limit::Bytes) => Reason::OverLimit {
                usage,
                over: self.need.bytes,
            },
            (None, Limit::Free) => Reason::LowSpace {
                usage,
                lacking: self.need.bytes,
            },
        }
    }
}

/// How long ago; nothing if it lies ahead, as after a clock was set back.
fn age(time: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(time).unwrap_or_default()
}
