//! The resume decision: every kind of answer to every kind of question.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;
use segment_fetch::resume::{Asked, Decision, Encoding, Retry, RetryAfter, Storing, decide};
use segment_fetch::{ErrorKind, Expect, Position};

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

/// 400 bytes held of 1000, under `"v1"`.
fn held() -> Position {
    Position {
        length: 400,
        validator: "\"v1\"".parse().ok(),
        complete_length: Some(1000),
    }
}

fn store(asked: &Asked<'_>, status: u16, fields: &[(&str, &str)]) -> Storing {
    match decide(
        asked,
        StatusCode::from_u16(status).unwrap(),
        &headers(fields),
    ) {
        Decision::Store(storing) => storing,
        other => panic!("{status} {fields:?}: {other:?}"),
    }
}

fn reject(asked: &Asked<'_>, status: u16, fields: &[(&str, &str)]) -> (ErrorKind, Retry, bool) {
    match decide(
        asked,
        StatusCode::from_u16(status).unwrap(),
        &headers(fields),
    ) {
        Decision::Reject(rejection) => (rejection.kind, rejection.retry, rejection.start_again),
        other => panic!("{status} {fields:?}: {other:?}"),
    }
}

const WRONG_RANGE: (ErrorKind, Retry, bool) = (ErrorKind::WrongRange, Retry::Always, false);
const CHANGED: (ErrorKind, Retry, bool) = (ErrorKind::WrongRange, Retry::Always, true);

#[test]
fn the_question_is_asked_with_the_right_headers() {
    let expect = Expect::default();
    let compressed = Expect {
        compression: true,
        ..Expect::default()
    };
    let cases = [
        (None, Position::default(), &expect, None, None, "identity"),
        (None, Position::default(), &compressed, None, None, "gzip"),
        (
            None,
            held(),
            &expect,
            Some("bytes=400-"),
            Some("\"v1\""),
            "identity",
        ),
        (None, held(), &compressed, None, None, "gzip"),
        (
            Some(5000..6000),
            Position::default(),
            &expect,
            Some("bytes=5000-5999"),
            None,
            "identity",
        ),
        (
            Some(5000..6000),
            Position::default(),
            &compressed,
            Some("bytes=5000-5999"),
            None,
            "identity",
        ),
        (
            Some(5000..6000),
            held(),
            &expect,
            Some("bytes=5400-5999"),
            Some("\"v1\""),
            "identity",
        ),
        // More than the whole is held, or nothing says of what version: from the start.
        (
            Some(5000..5100),
            held(),
            &expect,
            Some("bytes=5000-5099"),
            None,
            "identity",
        ),
        (
            None,
            Position {
                validator: None,
                ..held()
            },
            &expect,
            None,
            None,
            "identity",
        ),
        (
            None,
            Position {
                complete_length: Some(399),
                ..held()
            },
            &expect,
            None,
            None,
            "identity",
        ),
    ];
    for (range, position, expect, asked_range, condition, encoding) in cases {
        let sent = Asked::new(range.clone(), &position, expect).headers();
        let get = |name: &str| {
            sent.get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            get("range").as_deref(),
            asked_range,
            "{range:?} {position:?}"
        );
        assert_eq!(
            get("if-range").as_deref(),
            condition,
            "{range:?} {position:?}"
        );
        assert_eq!(
            get("accept-encoding").as_deref(),
            Some(encoding),
            "{range:?} {position:?}"
        );
    }
}

#[test]
fn a_whole_is_stored_from_the_start() {
    let expect = Expect::default();
    let asked = Asked::new(None, &Position::default(), &expect);
    let storing = store(
        &asked,
        200,
        &[("content-length", "1000"), ("etag", "\"v1\"")],
    );
    assert_eq!(
        (
            storing.offset,
            storing.skip,
            storing.take,
            storing.announced
        ),
        (0, 0, None, Some(1000))
    );
    assert_eq!(storing.validator, "\"v1\"".parse().ok());
    let chunked = store(&asked, 200, &[]);
    assert_eq!(
        (
            chunked.announced,
            chunked.complete_length,
            chunked.validator
        ),
        (None, None, None)
    );
}

#[test]
fn the_asked_rest_is_appended() {
    let expect = Expect::default();
    let asked = Asked::new(None, &held(), &expect);
    let right = [
        ("content-range", "bytes 400-999/1000"),
        ("etag", "\"v1\""),
        ("content-length", "600"),
    ];
    let storing = store(&asked, 206, &right);
    assert_eq!(
        (storing.offset, storing.take, storing.complete_length),
        (400, Some(600), Some(1000))
    );
    assert_eq!(storing.validator, held().validator);
}

