//! Episodes beyond the newest of their series.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::inventory::{Inventory, Item};
use crate::store_policy::StorePolicy;

/// Why an item is surplus: its series or tag, and how many of it are kept.
#[derive(Clone, Copy)]
pub(crate) struct Surplus<'a> {
    pub(crate) tag: &'a str,
    pub(crate) newest: NonZeroU32,
}

/// The surplus items by their place in the inventory.
///
/// Whether an item is surplus depends on how many newer ones there are and on nothing else that a
/// purge changes, so no purge makes another item surplus.
pub(crate) fn surplus<'a>(
    inventory: &'a Inventory,
    policy: &'a StorePolicy,
) -> HashMap<usize, Surplus<'a>> {
    let mut series: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut tagged: HashMap<&str, Vec<usize>> = HashMap::new();
    let is_ruled =
        |tag: &str| (policy.tags.get(tag)).is_some_and(|rule| rule.keep_newest.is_some());
    for (index, item) in inventory.items.iter().enumerate() {
        if item.times_doubtful {
            continue;
        }
        if let Some(name) = &item.policy.series {
            series.entry(name).or_default().push(index);
        }
        for tag in tags(item).filter(|tag| is_ruled(tag)) {
            tagged.entry(tag).or_default().push(index);
        }
    }
    let mut found = HashMap::new();
    for (tag, members) in series {
        mark(inventory, &mut found, tag, members, |item| {
            item.policy.keep_newest
        });
    }
    for (tag, members) in tagged {
        let newest = policy.tags.get(tag).and_then(|rule| rule.keep_newest);
        mark(inventory, &mut found, tag, members, |_| newest);
    }
    found
}

/// Its tags, its series among them, each once.
pub(crate) fn tags(item: &Item) -> impl Iterator<Item = &str> {
    let policy = &item.policy;
    let series = (policy.series.as_deref()).filter(|series| !policy.tags.contains(*series));
    policy.tags.iter().map(String::as_str).chain(series)
}

fn mark<'a>(
    inventory: &Inventory,
    found: &mut HashMap<usize, Surplus<'a>>,
    tag: &'a str,
    mut members: Vec<usize>,
    limit: impl Fn(&Item) -> Option<NonZeroU32>,
) {
    let key = |index: &usize| {
        inventory
            .items
            .get(*index)
            .map(|item| (item.created, &item.id))
    };
    members.sort_unstable_by(|one, other| key(other).cmp(&key(one)));
    for (newer, index) in members.into_iter().enumerate() {
        let Some(newest) = inventory.items.get(index).and_then(&limit) else {
            continue;
        };
        let is_kept = u32::try_from(newer).is_ok_and(|newer| newer < newest.get());
        if !is_kept {
            let surplus = Surplus { tag, newest };
            // Of several rules the strictest is the reason.
            let before = found.entry(index).or_insert(surplus);
            if (newest, tag) < (before.newest, before.tag) {
                *before = surplus;
            }
        }
    }
}
