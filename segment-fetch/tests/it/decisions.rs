//! The resume decision: every kind of answer to every kind of question.

mod fields;
mod law;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use segment_fetch::resume::{Asked, Decision, Retry, Storing, decide};
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
        "how much there is to read and drop is not known"
    );
    let storing = store(&asked, 200, &[("content-length", "9000")]);
    assert_eq!((storing.skip, storing.take), (5000, Some(1000)));
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