#[test]
fn another_range_than_asked_is_refused() {
    let expect = Expect::default();
    let asked = Asked::new(None, &held(), &expect);
    let etag = ("etag", "\"v1\"");
    for range in [
        "bytes 0-999/1000",
        "bytes 401-999/1000",
        "bytes 399-999/1000",
        "bytes 400-998/1000",
        "bytes */1000",
        "nonsense",
    ] {
        assert_eq!(
            reject(&asked, 206, &[("content-range", range), etag]),
            WRONG_RANGE,
            "{range}"
        );
    }
    assert_eq!(
        reject(&asked, 206, &[etag]),
        WRONG_RANGE,
        "without a range it is nothing"
    );
    let multipart = [("content-type", "Multipart/ByteRanges; boundary=x"), etag];
    assert_eq!(reject(&asked, 206, &multipart), WRONG_RANGE);
    let asked = Asked::new(Some(5000..6000), &Position::default(), &expect);
    for range in [
        "bytes 5000-5998/9000",
        "bytes 5000-6000/9000",
        "bytes 0-999/1000",
    ] {
        assert_eq!(
            reject(&asked, 206, &[("content-range", range)]),
            WRONG_RANGE,
            "{range}"
        );
    }
    assert_eq!(
        store(&asked, 206, &[("content-range", "bytes 5000-5999/*")]).take,
        Some(1000)
    );
    let nothing_asked = Asked::new(None, &Position::default(), &expect);
    assert_eq!(
        reject(
            &nothing_asked,
            206,
            &[("content-range", "bytes 0-999/1000")]
        ),
        WRONG_RANGE
    );
}

#[test]
fn a_part_of_another_version_starts_again() {
    let expect = Expect::default();
    let asked = Asked::new(None, &held(), &expect);
    let range = ("content-range", "bytes 400-999/1000");
    assert_eq!(reject(&asked, 206, &[range, ("etag", "\"v2\"")]), CHANGED);
    assert_eq!(
        reject(&asked, 206, &[range, ("etag", "W/\"v1\"")]),
        CHANGED,
        "weak is not the same bytes"
    );
    assert_eq!(
        reject(&asked, 206, &[range]),
        CHANGED,
        "the tag must be repeated"
    );
    assert_eq!(
        reject(
            &asked,
            206,
            &[("content-range", "bytes 400-1099/1100"), ("etag", "\"v1\"")]
        ),
        CHANGED
    );
    let unknown = Position {
        complete_length: None,
        ..held()
    };
    let asked = Asked::new(None, &unknown, &expect);
    assert_eq!(
        reject(
            &asked,
            206,
            &[("content-range", "bytes 400-999/*"), ("etag", "\"v1\"")]
        ),
        CHANGED
    );
}

#[test]
fn a_date_need_not_be_repeated_but_must_not_differ() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let expect = Expect::default();
    let position = Position {
        validator: date.parse().ok(),
        ..held()
    };
    let asked = Asked::new(None, &position, &expect);
    assert_eq!(asked.headers()["if-range"], date);
    let range = ("content-range", "bytes 400-999/1000");
    assert_eq!(store(&asked, 206, &[range]).offset, 400);
    assert_eq!(
        store(&asked, 206, &[range, ("last-modified", date)]).offset,
        400
    );
    assert_eq!(
        reject(
            &asked,
            206,
            &[range, ("last-modified", "Mon, 07 Nov 1994 08:49:37 GMT")]
        ),
        CHANGED
    );
}

#[test]
fn a_whole_instead_of_the_rest_starts_again() {
    let expect = Expect::default();
    let asked = Asked::new(None, &held(), &expect);
    let storing = store(
        &asked,
        200,
        &[("content-length", "900"), ("etag", "\"v2\"")],
    );
    assert_eq!(
        (
            storing.offset,
            storing.skip,
            storing.take,
            storing.complete_length
        ),
        (0, 0, None, Some(900))
    );
    assert_eq!(storing.validator, "\"v2\"".parse().ok());
}

