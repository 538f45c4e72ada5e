//! Series, tags, marks, parts and room for something new, case by case.

use std::num::NonZeroU32;

use storage_policy::{
    Amount, Incoming, Inventory, Item, MakeRoom, Part, Plan, Priority, StorePolicy, TagPolicy,
    plan, room_for,
};

use crate::support::{at, expires, important, inventory, item, max_bytes, pinned, with};

const NOW: u64 = 1_000;

fn made(inventory: &Inventory, policy: &StorePolicy) -> Plan {
    plan(inventory, policy, at(NOW)).unwrap()
}

fn ids(plan: &Plan) -> Vec<String> {
    let name = |purge: &storage_policy::Purge| match &purge.part {
        Some(part) => format!("{}/{part}", purge.id),
        None => purge.id.clone(),
    };
    plan.purges.iter().map(name).collect()
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.purges
        .iter()
        .map(|purge| purge.reason.to_string())
        .collect()
}

fn tag(name: &str, max_bytes: Option<u64>, keep_newest: u32) -> StorePolicy {
    let rule = TagPolicy {
        max_bytes,
        keep_newest: NonZeroU32::new(keep_newest),
    };
    StorePolicy {
        tags: [(name.to_owned(), rule)].into(),
        ..StorePolicy::default()
    }
}

fn tagged(item: Item, tag: &str) -> Item {
    with(item, |policy| {
        policy.tags.insert(tag.to_owned());
    })
}

fn episode(id: &str, created: u64, blob: u32) -> Item {
    let item = Item::new(id, at(created), vec![blob]);
    with(item, |policy| {
        policy.series = Some("show".to_owned());
        policy.keep_newest = NonZeroU32::new(2);
    })
}

