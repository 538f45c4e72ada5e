//! Policies as people write them, with and without mistakes.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use storage_policy::{
    AfterPlayed, Amount, Error, ErrorKind, Inventory, MakeRoom, Policy, Priority, StorePolicy,
    TagPolicy,
};

use crate::support::{any_policy, any_store_policy, at};

const STORE: &str = r#"
# What the kiosk may keep.
max_bytes = "200 GB"
high_water = "90%"
low_water = 150_000_000_000
min_free = "5%"
evict_expired = true
make_room = "expired"

[tags.news]
max_bytes = "20 GiB"
keep_newest = 10

[tags."daily show"]
keep_newest = 3
"#;

#[test]
fn a_store_policy() {
    let policy = StorePolicy::from_toml(STORE).unwrap();
    let newest = |count| NonZeroU32::new(count);
    let news = TagPolicy {
        max_bytes: Some(20 << 30),
        keep_newest: newest(10),
    };
    let show = TagPolicy {
        max_bytes: None,
        keep_newest: newest(3),
    };
    let expected = StorePolicy {
        max_bytes: Some(200_000_000_000),
        high_water: Some(Amount::Percent(90)),
        low_water: Some(Amount::Bytes(150_000_000_000)),
        min_free: Some(Amount::Percent(5)),
        evict_expired: true,
        make_room: MakeRoom::Expired,
        tags: [("news".to_owned(), news), ("daily show".to_owned(), show)].into(),
    };
    assert_eq!(policy, expected);
    assert_eq!(StorePolicy::from_toml("").unwrap(), StorePolicy::default());
}

#[test]
fn an_asset_policy() {
    let policy = Policy::from_toml(
        r#"
        priority = -5
        expires = 2026-12-24T07:00:00+01:00
        pinned = true
        after_played = { priority = "low" }
        storage_window = "30d"
        playback_window = 172800
        series = "daily show"
        keep_newest = 3
        tags = ["news", "kids"]
        drop_auxiliary = true
        "#,
    );
    let expected = Policy {
        priority: Priority::new(-5),
        expires: Some(at(1_798_092_000)),
        pinned: true,
        after_played: Some(AfterPlayed::Priority(Priority::LOW)),
        storage_window: Some(Duration::from_secs(30 * 86_400)),
        playback_window: Some(Duration::from_secs(172_800)),
        series: Some("daily show".to_owned()),
        keep_newest: NonZeroU32::new(3),
        tags: ["kids".to_owned(), "news".to_owned()].into(),
        drop_auxiliary: true,
    };
    assert_eq!(policy.unwrap(), expected);
    for expires in ["2026-12-24", "\"2026-12-24\"", "1798070400"] {
        let policy = Policy::from_toml(&format!("expires = {expires}")).unwrap();
        assert_eq!(policy.expires, Some(at(1_798_070_400)), "{expires}");
    }
}

fn told(error: &Error) -> (usize, usize, &str, String) {
    assert_eq!(error.kind(), ErrorKind::InvalidPolicy);
    let (line, column) = (error.line().unwrap(), error.column().unwrap());
    let text = error.to_string();
    let what = text.strip_prefix(&format!("line {line}, column {column}: "));
    (line, column, error.key().unwrap(), what.unwrap().to_owned())
}

#[test]
fn a_mistake_in_a_store_policy_has_its_place_and_what_is_allowed() {
    for (text, line, column, key, what) in [
        (
            "max_bytes = 1\n\nmaximum = 5",
            3,
            1,
            "maximum",
            r#"there is no key "maximum"; allowed are max_bytes, high_water, low_water, min_free, evict_expired, make_room, tags"#,
        ),
        (
            "min_free = \"101%\"",
            1,
            12,
            "min_free",
            r#"min_free is "101%"; expected a size such as 20 GB, 500 MiB or 1000000 or a share such as 10%"#,
        ),
        (
            "# ä\nmax_bytes = -1",
            2,
            13,
            "max_bytes",
            "max_bytes is -1; expected a size such as 20 GB, 500 MiB or 1000000",
        ),
        (
            "evict_expired = \"yes\"",
            1,
            17,
            "evict_expired",
            r#"evict_expired is "yes"; expected true or false"#,
        ),
        (
            "make_room = \"all\"",
            1,
            13,
            "make_room",
            r#"make_room is "all"; expected nothing, expired, or a priority (low, default, important or a whole number)"#,
        ),
        (
            "[tags.news]\nkeep_newest = 0",
            2,
            15,
            "tags.news.keep_newest",
            "tags.news.keep_newest is 0; expected a whole number from 1",
        ),
        (
            "[tags.news]\npriority = 1",
            2,
            1,
            "tags.news.priority",
            r#"there is no key "tags.news.priority"; allowed are max_bytes, keep_newest"#,
        ),
        ("tags = 3", 1, 8, "tags", "tags is 3; expected a table"),
        (
            "high_water = \"90%\"",
            1,
            14,
            "high_water",
            "high_water is a share of max_bytes, which is not set",
        ),
        (
            "max_bytes = 10\nlow_water = 20",
            2,
            13,
            "low_water",
            "low_water is above the high mark",
        ),
        (
            "max_bytes = 10\nhigh_water = 20",
            2,
            14,
            "high_water",
            "high_water is above max_bytes",
        ),
        (
            "low_water = 20",
            1,
            13,
            "low_water",
            "low_water needs max_bytes or high_water beside it",
        ),
    ] {
        let error = StorePolicy::from_toml(text).unwrap_err();
        assert_eq!(told(&error), (line, column, key, what.to_owned()), "{text}");
    }
}

