//! What holds for every inventory, every policy and every time.

use std::collections::{HashMap, HashSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use storage_policy::{Incoming, Inventory, Item, MakeRoom, StorePolicy, plan, room_for};

use crate::support::{
    Name, any_inventory, any_store_policy, apply, at, candidates, class, expiry, freed, held,
    inventory, is_surplus, max_bytes, may_go, names, needs,
};

fn by_id(inventory: &Inventory) -> HashMap<&str, &Item> {
    (inventory.items.iter())
        .map(|item| (&*item.id, item))
        .collect()
}

fn is_due(item: &Item, inventory: &Inventory, policy: &StorePolicy, now: u64) -> bool {
    expiry(item).is_some_and(|time| time <= at(now)) || is_surplus(item, inventory, policy)
}

proptest! {
    #[test]
    fn takes_nothing_pinned_or_in_use(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let allowed = candidates(&inventory, &policy, at(now));
        for name in names(&plan) {
            prop_assert!(allowed.contains_key(&name), "{name:?}");
        }
        // Nothing twice, neither by its name nor as a part of what goes as a whole.
        prop_assert_eq!(names(&plan).len(), plan.purges.len());
        for purge in plan.purges.iter().filter(|purge| purge.part.is_some()) {
            prop_assert!(!names(&plan).contains(&(purge.id.clone(), None)));
        }
    }

    #[test]
    fn planning_again_gives_nothing(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let first = plan(&inventory, &policy, at(now)).unwrap();
        let again = plan(&apply(&inventory, &first), &policy, at(now)).unwrap();
        prop_assert!(again.purges.is_empty(), "{again:?}");
        // Between the marks nothing is lacking any more.
        prop_assert!(again.shortfall <= first.shortfall);
        prop_assert_eq!(again.tag_shortfalls, first.tag_shortfalls);
    }

    #[test]
    fn is_enough_if_anything_is(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let all: HashSet<Name> = candidates(&inventory, &policy, at(now)).into_keys().collect();
        for (tag, need) in needs(&inventory, &policy) {
            let tag = tag.as_deref();
            let reachable = freed(&inventory, tag, &all);
            prop_assert!(freed(&inventory, tag, &names(&plan)) >= need.min(reachable));
            let lacking = need.saturating_sub(reachable);
            let said = match tag {
                None => plan.shortfall,
                Some(tag) => (plan.tag_shortfalls.iter()).find(|short| short.tag == tag).map_or(0, |short| short.shortfall),
            };
            prop_assert_eq!(said, lacking);
        }
    }

    #[test]
    fn frees_what_it_says(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let mut gone = HashSet::new();
        let mut sum = 0;
        for purge in &plan.purges {
            gone.insert((purge.id.clone(), purge.part.clone()));
            sum += purge.bytes_freed;
            prop_assert_eq!(sum, freed(&inventory, None, &gone));
        }
        prop_assert_eq!(sum, plan.freed);
    }

    /// Not even if everything less important went too could one of the purges be spared.
    #[test]
    fn spares_what_it_can(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let items = by_id(&inventory);
        let all = candidates(&inventory, &policy, at(now));
        for name in names(&plan) {
            if policy.evict_expired && is_due(items[&*name.0], &inventory, &policy, now) {
                continue;
            }
            let mut others = names(&plan);
            others.extend(all.iter().filter(|(_, class)| **class < all[&name]).map(|(name, _)| name.clone()));
            others.remove(&name);
            let lacks = |(tag, need): (Option<String>, u64)| {
                let target = need.min(freed(&inventory, tag.as_deref(), &names(&plan)));
                freed(&inventory, tag.as_deref(), &others) < target
            };
            prop_assert!(needs(&inventory, &policy).into_iter().any(lacks), "{name:?} is needless");
        }
    }

    #[test]
    fn takes_all_that_is_due_only_if_told(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let gone = names(&plan);
        for item in inventory.items.iter().filter(|item| may_go(item)) {
            if policy.evict_expired && is_due(item, &inventory, &policy, now) {
                prop_assert!(gone.contains(&(item.id.clone(), None)));
            }
        }
        if !policy.evict_expired && needs(&inventory, &policy).iter().all(|(_, need)| *need == 0) {
            prop_assert!(plan.purges.is_empty());
        }
    }

    #[test]
    fn goes_in_order(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let items = by_id(&inventory);
        let rank = |purge: &storage_policy::Purge| {
            let item = items[&*purge.id];
            let wanted = item.last_played.unwrap_or(item.created).max(item.created);
            let class = class(item, purge.part.is_some(), &inventory, &policy, at(now));
            (class, item.times_doubtful, wanted, item.created, purge.id.clone(), purge.part.clone())
        };
        prop_assert!(plan.purges.is_sorted_by_key(rank));
    }

    #[test]
    fn does_not_depend_on_the_order_of_the_items(
        (inventory, shuffled) in any_inventory().prop_flat_map(|inventory| {
            let items = Just(inventory.items.clone()).prop_shuffle();
            (Just(inventory), items)
        }),
        policy in any_store_policy(),
        now in 0_u64..25,
    ) {
        let mut other = Inventory { items: shuffled, ..inventory.clone() };
        for item in &mut other.items {
            item.blobs.reverse();
            item.parts.reverse();
        }
        prop_assert_eq!(plan(&inventory, &policy, at(now)).unwrap(), plan(&other, &policy, at(now)).unwrap());
    }

    /// Which items go may differ (a large one may stand in for two small ones), the bytes may not grow.
    #[test]
    fn looser_limits_free_no_more(inventory in any_inventory(), policy in any_store_policy(), looser in 0_u64..60, now in 0_u64..25) {
        let tight = plan(&inventory, &policy, at(now)).unwrap();
        let mut loose = policy.clone();
        loose.max_bytes = loose.max_bytes.map(|max| max + looser);
        loose.min_free = loose.min_free.map(|min| match min {
            storage_policy::Amount::Bytes(bytes) => storage_policy::Amount::Bytes(bytes.saturating_sub(looser)),
            storage_policy::Amount::Percent(percent) => storage_policy::Amount::Percent(percent / 2),
        });
        let loose = plan(&inventory, &loose, at(now)).unwrap();
        prop_assert!(loose.freed <= tight.freed);
        prop_assert!(loose.shortfall <= tight.shortfall);
    }

    #[test]
    fn a_looser_quota_frees_no_more_of_its_tag(inventory in any_inventory(), policy in any_store_policy(), looser in 0_u64..60, now in 0_u64..25) {
        let tight = plan(&inventory, &policy, at(now)).unwrap();
        for tag in policy.tags.keys() {
            let mut loose = policy.clone();
            let rule = loose.tags.get_mut(tag).unwrap();
            rule.max_bytes = rule.max_bytes.map(|max| max + looser);
            let loose = plan(&inventory, &loose, at(now)).unwrap();
            let of_tag = |plan| freed(&inventory, Some(tag), &names(plan));
            prop_assert!(of_tag(&loose) <= of_tag(&tight));
        }
    }

    /// Inside one class the freed bytes are the fewest that are enough, by trying every set.
    #[test]
    fn inside_a_class_nothing_frees_fewer_bytes(
        holdings in vec(btree_set(0_u32..20, 0..6), 1..=12),
        played in vec(0_u64..50, 12),
        lengths in vec(0_u64..1000, 20),
        share in 0_u64..100,
    ) {
        let items: Vec<Item> = (0..).zip(&holdings).map(|(number, blobs): (usize, _)| Item {
            last_played: Some(at(played[number])),
            ..Item::new(format!("item-{number}"), at(0), blobs.iter().copied().collect())
        }).collect();
        let inventory = inventory(items, &lengths);
        let all = held(&inventory, None);
        let need = all * share / 100;
        let plan = plan(&inventory, &max_bytes(all - need), at(100)).unwrap();

        let masks: Vec<u32> = holdings.iter().map(|blobs| blobs.iter().map(|blob| 1 << blob).sum()).collect();
        let bytes = |mask: u32| (0..20).filter(|blob| mask & (1 << blob) != 0).map(|blob| lengths[blob]).sum::<u64>();
        let best = (0_u32..1 << masks.len())
            .map(|set| {
                let stays = (masks.iter().enumerate()).filter(|(number, _)| set & (1 << number) == 0);
                all - bytes(stays.fold(0, |all, (_, mask)| all | mask))
            })
            .filter(|freed| *freed >= need)
            .min()
            .unwrap();
        prop_assert!((plan.freed - need) * 10 <= (best - need) * 11);
        prop_assert_eq!(plan.freed, best);
    }

    /// Nothing expires because a clock was set back.
    #[test]
    fn an_earlier_time_evicts_a_subset(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25, back in 0_u64..25) {
        let policy = StorePolicy { evict_expired: true, max_bytes: None, high_water: None, low_water: None, min_free: None, ..policy };
        let policy = StorePolicy { tags: policy.tags.into_iter().map(|(tag, mut rule)| {
            rule.max_bytes = None;
            (tag, rule)
        }).collect(), ..policy };
        let later = plan(&inventory, &policy, at(now)).unwrap();
        let earlier = plan(&inventory, &policy, at(now.saturating_sub(back))).unwrap();
        prop_assert!(names(&earlier).is_subset(&names(&later)));
    }

    #[test]
    fn says_what_stands_in_the_way(inventory in any_inventory(), policy in any_store_policy(), now in 0_u64..25) {
        let plan = plan(&inventory, &policy, at(now)).unwrap();
        let items = by_id(&inventory);
        let bytes = |item: &Item| held(&Inventory { items: vec![item.clone()], ..inventory.clone() }, None);
        for kept in &plan.kept {
            let item = items[&*kept.id];
            prop_assert!(!may_go(item));
            prop_assert_eq!(kept.bytes, bytes(item));
        }
        if plan.shortfall > 0 {
            for item in inventory.items.iter().filter(|item| !may_go(item) && bytes(item) > 0) {
                prop_assert!(plan.kept.iter().any(|kept| kept.id == item.id));
            }
        }
    }

    /// What is new fits once the plan is carried out, nothing goes that may not go for it, and what is
    /// said to be lacking could not be had.
    #[test]
    fn makes_room_as_far_as_the_policy_allows(inventory in any_inventory(), policy in any_store_policy(), bytes in 0_u64..100, now in 0_u64..25) {
        let policy = StorePolicy { high_water: None, low_water: None, evict_expired: false, ..policy };
        let incoming = Incoming { bytes, tags: vec!["news".to_owned()] };
        let plan = room_for(&inventory, &policy, &incoming, at(now)).unwrap();
        let mut allowed = candidates(&inventory, &policy, at(now));
        allowed.retain(|_, (class, level, _)| match policy.make_room {
            MakeRoom::Nothing => false,
            MakeRoom::Expired => *class < 2,
            MakeRoom::UpTo(limit) => *class < 2 || *level <= limit.level(),
        });
        prop_assert!(names(&plan).iter().all(|name| allowed.contains_key(name)));

        let arrive = |mut inventory: Inventory| {
            let blob = u32::try_from(inventory.blob_lengths.len()).unwrap();
            let mut new = Item::new("new", at(now), vec![blob]);
            new.policy.tags = incoming.tags.iter().cloned().collect();
            new.being_written = true;
            inventory.items.push(new);
            inventory.blob_lengths.push(bytes);
            inventory
        };
        let rest = arrive(apply(&inventory, &plan));
        let all = apply(&inventory, &plan).items.len() + plan.purges.len();
        prop_assert!(all >= inventory.items.len());
        let is_in_limits = |inventory: &Inventory, free: u64| {
            let inventory = Inventory { free_bytes: Some(free), ..inventory.clone() };
            let mut needs = needs(&inventory, &policy);
            needs.retain(|(tag, _)| tag.as_deref().is_none_or(|tag| tag == "news"));
            needs.iter().all(|(_, need)| *need == 0)
        };
        let free = inventory.free_bytes.unwrap() + plan.freed;
        let fits = free >= bytes && is_in_limits(&rest, free.saturating_sub(bytes));
        prop_assert_eq!(fits, plan.is_enough());
    }
}
