//! Inventories for the tests, and what holds for them by brute force.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use storage_policy::{
    AfterPlayed, Amount, Inventory, Item, MakeRoom, Part, Plan, Policy, Priority, StorePolicy,
    TagPolicy,
};

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// An item of default priority, stored at 0 and last played at the given time.
pub(crate) fn item(id: &str, last_played: u64, blobs: &[u32]) -> Item {
    Item {
        last_played: Some(at(last_played)),
        ..Item::new(id, at(0), blobs.to_vec())
    }
}

pub(crate) fn with(mut item: Item, change: impl FnOnce(&mut Policy)) -> Item {
    change(&mut item.policy);
    item
}

pub(crate) fn important(item: Item) -> Item {
    with(item, |policy| policy.priority = Priority::IMPORTANT)
}

pub(crate) fn expires(item: Item, seconds: u64) -> Item {
    with(item, |policy| policy.expires = Some(at(seconds)))
}

pub(crate) fn pinned(item: Item) -> Item {
    with(item, |policy| policy.pinned = true)
}

pub(crate) fn inventory(items: Vec<Item>, blob_lengths: &[u64]) -> Inventory {
    Inventory {
        items,
        blob_lengths: blob_lengths.to_vec(),
        ..Inventory::default()
    }
}

pub(crate) fn max_bytes(bytes: u64) -> StorePolicy {
    StorePolicy {
        max_bytes: Some(bytes),
        ..StorePolicy::default()
    }
}

/// An item, or a part of one.
pub(crate) type Name = (String, Option<String>);

pub(crate) fn names(plan: &Plan) -> HashSet<Name> {
    let name = |purge: &storage_policy::Purge| (purge.id.clone(), purge.part.clone());
    plan.purges.iter().map(name).collect()
}

/// The inventory without some items and parts.
pub(crate) fn without(inventory: &Inventory, gone: &HashSet<Name>) -> Inventory {
    let mut rest = inventory.clone();
    rest.items
        .retain(|item| !gone.contains(&(item.id.clone(), None)));
    for item in &mut rest.items {
        let id = item.id.clone();
        (item.parts).retain(|part| !gone.contains(&(id.clone(), Some(part.name.clone()))));
    }
    rest
}

/// The inventory after the plan is carried out.
pub(crate) fn apply(inventory: &Inventory, plan: &Plan) -> Inventory {
    let mut rest = without(inventory, &names(plan));
    rest.free_bytes = rest.free_bytes.map(|free| free + plan.freed);
    rest
}

/// Bytes of the blobs that some item or part holds, each once; only of items with the tag, if one is given.
pub(crate) fn held(inventory: &Inventory, tag: Option<&str>) -> u64 {
    let items = (inventory.items.iter()).filter(|item| tag.is_none_or(|tag| has_tag(item, tag)));
    let blobs: HashSet<u32> = items
        .flat_map(|item| {
            let parts = item.parts.iter().flat_map(|part| &part.blobs);
            item.blobs.iter().chain(parts).copied().collect::<Vec<_>>()
        })
        .collect();
    (blobs.into_iter())
        .map(|blob| inventory.blob_lengths[usize::try_from(blob).unwrap()])
        .sum()
}

pub(crate) fn has_tag(item: &Item, tag: &str) -> bool {
    item.policy.tags.contains(tag) || item.policy.series.as_deref() == Some(tag)
}

/// What each limit asks for: the store first, as no tag, then the quotas.
pub(crate) fn needs(inventory: &Inventory, policy: &StorePolicy) -> Vec<(Option<String>, u64)> {
    let all = held(inventory, None);
    let percent = |whole: u64, amount| match amount {
        Amount::Bytes(bytes) => bytes,
        Amount::Percent(percent) => whole * u64::from(percent) / 100,
    };
    let max = policy.max_bytes;
    let high = (policy.high_water)
        .map(|mark| percent(max.unwrap_or(0), mark))
        .or(max);
    let low = (policy.low_water)
        .map(|mark| percent(max.unwrap_or(0), mark))
        .or(high);
    let over = match (high, low) {
        (Some(high), Some(low)) if all > high => all - low,
        _ => 0,
    };
    let keep_free = (policy.min_free).map_or(0, |amount| {
        percent(inventory.volume_bytes.unwrap_or(0), amount)
    });
    let lacking = keep_free.saturating_sub(inventory.free_bytes.unwrap_or(u64::MAX));
    let mut needs = vec![(None, over.max(lacking))];
    for (tag, rule) in &policy.tags {
        if let Some(most) = rule.max_bytes {
            let over = held(inventory, Some(tag)).saturating_sub(most);
            needs.push((Some(tag.clone()), over));
        }
    }
    needs
}

