//! Single fields and statuses.

use http::{HeaderValue, StatusCode};
use segment_fetch::resume::{Asked, Decision, Encoding, Retry, RetryAfter, decide};
use segment_fetch::{ErrorKind, Expect, Position};

use super::{headers, held, reject, store};

#[test]
fn lengths_are_held_against_each_other() {
    let expect = Expect {
        max_length: 2000,
        exact_length: Some(1000),
        ..Expect::default()
    };
    let asked = Asked::new(None, &Position::default(), &expect);
    assert_eq!(
        reject(&asked, 200, &[("content-length", "2001")]),
        (ErrorKind::TooLarge, Retry::Never, false)
    );
    assert_eq!(
        reject(&asked, 200, &[("content-length", "999")]),
        (ErrorKind::WrongLength, Retry::Always, false)
    );
    assert_eq!(
        reject(&asked, 200, &[("content-length", "ten")]),
        (ErrorKind::WrongLength, Retry::Always, false)
    );
    let asked = Asked::new(None, &held(), &expect);
    let lying = [
        ("content-range", "bytes 400-999/1000"),
        ("etag", "\"v1\""),
        ("content-length", "599"),
    ];
    assert_eq!(
        reject(&asked, 206, &lying),
        (ErrorKind::WrongLength, Retry::Always, false)
    );
    let mut twice = headers(&[("content-length", "1000")]);
    twice.append("content-length", HeaderValue::from_static("1001"));
    let asked = Asked::new(None, &Position::default(), &expect);
    assert!(matches!(
        decide(&asked, StatusCode::OK, &twice),
        Decision::Reject(_)
    ));
}

#[test]
fn encodings_are_only_taken_when_asked_for() {
    let (plain, compressed) = (
        Expect::default(),
        Expect {
            compression: true,
            ..Expect::default()
        },
    );
    let (nothing, refused) = (
        Position::default(),
        (ErrorKind::WrongContent, Retry::Never, false),
    );
    for coding in ["gzip", "br", "gzip, gzip", "deflate"] {
        assert_eq!(
            reject(
                &Asked::new(None, &nothing, &plain),
                200,
                &[("content-encoding", coding)]
            ),
            refused,
            "{coding}"
        );
    }
    let asked = Asked::new(None, &nothing, &compressed);
    let storing = store(
        &asked,
        200,
        &[
            ("content-encoding", "GZIP"),
            ("content-length", "100"),
            ("etag", "\"z\""),
        ],
    );
    assert_eq!(
        (storing.encoding, storing.announced),
        (Encoding::Gzip, Some(100))
    );
    assert_eq!(
        (storing.complete_length, storing.validator),
        (None, None),
        "both are of the encoded bytes"
    );
    assert_eq!(reject(&asked, 200, &[("content-encoding", "br")]), refused);
    let part = [
        ("content-range", "bytes 5-9/10"),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(
        reject(&Asked::new(Some(5..10), &nothing, &compressed), 206, &part),
        refused
    );
    assert_eq!(
        store(
            &Asked::new(None, &nothing, &plain),
            200,
            &[("content-encoding", "identity")]
        )
        .take,
        None
    );
}

#[test]
fn every_other_status_has_its_class() {
    let expect = Expect::default();
    let asked = Asked::new(None, &Position::default(), &expect);
    for status in [401, 403, 410] {
        assert_eq!(
            reject(&asked, status, &[]),
            (ErrorKind::AddressExpired, Retry::Never, false)
        );
    }
    assert_eq!(
        reject(&asked, 404, &[]),
        (ErrorKind::NotFound, Retry::Once, false)
    );
    for status in [408, 425, 429, 500, 502, 503, 504] {
        assert_eq!(
            reject(&asked, status, &[]),
            (ErrorKind::Status(status), Retry::Always, false)
        );
    }
    for status in [101, 203, 204, 205, 300, 304, 400, 405, 407, 418, 451] {
        assert_eq!(
            reject(&asked, status, &[]),
            (ErrorKind::Status(status), Retry::Never, false)
        );
    }
    let wait = decide(
        &asked,
        StatusCode::SERVICE_UNAVAILABLE,
        &headers(&[("retry-after", "7")]),
    );
    let Decision::Reject(rejection) = wait else {
        panic!("{wait:?}")
    };
    assert_eq!(
        rejection.retry_after,
        Some(RetryAfter::Delay(std::time::Duration::from_secs(7)))
    );
    let away = decide(&asked, StatusCode::FOUND, &headers(&[("location", "/b")]));
    assert_eq!(
        away,
        Decision::Redirect {
            location: "/b".to_owned()
        }
    );
    assert_eq!(
        reject(&asked, 302, &[]),
        (ErrorKind::Status(302), Retry::Never, false)
    );
}

#[test]
fn only_strong_validators_are_remembered() {
    let expect = Expect::default();
    let asked = Asked::new(None, &Position::default(), &expect);
    let modified = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    let validator = |fields: &[(&str, &str)]| {
        store(&asked, 200, fields)
            .validator
            .map(|validator| validator.to_string())
    };
    assert_eq!(
        validator(&[("etag", "\"v1\""), modified]).as_deref(),
        Some("\"v1\"")
    );
    assert_eq!(validator(&[("etag", "W/\"v1\"")]), None);
    // A client that has a tag must not use the date in its place (RFC 9110, section 13.1.5).
    assert_eq!(
        validator(&[
            ("etag", "W/\"v1\""),
            modified,
            ("date", "Mon, 07 Nov 1994 08:49:37 GMT")
        ]),
        None
    );
    assert_eq!(
        validator(&[modified, ("date", "Sun, 06 Nov 1994 08:50:36 GMT")]),
        None,
        "changed less than a minute ago"
    );
    assert_eq!(
        validator(&[modified, ("date", "Sun, 06 Nov 1994 08:50:37 GMT")]).as_deref(),
        Some(modified.1)
    );
    assert_eq!(validator(&[modified]), None, "nothing says how old it is");
}
