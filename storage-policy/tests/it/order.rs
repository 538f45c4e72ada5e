//! The order in which items go, case by case.

use storage_policy::{Amount, Inventory, Item, StorePolicy, plan};

use crate::support::{at, expires, important, inventory, item, max_bytes, pinned};

const NOW: u64 = 1_000;

/// The ids that go, in order, when everything must go.
fn order(items: Vec<Item>) -> Vec<String> {
    let lengths = vec![10; items.len()];
    go(&inventory(items, &lengths), &max_bytes(0))
}

fn go(inventory: &Inventory, limits: &StorePolicy) -> Vec<String> {
    let plan = plan(inventory, limits, at(NOW)).unwrap();
    plan.purges.into_iter().map(|purge| purge.id).collect()
}

#[test]
fn expired_then_default_then_important() {
    let order = order(vec![
        important(item("important", 1, &[0])),
        item("default", 500, &[1]),
        expires(important(item("expired", 999, &[2])), 900),
    ]);
    assert_eq!(order, ["expired", "default", "important"]);
}

#[test]
fn least_recently_played_then_oldest_then_id() {
    let newer = Item {
        created: at(5),
        ..item("a-newer", 50, &[2])
    };
    let order = order(vec![
        item("z", 60, &[0]),
        item("b", 60, &[1]),
        newer,
        item("c-older", 50, &[3]),
    ]);
    assert_eq!(order, ["c-older", "a-newer", "b", "z"]);
}

#[test]
fn never_played_counts_as_played_when_created() {
    let never = Item {
        created: at(100),
        last_played: None,
        ..item("never", 0, &[1])
    };
    let order = order(vec![
        item("before", 99, &[0]),
        never,
        item("after", 101, &[2]),
    ]);
    assert_eq!(order, ["before", "never", "after"]);
}

#[test]
fn a_play_before_the_creation_counts_as_the_creation() {
    let clock_set_back = Item {
        created: at(500),
        ..item("set-back", 1, &[0])
    };
    assert_eq!(
        order(vec![clock_set_back, item("other", 400, &[1])]),
        ["other", "set-back"]
    );
}

#[test]
fn expires_at_the_second_and_not_before() {
    let items = vec![
        expires(item("now", 1, &[0]), NOW),
        expires(item("soon", 1, &[1]), NOW + 1),
    ];
    let limits = StorePolicy {
        evict_expired: true,
        ..StorePolicy::default()
    };
    assert_eq!(go(&inventory(items, &[1, 1]), &limits), ["now"]);
}

#[test]
fn nothing_goes_while_there_is_room() {
    let items = vec![expires(item("expired", 1, &[0]), 1), item("old", 1, &[1])];
    assert!(go(&inventory(items, &[10, 10]), &max_bytes(20)).is_empty());
}

#[test]
fn pinned_and_used_stay_and_are_named() {
    let used = Item {
        in_use: true,
        ..item("used", 1, &[1])
    };
    let items = vec![pinned(item("pinned", 1, &[0])), used, item("free", 9, &[2])];
    let plan = plan(&inventory(items, &[30, 20, 10]), &max_bytes(15), at(NOW)).unwrap();
    assert_eq!(plan.purges.len(), 1);
    assert_eq!(plan.purges[0].id, "free");
    assert_eq!((plan.freed, plan.shortfall), (10, 35));
    let kept: Vec<String> = (plan.kept.iter())
        .map(|kept| format!("{} {} {}", kept.id, kept.because, kept.bytes))
        .collect();
    assert_eq!(kept, ["pinned pinned 30", "used in use 20"]);
}

#[test]
fn what_a_larger_one_makes_needless_stays() {
    let items = vec![item("small", 1, &[0]), item("large", 2, &[1])];
    assert_eq!(go(&inventory(items, &[1, 100]), &max_bytes(50)), ["large"]);
}

#[test]
fn nothing_important_goes_while_default_would_do() {
    // "large" alone would free less beyond the need, but it is more important.
    let items = vec![
        item("one", 1, &[0]),
        item("two", 2, &[1]),
        important(item("large", 0, &[2])),
    ];
    assert_eq!(
        go(&inventory(items, &[10, 50, 15]), &max_bytes(60)),
        ["two"]
    );
}

#[test]
fn shared_bytes_go_with_their_last_holder() {
    let items = vec![
        item("a", 1, &[0]),
        item("b", 2, &[0, 1]),
        item("c", 3, &[2]),
    ];
    let plan = plan(&inventory(items, &[100, 1, 50]), &max_bytes(60), at(NOW)).unwrap();
    let freed: Vec<_> = (plan.purges.iter())
        .map(|purge| (&*purge.id, purge.bytes_freed))
        .collect();
    assert_eq!(freed, [("a", 0), ("b", 101)]);
}

#[test]
fn an_item_that_frees_nothing_stays() {
    let items = vec![
        item("shares-all", 1, &[0]),
        pinned(item("pinned", 1, &[0])),
        item("own", 2, &[1]),
    ];
    assert_eq!(go(&inventory(items, &[100, 10]), &max_bytes(100)), ["own"]);
    let items = vec![item("shares-all", 1, &[0]), pinned(item("pinned", 1, &[0]))];
    assert!(go(&inventory(items, &[100]), &max_bytes(0)).is_empty());
}

#[test]
fn the_stricter_limit_decides() {
    let items = vec![item("a", 1, &[0]), item("b", 2, &[1]), item("c", 3, &[2])];
    let inventory = Inventory {
        free_bytes: Some(5),
        ..inventory(items, &[10, 10, 10])
    };
    let limits = |max_bytes, min_free| StorePolicy {
        max_bytes: Some(max_bytes),
        min_free: Some(Amount::Bytes(min_free)),
        ..StorePolicy::default()
    };
    assert_eq!(go(&inventory, &limits(20, 5)), ["a"]);
    assert_eq!(go(&inventory, &limits(30, 25)), ["a", "b"]);
    assert_eq!(go(&inventory, &limits(20, 25)), ["a", "b"]);
    assert!(go(&inventory, &limits(30, 5)).is_empty());
}

#[test]
fn blobs_that_nobody_holds_take_no_part() {
    let items = vec![item("a", 1, &[0])];
    assert!(go(&inventory(items, &[10, 1_000]), &max_bytes(10)).is_empty());
}
