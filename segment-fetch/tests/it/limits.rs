//! What must not happen: too much, too long, too often.

use std::time::Duration;

use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    ErrorKind, Expect, FetchOptions, Fetcher, MemorySink, Reach, Request, RetryPolicy, Sink,
};
use tokio::time::Instant;

use crate::{content, fetcher, get, ranges, site};

#[tokio::test(start_paused = true)]
async fn too_much_is_refused_by_announcement_and_by_count() {
    let small = Expect {
        max_length: 5_000,
        ..Expect::default()
    };
    for fault in [Fault::None, Fault::Chunked] {
        let site = site(content(200_000));
        site.script("/a", [fault.clone()]);
        let mut sink = MemorySink::new();
        let request = get().with_expect(small.clone());
        let error = fetcher(&site)
            .fetch_into(&request, &mut sink)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::TooLarge, 1),
            "{fault:?}"
        );
        assert!(sink.position().length <= 5_000);
    }
    let site = site(content(200_000));
    let request = get().with_range(0..5_001).with_expect(small);
    assert_eq!(
        fetcher(&site).fetch(request).await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert!(site.requests().is_empty(), "that could be known before");
}

#[tokio::test(start_paused = true)]
async fn a_small_body_cannot_grow_beyond_the_limit_when_decoded() {
    let site = site("");
    site.route(
        "/a",
        Resource {
            gzip: true,
            ..Resource::new(vec![b' '; 64 << 20])
        },
    );
    let expect = Expect {
        max_length: 1 << 20,
        compression: true,
        ..Expect::default()
    };
    let mut sink = MemorySink::new();
    let request = get().with_expect(expect);
    let error = fetcher(&site)
        .fetch_into(&request, &mut sink)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(sink.bytes().len() <= 1 << 20);
}

#[tokio::test(start_paused = true)]
async fn an_exact_length_is_exact() {
    let key = Expect {
        exact_length: Some(16),
        ..Expect::default()
    };
    for (length, right) in [(15, false), (16, true), (17, false)] {
        for fault in [Fault::None, Fault::Chunked] {
            let site = site(content(length));
            site.always("/a", fault);
            let result = fetcher(&site).fetch(get().with_expect(key.clone())).await;
            assert_eq!(result.is_ok(), right, "{length}");
            assert!(result.map_or_else(|error| error.kind() == ErrorKind::WrongLength, |_| true));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_total_time_includes_everything() {
    let site = site(content(10_000));
    site.always(
        "/a",
        Fault::Drip {
            piece: 10,
            pause: Duration::from_secs(1),
        },
    );
    let started = Instant::now();
    let expect = Expect {
        total_timeout: Some(Duration::from_secs(30)),
        ..Expect::default()
    };
    let error = fetcher(&site)
        .fetch(get().with_expect(expect.clone()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), started.elapsed().as_secs()),
        (ErrorKind::Timeout, 30)
    );
    site.always(
        "/a",
        Fault::RetryAfter {
            status: 503,
            value: "20".to_owned(),
        },
    );
    let error = fetcher(&site)
        .fetch(get().with_expect(expect))
        .await
        .unwrap_err();
    // A pause that would outlast the time is not begun: what failed is told, and at once.
    assert_eq!(
        (error.kind(), started.elapsed().as_secs()),
        (ErrorKind::Status(503), 50)
    );
    assert!(error.to_string().contains("wait 20 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn pauses_are_as_the_policy_says() {
    let site = site("");
    site.always("/a", Fault::Status(500));
    let started = Instant::now();
    let error = fetcher(&site).fetch(get()).await.unwrap_err();
    assert_eq!(
        (error.kind(), site.requests().len()),
        (ErrorKind::Status(500), 6)
    );
    assert!(
        started.elapsed() <= Duration::from_millis(15_500),
        "0.5 + 1 + 2 + 4 + 8 s at most"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_asked_for_twice_and_what_is_refused_once() {
    for (status, requests) in [
        (404, 2),
        (400, 1),
        (401, 1),
        (403, 1),
        (410, 1),
        (416, 1),
        (451, 1),
        (204, 1),
        (304, 1),
    ] {
        let site = site("");
        site.always("/a", Fault::Status(status));
        let error = fetcher(&site).fetch(get()).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
        assert_eq!(site.requests().len(), requests, "{status}");
    }
    let site = site(content(5));
    site.script("/a", [Fault::Status(404)]);
    assert_eq!(
        fetcher(&site).fetch(get()).await.unwrap().body,
        content(5),
        "an edge that was behind"
    );
}

#[tokio::test(start_paused = true)]
async fn progress_keeps_a_long_fetch_alive_on_a_bad_line() {
    let site = site(content(1 << 20));
    site.always("/a", Fault::Cut(40_000));
    let fetched = fetcher(&site).fetch(get()).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.report.retries), (1 << 20, 26));
    // But not one that is not advancing.
    site.always("/a", Fault::Cut(100));
    assert_eq!(
        fetcher(&site).fetch(get()).await.unwrap_err().kind(),
        ErrorKind::Truncated
    );
    assert_eq!(ranges(&site).len(), 27 + 6);
}

#[tokio::test(start_paused = true)]
async fn addresses_that_are_not_for_the_network_are_refused() {
    let site = Site::new();
    let fetch = |address: &str, reach| {
        fetcher(&site).fetch(Request::get(address.parse().unwrap()).with_reach(reach))
    };
    for address in ["file:///etc/passwd", "ftp://origin.test/a", "javascript:1"] {
        assert_eq!(
            fetch(address, Reach::Any).await.unwrap_err().kind(),
            ErrorKind::Refused,
            "{address}"
        );
    }
    for address in [
        "http://127.0.0.1/a",
        "http://0x7f.1/a",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        let error = fetch(address, Reach::PublicOnly).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_transient()),
            (ErrorKind::Refused, false),
            "{address}"
        );
    }
    assert!(site.requests().is_empty());
    fetch("http://127.0.0.1/a", Reach::Any).await.unwrap_err();
    assert!(!site.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_empty_or_reversed_range_is_refused() {
    for (start, end) in [(5, 5), (6, 5), (u64::MAX, 0)] {
        let site = site(content(10));
        let error = fetcher(&site)
            .fetch(get().with_range(start..end))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongRange);
        assert!(site.requests().is_empty());
    }
    let site = site(content(10));
    let error = fetcher(&site)
        .fetch(get().with_range(u64::MAX - 1..u64::MAX))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status(416));
}

#[tokio::test(start_paused = true)]
async fn no_retries_means_none() {
    let site = site("");
    site.always("/a", Fault::Status(503));
    let retry = RetryPolicy {
        retries: 0,
        ..RetryPolicy::default()
    };
    let fetcher = Fetcher::with_service(
        site.clone(),
        FetchOptions {
            retry,
            ..FetchOptions::default()
        },
    );
    assert_eq!(fetcher.fetch(get()).await.unwrap_err().attempts(), 1);
    assert_eq!(site.requests().len(), 1);
}
