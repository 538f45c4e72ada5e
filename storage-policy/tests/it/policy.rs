//! Policies as text.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use storage_policy::{ErrorKind, Policy, Priority};

use crate::support::at;

#[test]
fn json_has_the_documented_shape() {
    let policy = Policy {
        priority: Priority::IMPORTANT,
        expires: Some(at(1_767_225_600)),
        pinned: true,
        ..Policy::default()
    };
    let json = r#"{"priority":"important","expires":1767225600,"pinned":true}"#;
    assert_eq!(serde_json::to_string(&policy).unwrap(), json);
    assert_eq!(
        serde_json::to_string(&Policy::default()).unwrap(),
        r#"{"priority":"default","expires":null,"pinned":false}"#
    );
}

#[test]
fn what_is_missing_is_default_and_what_is_unknown_is_ignored() {
    let policy: Policy = serde_json::from_str(r#"{"later":[1],"pinned":true}"#).unwrap();
    let pinned = Policy {
        pinned: true,
        ..Policy::default()
    };
    assert_eq!(policy, pinned);
}

#[test]
fn wrong_values_are_errors() {
    for json in [
        r#"{"priority":"urgent"}"#,
        r#"{"expires":"tomorrow"}"#,
        r#"{"expires":1e300}"#,
        r#"{"pinned":1}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(json).is_err(), "{json}");
    }
}

#[test]
fn a_fraction_of_a_second_expires_later_and_not_earlier() {
    let policy = Policy {
        expires: Some(at(5) + Duration::from_millis(1)),
        ..Policy::default()
    };
    assert!(
        serde_json::to_string(&policy)
            .unwrap()
            .contains(r#""expires":6"#)
    );
}

#[test]
fn priorities_are_words_and_have_an_order() {
    assert!(Priority::DEFAULT < Priority::IMPORTANT);
    for priority in [Priority::DEFAULT, Priority::IMPORTANT] {
        assert_eq!(priority.to_string().parse::<Priority>().unwrap(), priority);
    }
    let error = "Important".parse::<Priority>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownPriority);
    assert_eq!(
        error.to_string(),
        r#"unknown priority "Important"; expected low, default, important or a whole number"#
    );
}

proptest! {
    #[test]
    fn json_keeps_every_whole_second(seconds in -10_000_000_000_i64..100_000_000_000, important in any::<bool>(), pinned in any::<bool>()) {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let policy = Policy {
            priority: if important { Priority::IMPORTANT } else { Priority::DEFAULT },
            expires: Some(if seconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }),
            pinned,
            ..Policy::default()
        };
        let json = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    }

    #[test]
    fn no_number_panics(seconds in any::<i64>()) {
        let json = format!(r#"{{"expires":{seconds}}}"#);
        if let Ok(policy) = serde_json::from_str::<Policy>(&json) {
            prop_assert!(serde_json::to_string(&policy).unwrap().contains(&seconds.to_string()));
        }
    }
}
