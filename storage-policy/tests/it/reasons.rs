//! What people and programs are told.

use storage_policy::{Amount, Inventory, Item, StorePolicy, plan};

use crate::support::{at, expires, important, inventory, item, max_bytes, pinned};

const DAY: u64 = 86_400;
const NOW: u64 = 100 * DAY;

fn reasons(inventory: &Inventory, limits: &StorePolicy) -> Vec<String> {
    let plan = plan(inventory, limits, at(NOW)).unwrap();
    (plan.purges.iter())
        .map(|purge| purge.reason.to_string())
        .collect()
}

#[test]
fn a_reason_is_a_sentence() {
    let never = Item {
        last_played: None,
        created: at(98 * DAY),
        ..important(item("never", 0, &[2]))
    };
    let items = vec![
        expires(item("expired", 1, &[0]), 97 * DAY),
        item("watched", 88 * DAY, &[1]),
        never,
    ];
    let inventory = Inventory {
        free_bytes: Some(0),
        ..inventory(items, &[500_000_000, 600_000_000, 700_000_000])
    };
    assert_eq!(
        reasons(&inventory, &max_bytes(400_000_000)),
        [
            "expired 3 days ago",
            "default priority, last played 12 days ago; 1.4 GB over the limit",
            "important priority, never played, stored 2 days ago; 1.4 GB over the limit",
        ]
    );
    let limits = StorePolicy {
        min_free: Some(Amount::Bytes(1_000_000_000)),
        ..StorePolicy::default()
    };
    assert_eq!(
        reasons(&inventory, &limits),
        [
            "expired 3 days ago",
            "default priority, last played 12 days ago; 1.0 GB short of the free space to keep",
        ]
    );
}

#[test]
fn a_time_ahead_is_no_age() {
    let items = vec![item("ahead", NOW + DAY, &[0])];
    assert_eq!(
        reasons(&inventory(items, &[1_000]), &max_bytes(0)),
        ["default priority, last played just now; 1.0 kB over the limit"]
    );
}

#[test]
fn json_has_the_documented_shape() {
    let items = vec![
        expires(item("a", 1, &[0]), NOW - 60),
        item("b", NOW - 5, &[1]),
        pinned(item("c", 1, &[2])),
    ];
    let plan = plan(&inventory(items, &[10, 20, 30]), &max_bytes(0), at(NOW)).unwrap();
    assert_eq!(
        serde_json::to_value(&plan).unwrap(),
        serde_json::json!({
            "purged": [
                {"id": "a", "reason": {"kind": "expired", "at": NOW - 60, "ago": 60, "cause": "date"}, "bytes_freed": 10},
                {"id": "b", "reason": {"kind": "over_limit", "priority": "default", "played": true, "idle": 5, "over": 60}, "bytes_freed": 20},
            ],
            "freed": 30,
            "shortfall": 30,
            "kept": [{"id": "c", "because": "pinned", "bytes": 30}],
        })
    );
}
