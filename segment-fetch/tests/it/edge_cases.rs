//! What servers do in the field, each case from the question to what the sink holds.

use std::time::Duration;

use segment_fetch::testing::{Fault, Resource};
use segment_fetch::{ErrorKind, Expect, Fetched, MemorySink, Request, Sink, Start};

use crate::{content, fetcher, get, playlist, ranges, site, url};

async fn fetch_after(
    faults: impl IntoIterator<Item = Fault>,
    request: Request,
) -> (Result<Fetched, segment_fetch::Error>, Vec<String>) {
    let site = site(content(10_000));
    site.script("/a", faults);
    let result = fetcher(&site).fetch(request).await;
    (result, ranges(&site))
}

#[tokio::test(start_paused = true)]
async fn a_range_from_a_server_that_sends_the_whole_is_sliced() {
    let (result, ranges) = fetch_after([Fault::IgnoreRange], get().with_range(5000..6000)).await;
    assert_eq!(result.unwrap().body, content(10_000)[5000..6000]);
    assert_eq!(ranges.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_different_or_shorter_range_is_never_stored() {
    for fault in [
        Fault::ShiftedRange,
        Fault::ShortRange,
        Fault::LongRange,
        Fault::NoContentRange,
        Fault::Multipart,
    ] {
        let (result, ranges) = fetch_after([fault.clone()], get().with_range(5000..6000)).await;
        assert_eq!(
            result.unwrap().body,
            content(10_000)[5000..6000],
            "{fault:?}"
        );
        assert_eq!(ranges.len(), 2, "{fault:?}");
        let (result, ranges) =
            fetch_after(vec![fault.clone(); 6], get().with_range(5000..6000)).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::WrongRange, 6),
            "{fault:?}"
        );
        assert_eq!(ranges.len(), 6, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_body_than_announced_is_stopped_and_retried() {
    let (result, ranges) = fetch_after([Fault::AnnounceFewer(10)], get()).await;
    assert_eq!(result.unwrap().body, content(10_000));
    assert_eq!(ranges.len(), 2);
    let (result, _) = fetch_after(vec![Fault::AnnounceFewer(10); 6], get()).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WrongLength);
}

#[tokio::test(start_paused = true)]
async fn less_body_than_announced_is_resumed() {
    let (result, ranges) = fetch_after([Fault::AnnounceMore(10)], get()).await;
    assert_eq!(
        result.unwrap().body,
        content(10_000),
        "the whole came, and 416 or a new whole says so"
    );
    assert_eq!(ranges.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_is_resumed_under_its_validator() {
    let (result, ranges) = fetch_after([Fault::Cut(4000), Fault::Cut(1000)], get()).await;
    let fetched = result.unwrap();
    assert_eq!(fetched.body, content(10_000));
    assert_eq!(ranges, ["", "bytes=4000-", "bytes=5000-"]);
    assert_eq!(
        (
            fetched.report.bytes,
            fetched.report.retries,
            fetched.report.requests
        ),
        (10_000, 2, 3)
    );
    let (result, ranges) = fetch_after([Fault::Cut(400)], get().with_range(5000..6000)).await;
    assert_eq!(result.unwrap().body, content(10_000)[5000..6000]);
    assert_eq!(ranges, ["bytes=5000-5999", "bytes=5400-5999"]);
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_without_validator_is_fetched_again() {
    for etag in [None, Some("W/\"weak\"".to_owned())] {
        let site = site(content(0));
        site.route(
            "/a",
            Resource {
                etag,
                ..Resource::new(content(10_000))
            },
        );
        site.script("/a", [Fault::Cut(4000)]);
        let fetched = fetcher(&site).fetch(get()).await.unwrap();
        assert_eq!(fetched.body, content(10_000));
        assert_eq!(ranges(&site), ["", ""]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_changed_in_between_starts_again() {
    for honest in [true, false] {
        let site = site(content(10_000));
        site.script("/a", [Fault::Cut(4000)]);
        let fetcher = fetcher(&site);
        let mut sink = MemorySink::new();
        let request = get();
        {
            // Up to the pause after the cut.
            let fetch = fetcher.fetch_into(&request, &mut sink);
            assert!(
                tokio::time::timeout(Duration::from_millis(6), fetch)
                    .await
                    .is_err()
            );
        }
        assert_eq!(sink.position().length, 4000);
        let new = content(10_000).into_iter().rev().collect::<Vec<_>>();
        site.route("/a", Resource::new(new.clone()));
        if !honest {
            site.script("/a", [Fault::IgnoreCondition]);
        }
        let report = fetcher.fetch_into(&request, &mut sink).await.unwrap();
        assert_eq!(
            (sink.bytes(), report.resumed_at),
            (&new[..], 0),
            "honest: {honest}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_changes_with_every_request_costs_bandwidth_not_correctness() {
    let faults = (0..4).flat_map(|turn| [Fault::Etag(format!("\"{turn}\""))]);
    let site = site(content(10_000));
    site.script("/a", [Fault::Cut(3000)].into_iter().chain(faults));
    let fetched = fetcher(&site).fetch(get()).await.unwrap();
    assert_eq!(fetched.body, content(10_000));
    assert_eq!(
        ranges(&site),
        ["", "bytes=3000-"],
        "the second answer is a new whole"
    );
}

#[tokio::test(start_paused = true)]
async fn gzip_unasked_is_refused_and_asked_is_decoded() {
    let (result, _) = fetch_after([Fault::Gzip], get()).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WrongContent);
    let text = "#EXTM3U\n".repeat(5_000);
    let site = site("");
    site.route(
        "/a",
        Resource {
            gzip: true,
            ..Resource::new(text.clone())
        },
    );
    let fetched = fetcher(&site)
        .fetch(get().with_expect(playlist()))
        .await
        .unwrap();
    assert_eq!(fetched.body, text);
    assert!(
        fetched.report.bytes < 1000,
        "counted as they came: {}",
        fetched.report.bytes
    );
    // Lengths are compared before decoding, and the checksum of gzip after.
    for fault in [
        Fault::Cut(20),
        Fault::AnnounceMore(1),
        Fault::AnnounceFewer(1),
    ] {
        site.script("/a", [fault]);
        let fetched = fetcher(&site)
            .fetch(get().with_expect(playlist()))
            .await
            .unwrap();
        assert_eq!(
            (fetched.body.len(), fetched.report.retries),
            (text.len(), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_instead_of_content_is_refused_and_destroys_nothing() {
    let key = Expect {
        exact_length: Some(16),
        refuse_html: true,
        ..Expect::default()
    };
    let segment = Expect {
        refuse_html: true,
        ..Expect::default()
    };
    for expect in [playlist(), segment, key] {
        let (result, ranges) = fetch_after([Fault::Html], get().with_expect(expect.clone())).await;
        let error = result.unwrap_err();
        if expect.exact_length.is_none() {
            assert_eq!(error.kind(), ErrorKind::WrongContent);
            assert!(error.to_string().contains("<!DOCTYPE html>"), "{error}");
            assert_eq!(ranges.len(), 1);
        }
    }
    // The page is told by its beginning even when only a part of what it should be was asked for.
    let request = get().with_range(10..20).with_expect(Expect {
        refuse_html: true,
        ..Expect::default()
    });
    let (result, _) = fetch_after([Fault::Html], request).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WrongContent);

    let site = site(content(10_000));
    site.script("/a", [Fault::Html]);
    let mut sink = MemorySink::new();
    sink.begin(&Start {
        offset: 0,
        validator: "\"old\"".parse().ok(),
        complete_length: None,
    })
    .await
    .unwrap();
    sink.append(content(100).into()).await.unwrap();
    let request = get().with_expect(Expect {
        refuse_html: true,
        ..Expect::default()
    });
    fetcher(&site)
        .fetch_into(&request, &mut sink)
        .await
        .unwrap_err();
    assert_eq!(sink.bytes(), content(100));
}

#[tokio::test(start_paused = true)]
async fn a_playlist_must_begin_like_one() {
    for (text, right) in [
        ("#EXTM3U\n", true),
        ("\u{feff}#EXTM3U\r\n", true),
        ("{\"error\":1}", false),
        ("", false),
        ("#EXT", false),
    ] {
        let site = site(text);
        let result = fetcher(&site).fetch(get().with_expect(playlist())).await;
        assert_eq!(result.is_ok(), right, "{text:?}");
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::WrongContent);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_address_fails_at_once() {
    for status in [401, 403, 410] {
        let (result, ranges) = fetch_after([Fault::Status(status)], get()).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_transient()),
            (ErrorKind::AddressExpired, false)
        );
        assert_eq!(ranges.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_final_address_is_told_and_retries_use_the_first() {
    let site = site("");
    site.route("/edge/a", Resource::new(content(10_000)));
    site.always(
        "/a",
        Fault::Redirect {
            status: 302,
            location: "/edge/a?token=1".to_owned(),
        },
    );
    site.script("/edge/a", [Fault::Status(503)]);
    let fetched = fetcher(&site).fetch(get()).await.unwrap();
    assert_eq!(fetched.url, url("/edge/a?token=1"));
    let paths: Vec<_> = site
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/a", "/edge/a", "/a", "/edge/a"]);
}

#[tokio::test(start_paused = true)]
async fn the_slowest_last_byte_does_not_hang() {
    let (result, ranges) = fetch_after([Fault::Stall(9_999)], get()).await;
    let fetched = result.unwrap();
    assert_eq!(fetched.body, content(10_000));
    assert_eq!(ranges, ["", "bytes=9999-"]);
    assert!(fetched.report.duration >= Duration::from_secs(20));
    let drip = |piece| Fault::Drip {
        piece,
        pause: Duration::from_secs(19),
    };
    let (result, ranges) = fetch_after([drip(1000)], get()).await;
    assert_eq!(
        (result.unwrap().body.len(), ranges.len()),
        (10_000, 1),
        "slow is not silent"
    );
    let (result, ranges) = fetch_after([drip(100)], get()).await;
    assert_eq!(result.unwrap().body, content(10_000));
    assert_eq!(
        ranges,
        ["", "bytes=300-"],
        "a trickle is as good as silence"
    );
}

#[tokio::test(start_paused = true)]
async fn data_urls_are_read_in_both_forms() {
    let read = |text: &str, expect: Expect| {
        fetcher(&site("")).fetch(Request::get(text.parse().unwrap()).with_expect(expect))
    };
    let key = Expect {
        exact_length: Some(16),
        ..Expect::default()
    };
    let fetched = read(
        "data:application/octet-stream;base64,AAECAwQFBgcICQoLDA0ODw==",
        key.clone(),
    )
    .await
    .unwrap();
    assert_eq!(fetched.body, (0_u8..16).collect::<Vec<_>>());
    assert_eq!(
        (
            fetched.report.requests,
            fetched.headers["content-type"].as_bytes()
        ),
        (0, &b"application/octet-stream"[..])
    );
    assert_eq!(
        read("data:,%00%01%ff", Expect::default())
            .await
            .unwrap()
            .body,
        &[0, 1, 0xFF][..]
    );
    let small = Expect {
        max_length: 2,
        ..Expect::default()
    };
    assert_eq!(
        read("data:,abc", small).await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(
        read("data:;base64,*", Expect::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidUrl
    );
    let error = read("data:,secret", key).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "{error:?}"
    );
    let request = Request::get("data:,0123456789".parse().unwrap()).with_range(3..5);
    assert_eq!(fetcher(&site("")).fetch(request).await.unwrap().body, "34");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_length_ends_where_it_ends() {
    let (result, ranges) = fetch_after([Fault::Chunked], get()).await;
    assert_eq!(
        (result.unwrap().body, ranges.len()),
        (content(10_000).into(), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_complete_is_not_asked_for_again() {
    let site = site(content(10_000));
    let fetcher = fetcher(&site);
    let (request, mut sink) = (get(), MemorySink::new());
    fetcher.fetch_into(&request, &mut sink).await.unwrap();
    let report = fetcher.fetch_into(&request, &mut sink).await.unwrap();
    assert_eq!(
        (
            report.requests,
            report.bytes,
            report.length,
            report.resumed_at
        ),
        (0, 0, 10_000, 10_000)
    );
    // Without knowing how long it is, the server says that there is nothing more.
    let position = sink.position();
    let start = Start {
        offset: 10_000,
        validator: position.validator,
        complete_length: None,
    };
    sink.begin(&start).await.unwrap();
    let report = fetcher.fetch_into(&request, &mut sink).await.unwrap();
    assert_eq!(
        (report.requests, report.bytes, report.length),
        (1, 0, 10_000)
    );
    assert!(sink.is_finished());
}