/// Bytes that go for each limit when something goes.
pub(crate) fn freed(inventory: &Inventory, tag: Option<&str>, gone: &HashSet<Name>) -> u64 {
    held(inventory, tag) - held(&without(inventory, gone), tag)
}

pub(crate) fn may_go(item: &Item) -> bool {
    !item.policy.pinned && !item.in_use && !item.being_written
}

/// When an item expires, if it does.
pub(crate) fn expiry(item: &Item) -> Option<SystemTime> {
    let policy = &item.policy;
    let first = item
        .first_played
        .or(item.last_played)
        .map(|time| time.max(item.created));
    let mut times = vec![policy.expires];
    if !item.times_doubtful {
        times.push(match (first, policy.playback_window) {
            (Some(first), Some(window)) => Some(first + window),
            _ => policy.storage_window.map(|window| item.created + window),
        });
        if let (Some(first), Some(AfterPlayed::Expire(after))) = (first, policy.after_played) {
            times.push(Some(first + after));
        }
    }
    times.into_iter().flatten().min()
}

/// Whether there are too many newer ones.
pub(crate) fn is_surplus(item: &Item, inventory: &Inventory, store: &StorePolicy) -> bool {
    let exceeds = |tag: &str, newest: Option<NonZeroU32>, of_series: bool| {
        let newer = (inventory.items.iter()).filter(|other| {
            let same = if of_series {
                other.policy.series.as_deref() == Some(tag)
            } else {
                has_tag(other, tag)
            };
            same && !other.times_doubtful && (other.created, &other.id) > (item.created, &item.id)
        });
        newest.is_some_and(|newest| newer.count() >= usize::try_from(newest.get()).unwrap())
    };
    let own = (item.policy.series.as_deref())
        .is_some_and(|series| exceeds(series, item.policy.keep_newest, true));
    let mut rules = store.tags.iter().filter(|(tag, _)| has_tag(item, tag));
    !item.times_doubtful && (own || rules.any(|(tag, rule)| exceeds(tag, rule.keep_newest, false)))
}

/// What goes first has the smaller class: expired, surplus, then by priority parts before whole assets.
pub(crate) fn class(
    item: &Item,
    part: bool,
    inventory: &Inventory,
    store: &StorePolicy,
    now: SystemTime,
) -> (u8, i16, bool) {
    if expiry(item).is_some_and(|expires| expires <= now) {
        return (0, 0, true);
    }
    if is_surplus(item, inventory, store) {
        return (1, 0, true);
    }
    let played = item.first_played.or(item.last_played).is_some();
    let level = match item.policy.after_played {
        Some(AfterPlayed::Priority(lower)) if played => item.policy.priority.min(lower),
        _ => item.policy.priority,
    };
    (2, level.level(), !part)
}

/// Everything that may go on its own, with its class.
pub(crate) fn candidates(
    inventory: &Inventory,
    store: &StorePolicy,
    now: SystemTime,
) -> HashMap<Name, (u8, i16, bool)> {
    let mut candidates = HashMap::new();
    for item in inventory.items.iter().filter(|item| may_go(item)) {
        let whole = class(item, false, inventory, store, now);
        candidates.insert((item.id.clone(), None), whole);
        if item.policy.drop_auxiliary && whole.0 == 2 {
            for part in &item.parts {
                let class = class(item, true, inventory, store, now);
                candidates.insert((item.id.clone(), Some(part.name.clone())), class);
            }
        }
    }
    candidates
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("news".to_owned()),
        Just("kids".to_owned()),
        Just("show".to_owned())
    ]
}

fn any_after_played() -> impl Strategy<Value = AfterPlayed> {
    prop_oneof![
        Just(AfterPlayed::Priority(Priority::LOW)),
        Just(AfterPlayed::Priority(Priority::DEFAULT)),
        (0_u64..20).prop_map(|after| AfterPlayed::Expire(Duration::from_secs(after))),
    ]
}

