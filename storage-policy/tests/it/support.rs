//! Inventories for the tests.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use storage_policy::{Inventory, Item, Limits, Policy, Priority};

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// An item of default priority, stored at 0 and last played at the given time.
pub(crate) fn item(id: &str, last_played: u64, blobs: &[u32]) -> Item {
    Item {
        id: id.to_owned(),
        policy: Policy::default(),
        created: at(0),
        last_played: Some(at(last_played)),
        in_use: false,
        blobs: blobs.to_vec(),
    }
}

pub(crate) fn important(item: Item) -> Item {
    let policy = Policy {
        priority: Priority::Important,
        ..item.policy
    };
    Item { policy, ..item }
}

pub(crate) fn expires(item: Item, seconds: u64) -> Item {
    let policy = Policy {
        expires: Some(at(seconds)),
        ..item.policy
    };
    Item { policy, ..item }
}

pub(crate) fn pinned(item: Item) -> Item {
    let policy = Policy {
        pinned: true,
        ..item.policy
    };
    Item { policy, ..item }
}

pub(crate) fn inventory(items: Vec<Item>, blob_lengths: &[u64]) -> Inventory {
    Inventory {
        items,
        blob_lengths: blob_lengths.to_vec(),
        free_bytes: None,
    }
}

pub(crate) fn max_bytes(bytes: u64) -> Limits {
    Limits {
        max_bytes: Some(bytes),
        ..Limits::default()
    }
}

/// Bytes of the blobs that some of these items hold, by brute force.
pub(crate) fn held<'a>(items: impl IntoIterator<Item = &'a Item>, inventory: &Inventory) -> u64 {
    let blobs: HashSet<u32> = (items.into_iter())
        .flat_map(|item| item.blobs.iter().copied())
        .collect();
    (blobs.into_iter())
        .map(|blob| inventory.blob_lengths[usize::try_from(blob).unwrap()])
        .sum()
}

/// Bytes that go when the items of these ids go, by brute force.
pub(crate) fn freed_without(inventory: &Inventory, ids: &HashSet<&str>) -> u64 {
    let rest = (inventory.items.iter()).filter(|item| !ids.contains(&*item.id));
    held(&inventory.items, inventory) - held(rest, inventory)
}

/// The least bytes that must go.
pub(crate) fn need(inventory: &Inventory, limits: &Limits) -> u64 {
    let held = held(&inventory.items, inventory);
    let over = limits.max_bytes.map_or(0, |max| held.saturating_sub(max));
    let lacking =
        (limits.min_free_bytes).map_or(0, |min| min.saturating_sub(inventory.free_bytes.unwrap()));
    over.max(lacking)
}

pub(crate) fn may_go(item: &Item) -> bool {
    !item.policy.pinned && !item.in_use
}

/// 0 for expired, 1 for default, 2 for important.
pub(crate) fn class(item: &Item, now: SystemTime) -> u8 {
    if item.policy.expires.is_some_and(|expires| expires <= now) {
        0
    } else if item.policy.priority == Priority::Default {
        1
    } else {
        2
    }
}

prop_compose! {
    fn any_item(blobs: u32)(
        held in vec(0..blobs, 0..6),
        created in 0_u64..20,
        last_played in proptest::option::of(0_u64..20),
        expires in proptest::option::of(0_u64..20),
        important in any::<bool>(),
        pinned in proptest::bool::weighted(0.15),
        in_use in proptest::bool::weighted(0.15),
    ) -> Item {
        let mut blobs = held;
        blobs.sort_unstable();
        blobs.dedup();
        Item {
            id: String::new(),
            policy: Policy {
                priority: if important { Priority::Important } else { Priority::Default },
                expires: expires.map(at),
                pinned,
            },
            created: at(created),
            last_played: last_played.map(at),
            in_use,
            blobs,
        }
    }
}

prop_compose! {
    /// Small inventories in which blobs are often shared and times often equal.
    pub(crate) fn any_inventory()(
        mut items in vec(any_item(12), 0..9),
        blob_lengths in vec(0_u64..20, 12),
        free_bytes in 0_u64..100,
    ) -> Inventory {
        for (number, item) in items.iter_mut().enumerate() {
            item.id = format!("item-{number}");
        }
        Inventory { items, blob_lengths, free_bytes: Some(free_bytes) }
    }
}

prop_compose! {
    pub(crate) fn any_limits()(
        max_bytes in proptest::option::of(0_u64..120),
        min_free_bytes in proptest::option::of(0_u64..200),
        evict_expired in any::<bool>(),
    ) -> Limits {
        Limits { max_bytes, min_free_bytes, evict_expired }
    }
}
