//! What holds for every inventory, every limit and every time.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use proptest::prelude::*;
use storage_policy::{Inventory, Item, Limits, Plan, plan};

use crate::support::{any_inventory, any_limits, at, class, freed_without, held, may_go, need};

fn ids(plan: &Plan) -> HashSet<&str> {
    plan.purges.iter().map(|purge| &*purge.id).collect()
}

fn by_id(inventory: &Inventory) -> HashMap<&str, &Item> {
    (inventory.items.iter())
        .map(|item| (&*item.id, item))
        .collect()
}

fn is_forced(item: &Item, limits: &Limits, now: SystemTime) -> bool {
    limits.evict_expired && class(item, now) == 0
}

/// The inventory after the plan is carried out.
fn apply(inventory: &Inventory, plan: &Plan) -> Inventory {
    let gone = ids(plan);
    let mut rest = inventory.clone();
    rest.items.retain(|item| !gone.contains(&*item.id));
    rest.free_bytes = rest.free_bytes.map(|free| free + plan.freed);
    rest
}

proptest! {
    #[test]
    fn takes_nothing_pinned_or_in_use(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let plan = plan(&inventory, &limits, at(now)).unwrap();
        let items = by_id(&inventory);
        for purge in &plan.purges {
            prop_assert!(may_go(items[&*purge.id]));
        }
        prop_assert_eq!(ids(&plan).len(), plan.purges.len());
    }

    #[test]
    fn planning_again_gives_nothing(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let first = plan(&inventory, &limits, at(now)).unwrap();
        let again = plan(&apply(&inventory, &first), &limits, at(now)).unwrap();
        prop_assert!(again.purges.is_empty());
        prop_assert_eq!(again.shortfall, first.shortfall);
    }

    #[test]
    fn is_enough_if_anything_is(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let plan = plan(&inventory, &limits, at(now)).unwrap();
        let all = (inventory.items.iter()).filter(|item| may_go(item)).map(|item| &*item.id).collect();
        let reachable = freed_without(&inventory, &all);
        let need = need(&inventory, &limits);
        prop_assert_eq!(plan.shortfall, need.saturating_sub(reachable));
        prop_assert!(plan.freed >= need.min(reachable));
    }

    #[test]
    fn frees_what_it_says(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let plan = plan(&inventory, &limits, at(now)).unwrap();
        let mut gone = HashSet::new();
        let mut freed = 0;
        for purge in &plan.purges {
            gone.insert(&*purge.id);
            freed += purge.bytes_freed;
            prop_assert_eq!(freed, freed_without(&inventory, &gone));
        }
        prop_assert_eq!(freed, plan.freed);
    }

    /// Not even if everything less important went too could one of the purges be spared.
    #[test]
    fn spares_what_it_can(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let now = at(now);
        let plan = plan(&inventory, &limits, now).unwrap();
        let items = by_id(&inventory);
        let target = need(&inventory, &limits).min(plan.freed);
        for purge in &plan.purges {
            let item = items[&*purge.id];
            if is_forced(item, &limits, now) {
                continue;
            }
            let mut others = ids(&plan);
            others.remove(&*purge.id);
            prop_assert!(freed_without(&inventory, &others) < target);
            others.extend(
                (inventory.items.iter())
                    .filter(|other| may_go(other) && class(other, now) < class(item, now))
                    .map(|other| &*other.id),
            );
            prop_assert!(freed_without(&inventory, &others) < target);
        }
    }

    #[test]
    fn takes_all_expired_ones_only_if_told(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let now = at(now);
        let plan = plan(&inventory, &limits, now).unwrap();
        let gone = ids(&plan);
        for item in &inventory.items {
            if is_forced(item, &limits, now) && may_go(item) {
                prop_assert!(gone.contains(&*item.id));
            }
        }
        if !limits.evict_expired && need(&inventory, &limits) == 0 {
            prop_assert!(plan.purges.is_empty());
        }
    }

    #[test]
    fn goes_in_order(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let now = at(now);
        let plan = plan(&inventory, &limits, now).unwrap();
        let items = by_id(&inventory);
        let rank = |id: &str| {
            let item = items[id];
            let wanted = item.last_played.unwrap_or(item.created).max(item.created);
            (class(item, now), wanted, item.created, item.id.clone())
        };
        prop_assert!(plan.purges.is_sorted_by_key(|purge| rank(&purge.id)));
    }

    #[test]
    fn does_not_depend_on_the_order_of_the_items(
        (inventory, shuffled) in any_inventory().prop_flat_map(|inventory| {
            let items = Just(inventory.items.clone()).prop_shuffle();
            (Just(inventory), items)
        }),
        limits in any_limits(),
        now in 0_u64..25,
    ) {
        let other = Inventory { items: shuffled, ..inventory.clone() };
        prop_assert_eq!(plan(&inventory, &limits, at(now)).unwrap(), plan(&other, &limits, at(now)).unwrap());
    }

    /// Which items go may differ (a large one may stand in for two small ones), the bytes may not grow.
    #[test]
    fn looser_limits_free_no_more(inventory in any_inventory(), limits in any_limits(), looser in 0_u64..60, now in 0_u64..25) {
        let tight = plan(&inventory, &limits, at(now)).unwrap();
        let loose = Limits {
            max_bytes: limits.max_bytes.map(|max| max + looser),
            min_free_bytes: limits.min_free_bytes.map(|min| min.saturating_sub(looser)),
            ..limits
        };
        let loose = plan(&inventory, &loose, at(now)).unwrap();
        prop_assert!(loose.freed <= tight.freed);
        prop_assert!(loose.shortfall <= tight.shortfall);
    }

    /// Nothing expires because a clock was set back.
    #[test]
    fn an_earlier_time_evicts_a_subset(inventory in any_inventory(), now in 0_u64..25, back in 0_u64..25) {
        let limits = Limits { evict_expired: true, ..Limits::default() };
        let later = plan(&inventory, &limits, at(now)).unwrap();
        let earlier = plan(&inventory, &limits, at(now.saturating_sub(back))).unwrap();
        prop_assert!(ids(&earlier).is_subset(&ids(&later)));
    }

    #[test]
    fn says_what_stands_in_the_way(inventory in any_inventory(), limits in any_limits(), now in 0_u64..25) {
        let now = at(now);
        let plan = plan(&inventory, &limits, now).unwrap();
        let items = by_id(&inventory);
        for kept in &plan.kept {
            let item = items[&*kept.id];
            prop_assert!(!may_go(item));
            prop_assert_eq!(kept.bytes, held([item], &inventory));
        }
        if plan.shortfall > 0 {
            let blocking = (inventory.items.iter()).filter(|item| !may_go(item) && held([*item], &inventory) > 0);
            for item in blocking {
                prop_assert!(plan.kept.iter().any(|kept| kept.id == item.id));
            }
        }
    }
}
