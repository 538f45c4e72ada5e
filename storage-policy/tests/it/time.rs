//! Windows, first plays, and clocks that are set back.

use std::time::Duration;

use storage_policy::{
    AfterPlayed, ExpiryCause, Inventory, Item, Priority, StorePolicy, expiries, plan,
};

use crate::support::{at, expires, inventory, item, max_bytes, pinned, with};

const DAY: u64 = 86_400;

fn days(count: u64) -> Duration {
    Duration::from_secs(count * DAY)
}

fn rented(id: &str, first_played: Option<u64>) -> Item {
    let item = Item {
        first_played: first_played.map(at),
        ..Item::new(id, at(0), vec![0])
    };
    with(item, |policy| {
        policy.storage_window = Some(days(30));
        policy.playback_window = Some(days(2));
    })
}

/// When it expires, and why.
fn next(item: Item) -> Option<(u64, ExpiryCause)> {
    let expiries = expiries(&inventory(vec![item], &[10]), at(0));
    let expiry = expiries.first()?;
    let seconds = expiry.at.duration_since(at(0)).unwrap().as_secs();
    Some((seconds / DAY, expiry.cause))
}

fn evicted(items: Vec<Item>, now: u64) -> Vec<String> {
    let policy = StorePolicy {
        evict_expired: true,
        ..StorePolicy::default()
    };
    let plan = plan(&inventory(items, &[10]), &policy, at(now)).unwrap();
    plan.purges.into_iter().map(|purge| purge.id).collect()
}

#[test]
fn the_playback_window_takes_the_place_of_the_storage_window() {
    assert_eq!(
        next(rented("new", None)),
        Some((30, ExpiryCause::StorageWindow))
    );
    let begun = rented("begun", Some(3 * DAY));
    assert_eq!(next(begun), Some((5, ExpiryCause::PlaybackWindow)));
    // It was begun in time, so it may be seen to its end.
    let late = rented("late", Some(29 * DAY));
    assert_eq!(next(late), Some((31, ExpiryCause::PlaybackWindow)));
    let without = with(rented("without", Some(DAY)), |policy| {
        policy.playback_window = None;
    });
    assert_eq!(next(without), Some((30, ExpiryCause::StorageWindow)));
}

#[test]
fn what_comes_first_counts() {
    let played = Some(3 * DAY);
    let short = |policy: &mut storage_policy::Policy| {
        policy.after_played = Some(AfterPlayed::Expire(days(1)));
    };
    assert_eq!(
        next(with(rented("a", played), short)),
        Some((4, ExpiryCause::AfterPlayed))
    );
    assert_eq!(
        next(with(rented("a", None), short)),
        Some((30, ExpiryCause::StorageWindow))
    );
    assert_eq!(
        next(expires(rented("a", played), DAY)),
        Some((1, ExpiryCause::Date))
    );
    assert_eq!(next(pinned(expires(rented("a", played), DAY))), None);
    let endless = with(rented("a", None), |policy| {
        policy.storage_window = Some(Duration::MAX);
    });
    assert_eq!(next(endless), None);
}

#[test]
fn the_last_play_stands_in_for_an_unknown_first_one() {
    let mut item = rented("a", None);
    item.last_played = Some(at(7 * DAY));
    assert_eq!(next(item), Some((9, ExpiryCause::PlaybackWindow)));
}

#[test]
fn expiries_are_told_soonest_first() {
    let items = vec![
        expires(item("b", 0, &[]), 20),
        expires(item("a", 0, &[]), 20),
        expires(item("c", 0, &[]), 10),
        expires(item("past", 0, &[]), 5),
        item("never", 0, &[]),
    ];
    let expiries = expiries(&inventory(items, &[]), at(5));
    let ids: Vec<_> = expiries.iter().map(|expiry| &*expiry.id).collect();
    assert_eq!(ids, ["c", "a", "b"]);
    assert_eq!(
        serde_json::to_value(&expiries[0]).unwrap(),
        serde_json::json!({"id": "c", "at": 10, "cause": "date"})
    );
}