#[test]
fn a_range_is_cut_out_of_a_whole() {
    let expect = Expect::default();
    let asked = Asked::new(Some(5000..6000), &held(), &expect);
    let storing = store(&asked, 200, &[("content-length", "9000")]);
    assert_eq!(
        (
            storing.offset,
            storing.skip,
            storing.take,
            storing.complete_length
        ),
        (0, 5000, Some(1000), Some(1000))
    );
    assert_eq!(
        reject(&asked, 200, &[("content-length", "5999")]),
        WRONG_RANGE
    );
    let small = Expect {
        max_length: 4999,
        ..Expect::default()
    };
    let asked = Asked::new(Some(5000..6000), &Position::default(), &small);
    assert_eq!(
        reject(&asked, 200, &[]),
        (ErrorKind::TooLarge, Retry::Never, false),
        "too much to read and drop"
    );
}

#[test]
fn nothing_after_what_is_held_means_complete_or_changed() {
    let expect = Expect::default();
    let position = Position {
        complete_length: None,
        ..held()
    };
    let asked = Asked::new(None, &position, &expect);
    let complete = |fields: &[(&str, &str)]| {
        decide(&asked, StatusCode::RANGE_NOT_SATISFIABLE, &headers(fields))
    };
    assert_eq!(
        complete(&[("content-range", "bytes */400")]),
        Decision::Complete { length: 400 }
    );
    assert_eq!(
        reject(
            &asked,
            416,
            &[("content-range", "bytes */400"), ("etag", "\"v2\"")]
        ),
        CHANGED
    );
    assert_eq!(
        reject(&asked, 416, &[("content-range", "bytes */300")]),
        CHANGED
    );
    assert_eq!(reject(&asked, 416, &[]), CHANGED);
    let asked = Asked::new(Some(5000..6000), &Position::default(), &expect);
    assert_eq!(
        reject(&asked, 416, &[]),
        (ErrorKind::Status(416), Retry::Never, false)
    );
    let full = Position {
        complete_length: Some(400),
        ..held()
    };
    assert_eq!(
        Asked::new(None, &full, &expect).already_complete(),
        Some(400)
    );
    assert_eq!(
        Asked::new(Some(7..407), &full, &expect).already_complete(),
        Some(400)
    );
    assert_eq!(Asked::new(None, &held(), &expect).already_complete(), None);
}

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

proptest! {
    /// Whatever a head says, what is stored continues exactly what is held, or starts again.
    #[test]
    fn what_is_stored_always_fits(
        length in 0_u64..50, known in proptest::option::of(0_u64..60), range in proptest::option::of((0_u64..40, 1_u64..40)),
        status in prop_oneof![Just(200_u16), Just(206), Just(416), 100_u16..600],
        first in 0_u64..80, last in 0_u64..80, complete in proptest::option::of(0_u64..80),
        announced in proptest::option::of(0_u64..80), etag in prop_oneof![Just("\"v1\""), Just("\"v2\""), Just("W/\"v1\"")],
    ) {
        let expect = Expect { max_length: 45, ..Expect::default() };
        let position = Position { length, validator: "\"v1\"".parse().ok(), complete_length: known };
        let range = range.map(|(start, length)| start..start + length);
        let asked = Asked::new(range.clone(), &position, &expect);
        let complete = complete.map_or("*".to_owned(), |complete| complete.to_string());
        let mut fields = vec![("etag", etag.to_owned()), ("content-range", format!("bytes {first}-{last}/{complete}"))];
        fields.extend(announced.map(|announced| ("content-length", announced.to_string())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match decide(&asked, StatusCode::from_u16(status).unwrap(), &headers(&fields)) {
            Decision::Store(storing) => {
                prop_assert!(status == 200 || status == 206);
                prop_assert!(storing.offset == 0 || storing.offset == length);
                prop_assert!(storing.offset == 0 || etag == "\"v1\"");
                prop_assert!(storing.complete_length.is_none_or(|complete| complete <= 45 && storing.offset <= complete));
                let start = range.as_ref().map_or(0, |range| range.start);
                let body_starts_at = if status == 206 { first } else { 0 };
                prop_assert_eq!(body_starts_at + storing.skip, start + storing.offset);
                if let Some(range) = range {
                    prop_assert_eq!(storing.offset + storing.take.unwrap(), range.end - range.start);
                }
            }
            Decision::Complete { length: complete } => prop_assert_eq!(complete, length),
            Decision::Redirect { .. } => prop_assert!(false, "there is no location"),
            Decision::Reject(rejection) => prop_assert!(!rejection.reason.is_empty()),
        }
    }
}