fn any_window() -> impl Strategy<Value = Option<Duration>> {
    option::weighted(0.2, (0_u64..20).prop_map(Duration::from_secs))
}

prop_compose! {
    pub(crate) fn any_policy()(
        level in prop_oneof![Just(0_i16), Just(100), Just(7)],
        expires in option::weighted(0.2, 0_u64..20),
        pinned in proptest::bool::weighted(0.15),
        after_played in option::weighted(0.2, any_after_played()),
        (storage_window, playback_window) in (any_window(), any_window()),
        series in option::weighted(0.3, any_name()),
        keep_newest in option::of(1_u32..4),
        tags in btree_set(any_name(), 0..2),
        drop_auxiliary in any::<bool>(),
    ) -> Policy {
        Policy {
            priority: Priority::new(level),
            expires: expires.map(at),
            pinned,
            after_played,
            storage_window,
            playback_window,
            series,
            keep_newest: keep_newest.and_then(NonZeroU32::new),
            tags,
            drop_auxiliary,
        }
    }
}

fn any_blobs(most: usize) -> impl Strategy<Value = Vec<u32>> {
    btree_set(0_u32..14, 0..most).prop_map(|blobs: BTreeSet<u32>| blobs.into_iter().collect())
}

prop_compose! {
    fn any_item()(
        policy in any_policy(),
        created in 0_u64..20,
        first_played in option::of(0_u64..20),
        last_played in option::of(0_u64..20),
        times_doubtful in proptest::bool::weighted(0.1),
        in_use in proptest::bool::weighted(0.1),
        being_written in proptest::bool::weighted(0.1),
        blobs in any_blobs(5),
        parts in vec(any_blobs(3), 0..3),
    ) -> Item {
        let parts = (0..).zip(parts).map(|(number, blobs): (u8, _)| Part { name: format!("part-{number}"), blobs });
        Item {
            id: String::new(),
            policy,
            created: at(created),
            first_played: first_played.map(at),
            last_played: last_played.map(at),
            times_doubtful,
            in_use,
            being_written,
            blobs,
            parts: parts.collect(),
        }
    }
}

prop_compose! {
    /// Small inventories in which blobs are often shared and times often equal.
    pub(crate) fn any_inventory()(
        mut items in vec(any_item(), 0..9),
        blob_lengths in vec(0_u64..20, 14),
        free_bytes in 0_u64..100,
        block_bytes in 0_u64..4,
    ) -> Inventory {
        for (number, item) in items.iter_mut().enumerate() {
            item.id = format!("item-{number}");
        }
        Inventory {
            items,
            blob_lengths,
            free_bytes: Some(free_bytes),
            volume_bytes: Some(400),
            block_bytes,
            latest: None,
        }
    }
}

pub(crate) fn any_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (0_u64..200).prop_map(Amount::Bytes),
        (0_u8..=100).prop_map(Amount::Percent),
    ]
}

prop_compose! {
    /// Store policies without contradictions.
    pub(crate) fn any_store_policy()(
        max_bytes in option::of(0_u64..150),
        marks in option::weighted(0.3, (0_u8..=100, 0_u8..=100)),
        min_free in option::weighted(0.4, any_amount()),
        evict_expired in proptest::bool::weighted(0.3),
        make_room in prop_oneof![
            Just(MakeRoom::Nothing),
            Just(MakeRoom::Expired),
            Just(MakeRoom::default()),
            Just(MakeRoom::UpTo(Priority::IMPORTANT)),
        ],
        tags in proptest::collection::btree_map(any_name(), (option::of(0_u64..60), option::of(1_u32..4)), 0..3),
    ) -> StorePolicy {
        let marks = marks.filter(|_| max_bytes.is_some());
        let rule = |(tag, (max_bytes, keep_newest)): (String, (Option<u64>, Option<u32>))| {
            (tag, TagPolicy { max_bytes, keep_newest: keep_newest.and_then(NonZeroU32::new) })
        };
        StorePolicy {
            max_bytes,
            high_water: marks.map(|(one, other)| Amount::Percent(one.max(other))),
            low_water: marks.map(|(one, other)| Amount::Percent(one.min(other))),
            min_free,
            evict_expired,
            make_room,
            tags: tags.into_iter().map(rule).collect(),
        }
    }
}