#[test]
fn all_but_the_newest_of_a_series_are_surplus() {
    let items = vec![
        episode("c", 3, 2),
        important(episode("a", 1, 0)),
        pinned(episode("d", 4, 3)),
        episode("b", 2, 1),
        expires(item("expired", 0, &[4]), 1),
        item("other", 0, &[5]),
    ];
    let inventory = inventory(items, &[10; 6]);
    assert!(made(&inventory, &StorePolicy::default()).purges.is_empty());
    let evict = StorePolicy {
        evict_expired: true,
        ..StorePolicy::default()
    };
    let plan = made(&inventory, &evict);
    assert_eq!(ids(&plan), ["expired", "a", "b"]);
    assert_eq!(reasons(&plan)[1], r#"there are 2 newer ones of "show""#);
    // Before what is neither, whatever its priority.
    assert_eq!(
        ids(&made(&inventory, &max_bytes(30))),
        ["expired", "a", "b"]
    );
}

#[test]
fn a_rule_of_the_store_counts_for_tags_and_series() {
    let mut items = vec![
        episode("old", 1, 0),
        tagged(Item::new("new", at(2), vec![1]), "show"),
    ];
    items[0].policy.keep_newest = None;
    let policy = StorePolicy {
        evict_expired: true,
        ..tag("show", None, 1)
    };
    let plan = made(&inventory(items, &[10, 10]), &policy);
    assert_eq!(ids(&plan), ["old"]);
    assert_eq!(reasons(&plan), [r#"there is a newer one of "show""#]);
}

#[test]
fn a_quota_takes_from_its_tag_alone() {
    let items = vec![
        item("other", 1, &[0]),
        tagged(item("b", 3, &[1]), "news"),
        tagged(item("a", 2, &[2]), "news"),
    ];
    let plan = made(&inventory(items, &[10, 10, 10]), &tag("news", Some(15), 0));
    assert_eq!(ids(&plan), ["a"]);
    assert_eq!(
        reasons(&plan),
        [r#"default priority, last played 16 minutes ago; 5 bytes over the quota of "news""#]
    );
    assert_eq!((plan.freed, plan.shortfall), (10, 0));
}

#[test]
fn one_that_serves_two_limits_goes_for_both() {
    let items = vec![
        tagged(item("small", 1, &[0]), "news"),
        tagged(item("large", 2, &[1]), "news"),
        item("other", 0, &[2]),
    ];
    let policy = StorePolicy {
        max_bytes: Some(40),
        ..tag("news", Some(95), 0)
    };
    // For the quota alone "small" would do, and for the store "other" and "small" would not.
    assert_eq!(
        ids(&made(&inventory(items, &[6, 94, 30]), &policy)),
        ["large"]
    );
}

#[test]
fn a_quota_that_cannot_be_met_is_told() {
    let items = vec![
        pinned(tagged(item("kept", 1, &[0]), "news")),
        tagged(item("goes", 1, &[1]), "news"),
        pinned(item("other", 1, &[2])),
    ];
    let plan = made(&inventory(items, &[30, 10, 50]), &tag("news", Some(20), 0));
    assert_eq!(ids(&plan), ["goes"]);
    assert!(!plan.is_enough());
    assert_eq!(
        serde_json::to_value(&plan).unwrap(),
        serde_json::json!({
            "purged": [{
                "id": "goes",
                "reason": {"kind": "over_quota", "priority": "default", "played": true, "idle": 999, "tag": "news", "over": 20},
                "bytes_freed": 10,
            }],
            "freed": 10,
            "shortfall": 0,
            "tag_shortfalls": [{"tag": "news", "shortfall": 10}],
            "kept": [{"id": "kept", "because": "pinned", "bytes": 30}],
        })
    );
}

#[test]
fn between_the_marks_nothing_goes() {
    let policy = StorePolicy {
        high_water: Some(Amount::Percent(90)),
        low_water: Some(Amount::Bytes(50)),
        ..max_bytes(100)
    };
    let held = |count: u32| {
        let items =
            (0..count).map(|number| item(&format!("{number:02}"), number.into(), &[number]));
        inventory(items.collect(), &vec![10; usize::try_from(count).unwrap()])
    };
    assert!(made(&held(9), &policy).purges.is_empty());
    assert_eq!(made(&held(10), &policy).freed, 50);
}

#[test]
fn a_share_of_the_volume_is_to_be_free() {
    let inventory = Inventory {
        free_bytes: Some(5),
        volume_bytes: Some(100),
        ..inventory(vec![item("a", 1, &[0])], &[10])
    };
    let policy = |percent| StorePolicy {
        min_free: Some(Amount::Percent(percent)),
        ..StorePolicy::default()
    };
    assert!(made(&inventory, &policy(5)).purges.is_empty());
    let plan = made(&inventory, &policy(20));
    assert_eq!((plan.freed, plan.shortfall), (10, 5));
    let unknown = Inventory {
        volume_bytes: None,
        ..inventory
    };
    let error = storage_policy::plan(&unknown, &policy(20), at(NOW)).unwrap_err();
    assert_eq!(error.kind(), storage_policy::ErrorKind::UnknownFreeSpace);
}

fn dubbed(id: &str, last_played: u64, first_blob: u32) -> Item {
    let part = |name: &str, blob| Part {
        name: name.to_owned(),
        blobs: vec![blob],
    };
    let item = Item {
        parts: vec![part("de", first_blob + 1), part("fr", first_blob + 2)],
        ..item(id, last_played, &[first_blob])
    };
    with(item, |policy| policy.drop_auxiliary = true)
}

#[test]
fn parts_go_before_whole_assets_of_their_priority_if_they_may() {
    let whole = with(dubbed("whole", 0, 6), |policy| {
        policy.drop_auxiliary = false;
    });
    let items = vec![
        important(dubbed("important", 1, 0)),
        dubbed("default", 2, 3),
        whole,
    ];
    let inventory = inventory(items, &[100, 5, 5, 120, 5, 5, 100, 5, 5]);
    let order = |need: u64| ids(&made(&inventory, &max_bytes(350 - need)));
    assert_eq!(order(10), ["default/de", "default/fr"]);
    assert_eq!(order(5), ["default/de"]);
    // Of "whole" everything goes at once, and what is important last.
    assert_eq!(order(110), ["whole"]);
    assert_eq!(order(220), ["whole", "default"]);
    assert_eq!(order(245), ["whole", "default", "important/de"]);
    let all = made(&inventory, &max_bytes(0));
    assert_eq!(ids(&all), ["whole", "default", "important"]);
    assert_eq!(all.purges[1].bytes_freed, 130);
}

#[test]
fn what_is_expired_goes_whole() {
    let items = vec![expires(dubbed("a", 1, 0), 10)];
    let plan = made(&inventory(items, &[100, 5, 5]), &max_bytes(105));
    assert_eq!(ids(&plan), ["a"]);
    assert_eq!(plan.freed, 110);
}

#[test]
fn a_block_more_or_less_does_not_decide() {
    let items = || vec![item("old", 1, &[0]), item("new", 2, &[1])];
    let mut inventory = inventory(items(), &[5_000, 4_900]);
    assert_eq!(ids(&made(&inventory, &max_bytes(5_500))), ["new"]);
    inventory.block_bytes = 4_096;
    assert_eq!(ids(&made(&inventory, &max_bytes(5_500))), ["old"]);
}

fn room(items: Vec<Item>, policy: &StorePolicy, bytes: u64) -> Plan {
    let inventory = Inventory {
        free_bytes: Some(20),
        ..inventory(items, &[10, 10, 10])
    };
    let incoming = Incoming {
        bytes,
        tags: vec!["news".to_owned()],
    };
    room_for(&inventory, policy, &incoming, at(NOW)).unwrap()
}

#[test]
fn room_is_made_as_far_as_it_may_be() {
    let items = || {
        vec![
            expires(item("expired", 3, &[0]), 1),
            item("default", 1, &[1]),
            important(item("important", 2, &[2])),
        ]
    };
    let policy = |make_room| StorePolicy {
        make_room,
        evict_expired: true,
        ..StorePolicy::default()
    };
    let made = |make_room, bytes| {
        let plan = room(items(), &policy(make_room), bytes);
        (ids(&plan).join(" "), plan.shortfall)
    };
    let all = MakeRoom::UpTo(Priority::IMPORTANT);
    // It fits as it is, so not even what is expired goes.
    assert_eq!(made(all, 20), (String::new(), 0));
    assert_eq!(made(MakeRoom::Nothing, 25), (String::new(), 5));
    assert_eq!(made(MakeRoom::Expired, 35), ("expired".to_owned(), 5));
    assert_eq!(
        made(MakeRoom::default(), 35),
        ("expired default".to_owned(), 0)
    );
    assert_eq!(made(all, 50), ("expired default important".to_owned(), 0));
    let plan = room(items(), &policy(MakeRoom::Expired), 35);
    let kept: Vec<_> = plan
        .kept
        .iter()
        .map(|kept| format!("{}: {}", kept.id, kept.because))
        .collect();
    assert_eq!(
        kept,
        [
            "default: not to go for something new",
            "important: not to go for something new"
        ]
    );
    let plan = room(items(), &policy(all), 35);
    assert_eq!(
        reasons(&plan)[1],
        "default priority, last played 16 minutes ago; makes room for 35 bytes"
    );
}

#[test]
fn what_is_new_counts_for_the_limits_and_for_its_tags() {
    let items = || vec![tagged(item("a", 2, &[0]), "news"), item("b", 1, &[1])];
    assert_eq!(ids(&room(items(), &max_bytes(25), 10)), ["b"]);
    assert_eq!(ids(&room(items(), &tag("news", Some(15), 0), 10)), ["a"]);
    let too_large = room(items(), &tag("news", Some(15), 0), 18);
    assert_eq!(too_large.tag_shortfalls[0].shortfall, 3);
}

#[test]
fn what_is_new_is_not_kept_out_by_the_quota_of_another_tag() {
    let items = vec![
        pinned(tagged(item("a", 2, &[0]), "films")),
        item("b", 1, &[1]),
    ];
    let plan = room(items, &tag("films", Some(5), 0), 10);
    assert!(plan.is_enough());
    assert!(plan.purges.is_empty());
}