#[test]
fn a_mistake_in_an_asset_policy_has_its_place_and_what_is_allowed() {
    for (text, column, key, what) in [
        (
            "priority = \"high\"",
            12,
            "priority",
            r#"priority is "high"; expected low, default, important or a whole number"#,
        ),
        (
            "expires = \"soon\"",
            11,
            "expires",
            r#"expires is "soon"; expected a date such as 2026-12-24 or a time such as 2026-12-24T18:00:00Z"#,
        ),
        (
            "storage_window = \"month\"",
            18,
            "storage_window",
            r#"storage_window is "month"; expected a duration such as 30d, 48h or 2w, or a number of seconds"#,
        ),
        (
            "after_played = { expire = \"1h\", priority = 0 }",
            16,
            "after_played",
            "after_played is a table; expected { priority = … } or { expire = … }",
        ),
        (
            "keep_newest = 3",
            15,
            "keep_newest",
            "keep_newest needs series beside it",
        ),
        (
            "tags = [\"a\", 7]",
            14,
            "tags",
            "tags is 7; expected a name in quotation marks",
        ),
    ] {
        let error = Policy::from_toml(text).unwrap_err();
        assert_eq!(told(&error), (1, column, key, what.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_toml_has_its_place() {
    let error = StorePolicy::from_toml("evict_expired = true\nmax_bytes = 20 GB\n").unwrap_err();
    let (line, _, key, what) = told(&error);
    assert_eq!((line, key), (2, "max_bytes"));
    assert!(
        what.ends_with("a value is a number, true, false, a date, or text in quotation marks"),
        "{what}"
    );
    let error = StorePolicy::from_toml("max_bytes = 1\nmax_bytes = 2").unwrap_err();
    assert_eq!((error.line(), error.key()), (Some(2), None));
    assert!(error.to_string().contains("duplicate key"), "{error}");
    let error = StorePolicy::from_toml(&"#".repeat((1 << 20) + 1)).unwrap_err();
    assert!(error.to_string().contains("more than 1 MiB"), "{error}");
}

#[test]
fn contradictions_are_found_without_a_file_too() {
    let policy: StorePolicy = serde_json::from_str(r#"{"low_water":"10%"}"#).unwrap();
    let error = storage_policy::plan(&Inventory::default(), &policy, at(0)).unwrap_err();
    assert_eq!(
        (error.kind(), error.key()),
        (ErrorKind::InvalidPolicy, Some("low_water"))
    );
}

proptest! {
    #[test]
    fn json_keeps_every_store_policy(policy in any_store_policy()) {
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<StorePolicy>(&json).unwrap(), policy);
    }

    #[test]
    fn json_keeps_every_asset_policy(policy in any_policy()) {
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    }

    /// Whatever is written, there is a policy, or a mistake inside the text.
    #[test]
    fn no_text_panics(at in 0..STORE.len(), taken in 0_usize..20, put in "[a-z0-9 =\\[\\]{}\".\n%\u{e4}-]{0,5}") {
        let before = STORE.get(..at).unwrap_or_default();
        let after = STORE.get(at + taken..).unwrap_or_default();
        let text = format!("{before}{put}{after}");
        for error in [StorePolicy::from_toml(&text).err(), Policy::from_toml(&text).err()].into_iter().flatten() {
            let line = error.line().unwrap();
            prop_assert!(line <= text.split('\n').count());
            let length = text.split('\n').nth(line - 1).unwrap().chars().count();
            prop_assert!(error.column().unwrap() <= length + 1, "{error} in {text}");
        }
    }
}
