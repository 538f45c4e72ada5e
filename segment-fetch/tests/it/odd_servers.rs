//! More of what servers do in the field: encodings, connections, signed addresses, answers that make no sense.

use std::time::Duration;

use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    ErrorKind, Expect, FetchOptions, Fetcher, MemorySink, Request, Sink, TransportOptions, https,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{content, fetcher, get, playlist, ranges, site, url};

#[tokio::test(start_paused = true)]
async fn explicit_ranges_are_asked_for_byte_by_byte() {
    let site = site(content(10_000));
    let client = fetcher(&site);
    for range in [5_000..6_000_usize, 6_000..6_800, 0..1] {
        let asked = range.start as u64..range.end as u64;
        let fetched = client.fetch(get().with_range(asked)).await.unwrap();
        assert_eq!(fetched.body, content(10_000)[range]);
    }
    assert_eq!(
        ranges(&site),
        ["bytes=5000-5999", "bytes=6000-6799", "bytes=0-0"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_chunked_body_that_is_cut_is_not_complete() {
    let site = site(content(10_000));
    site.script("/a", [Fault::CutChunked(4_000)]);
    let fetched = fetcher(&site).fetch(get()).await.unwrap();
    assert_eq!(fetched.body, content(10_000));
    assert_eq!(ranges(&site), ["", "bytes=4000-"]);
    site.script("/a", vec![Fault::CutChunked(0); 6]);
    let error = fetcher(&site).fetch(get()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

#[tokio::test(start_paused = true)]
async fn gzip_that_nobody_announced_is_no_media() {
    let media = Expect {
        refuse_text: true,
        ..Expect::default()
    };
    let site = site(content(10_000));
    site.script("/a", [Fault::RawGzip, Fault::RawGzip]);
    let request = get().with_expect(media);
    let error = fetcher(&site).fetch(request.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongContent);
    // Told by its length already, and right when asked for again.
    let part = fetcher(&site).fetch(request.with_range(0..5_000)).await;
    assert_eq!(part.unwrap().body, content(10_000)[..5_000]);
    // What is really gzip, and may be anything, is taken as it is.
    let packed = [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6];
    let site = self::site(packed.to_vec());
    assert_eq!(fetcher(&site).fetch(get()).await.unwrap().body, &packed[..]);
}

#[tokio::test(start_paused = true)]
async fn a_picture_in_front_of_media_is_left_where_it_is() {
    let media = Expect {
        refuse_html: true,
        refuse_text: true,
        ..Expect::default()
    };
    let mut disguised = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    disguised.extend(content(10_000));
    let site = Site::new();
    let content_type = "image/png".to_owned();
    site.route(
        "/a",
        Resource {
            content_type,
            ..Resource::new(disguised.clone())
        },
    );
    let fetched = fetcher(&site)
        .fetch(get().with_expect(media))
        .await
        .unwrap();
    assert_eq!(fetched.body, disguised, "the content type decides nothing");
}

#[tokio::test(start_paused = true)]
async fn tags_that_change_or_are_weak_never_join_two_answers() {
    for fault in [Fault::ChangingEtag, Fault::WeakEtag] {
        let site = site(content(10_000));
        site.always("/a", fault.clone());
        let client = fetcher(&site);
        let mut sink = MemorySink::new();
        client.fetch_into(&get(), &mut sink).await.unwrap();
        assert_eq!(sink.bytes(), content(10_000), "{fault:?}");
        let mut position = sink.position();
        position.length = 4_000;
        let mut held = MemorySink::new();
        let start = segment_fetch::Start {
            validator: position.validator,
            ..segment_fetch::Start::default()
        };
        held.begin(&start).await.unwrap();
        held.append(vec![0; 4_000].into()).await.unwrap();
        let report = client.fetch_into(&get(), &mut held).await.unwrap();
        assert_eq!(report.resumed_at, 0, "{fault:?}");
        assert_eq!(held.bytes(), content(10_000), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_query_of_an_address_is_its_own() {
    let site = Site::new();
    site.always(
        "/a",
        Fault::Redirect {
            status: 302,
            location: "edge/b".to_owned(),
        },
    );
    site.route("/edge/b", Resource::new(content(10)));
    let request = Request::get(url("/a?token=1"));
    let fetched = fetcher(&site).fetch(request).await.unwrap();
    assert_eq!(fetched.url, url("/edge/b"));
    let queries: Vec<_> = site.requests().into_iter().map(|it| it.query).collect();
    assert_eq!(queries, [Some("token=1".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn a_page_for_a_key_or_a_segment_quotes_how_it_begins() {
    let key = Expect {
        exact_length: Some(16),
        max_length: 64 << 10,
        refuse_html: true,
        ..Expect::default()
    };
    let media = Expect {
        refuse_text: true,
        ..Expect::default()
    };
    for expect in [playlist(), key.clone(), media] {
        let site = site(content(16));
        site.always("/a", Fault::Html);
        let error = fetcher(&site)
            .fetch(get().with_expect(expect.clone()))
            .await
            .unwrap_err();
        // What has another length than a key is not looked at.
        let kind = if expect.exact_length.is_some() {
            ErrorKind::WrongLength
        } else {
            ErrorKind::WrongContent
        };
        assert_eq!(error.kind(), kind);
        let quotes = error.to_string().contains("<!DOCTYPE html>");
        assert_eq!(quotes, kind == ErrorKind::WrongContent, "{error}");
    }
    for length in [0, 15, 17, 32] {
        let site = site(content(length));
        let error = fetcher(&site)
            .fetch(get().with_expect(key.clone()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongLength, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_to_questions_nobody_asked_are_refused() {
    for status in [100, 204, 206, 304, 416, 418, 505] {
        let site = site(content(10_000));
        site.script("/a", vec![Fault::Status(status); 6]);
        let mut sink = MemorySink::new();
        let error = fetcher(&site)
            .fetch_into(&get(), &mut sink)
            .await
            .unwrap_err();
        assert!(
            !matches!(error.kind(), ErrorKind::Sink),
            "{status}: {error:?}"
        );
        assert!(sink.bytes().is_empty() && !sink.is_finished(), "{status}");
        assert!(site.requests().len() <= 6, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_forms_of_retry_after_are_waited_for() {
    let later = std::time::SystemTime::now() + Duration::from_secs(30);
    for value in ["20".to_owned(), httpdate::fmt_http_date(later)] {
        let site = site(content(10));
        let fault = Fault::RetryAfter { status: 429, value };
        site.script("/a", [fault]);
        let report = fetcher(&site).fetch(get()).await.unwrap().report;
        assert!(report.duration >= Duration::from_secs(19), "{report:?}");
    }
}

/// A server that answers one request on each connection and closes it, without saying so before.
async fn forgetful() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                client
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
                    .await?;
                // The next request on this connection meets a reset.
                let _ = client.read_u8().await;
                client.set_zero_linger()
            });
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_no_failure() {
    let address = forgetful().await;
    let mut options = FetchOptions::default();
    options.retry.base = Duration::from_millis(1);
    let transport = https(&TransportOptions::default()).unwrap();
    let client = Fetcher::with_service(transport, options);
    let request = Request::get(format!("http://{address}/a").parse().unwrap());
    for _ in 0..5 {
        assert_eq!(client.fetch(request.clone()).await.unwrap().body, "hello");
    }
}