#[test]
fn a_play_lowers_the_priority_and_never_raises_it() {
    let seen = |id: &str, priority, after| {
        with(item(id, 5, &[0]), |policy| {
            policy.priority = priority;
            policy.after_played = Some(AfterPlayed::Priority(after));
        })
    };
    let mut unseen = seen("unseen", Priority::IMPORTANT, Priority::DEFAULT);
    unseen.last_played = None;
    let mut lowered = seen("lowered", Priority::IMPORTANT, Priority::DEFAULT);
    lowered.blobs = vec![1];
    let mut low = seen("low", Priority::LOW, Priority::IMPORTANT);
    low.blobs = vec![2];
    let inventory = inventory(vec![unseen, lowered, low], &[10, 10, 10]);
    let plan = plan(&inventory, &max_bytes(0), at(100)).unwrap();
    let order: Vec<_> = plan.purges.iter().map(|purge| &*purge.id).collect();
    assert_eq!(order, ["low", "lowered", "unseen"]);
    assert_eq!(
        plan.purges[1].reason.to_string(),
        "default priority, last played 1 minute ago; 30 bytes over the limit"
    );
}

#[test]
fn a_clock_that_was_set_back_evicts_nothing_and_is_told() {
    let items = || {
        vec![
            rented("a", Some(100 * DAY)),
            expires(item("b", 0, &[0]), 101 * DAY),
        ]
    };
    assert_eq!(evicted(items(), 103 * DAY), ["a", "b"]);
    assert!(evicted(items(), 50 * DAY).is_empty());

    let told = |inventory: &Inventory, now| {
        let plan = plan(inventory, &StorePolicy::default(), at(now)).unwrap();
        plan.clock
    };
    let inventory = inventory(items(), &[10]);
    let clock = told(&inventory, 50 * DAY).unwrap();
    assert_eq!((clock.latest, clock.by), (at(100 * DAY), days(50)));
    assert_eq!(
        clock.to_string(),
        "the clock is 50 days behind the latest time that is recorded, so what would have expired by then stays for now"
    );
    // Clocks of two machines differ a little.
    assert_eq!(told(&inventory, 100 * DAY - 60), None);
    assert!(told(&inventory, 100 * DAY - 61).is_some());
    let later = Inventory {
        latest: Some(at(200 * DAY)),
        ..inventory
    };
    assert_eq!(told(&later, 190 * DAY).unwrap().by, days(10));
}

/// A machine without a battery for its clock wakes in 1970 and plays what it has.
#[test]
fn times_from_a_clock_that_was_behind_make_nothing_go_early() {
    let now = 20_000 * DAY;
    let mut doubtful = rented("doubtful", Some(5));
    doubtful.times_doubtful = true;
    doubtful.policy.series = Some("show".to_owned());
    doubtful.policy.keep_newest = std::num::NonZeroU32::new(1);
    let mut episode = with(item("known", 0, &[1]), |policy| {
        policy.series = Some("show".to_owned());
    });
    episode.created = at(now - DAY);
    assert!(evicted(vec![doubtful.clone()], now).is_empty());

    let inventory = inventory(vec![doubtful, episode], &[10, 10]);
    let evict = StorePolicy {
        evict_expired: true,
        max_bytes: Some(10),
        ..StorePolicy::default()
    };
    let plan = plan(&inventory, &evict, at(now)).unwrap();
    assert_eq!(plan.purges.len(), 1);
    assert_eq!(plan.purges[0].id, "known");
    assert_eq!(plan.doubtful, ["doubtful"]);
}

#[test]
fn a_play_before_the_download_counts_as_the_download() {
    let mut item = rented("a", Some(5));
    item.created = at(100 * DAY);
    assert_eq!(next(item), Some((102, ExpiryCause::PlaybackWindow)));
}
