//! What is told of each request.

use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use segment_fetch::testing::{Fault, Hangup, Site, SiteBody};
use segment_fetch::{FetchOptions, Fetcher, ReadFromCache, RequestBody};
use tower::Service;

use crate::{content, fetcher, get, site};

#[tokio::test(start_paused = true)]
async fn the_first_requests_are_described_and_the_rest_counted() {
    let site = site(content(1_000_000));
    site.script("/a", (0..30).map(|_| Fault::Cut(20_000)));
    let report = fetcher(&site).fetch(get()).await.unwrap().report;
    assert_eq!(report.requests, 31);
    assert_eq!((report.metrics.len(), report.metrics_omitted), (16, 15));
    for metrics in &report.metrics {
        assert_eq!(metrics.bytes, 20_000);
        assert!(metrics.last_byte >= metrics.first_byte);
    }
    assert!(report.metrics.is_sorted_by_key(|metrics| metrics.started));
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_as_a_request_without_answer() {
    let site = site(content(100));
    site.script(
        "/a",
        [
            Fault::Reset,
            Fault::Drip {
                piece: 50,
                pause: Duration::from_secs(3),
            },
        ],
    );
    let report = fetcher(&site).fetch(get()).await.unwrap().report;
    let [first, second] = &report.metrics[..] else {
        panic!("{:?}", report.metrics);
    };
    assert_eq!((first.status, first.first_byte), (None, None));
    assert_eq!(second.first_byte, Some(Duration::ZERO));
    assert_eq!(second.last_byte, Some(Duration::from_secs(3)));
}

/// A site behind a cache.
#[derive(Clone)]
struct Cached(Site);

impl Service<http::Request<RequestBody>> for Cached {
    type Response = http::Response<SiteBody>;
    type Error = Hangup;
    type Future = Ready<Result<Self::Response, Hangup>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Hangup>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        ready(self.0.call(request).into_inner().map(|mut response| {
            response.extensions_mut().insert(ReadFromCache);
            response
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_can_say_that_it_read_from_a_cache() {
    let site = site(content(10));
    let cached = Fetcher::with_service(Cached(site.clone()), FetchOptions::default());
    let report = cached.fetch(get()).await.unwrap().report;
    assert!(report.metrics[0].read_from_cache);
    let report = fetcher(&site).fetch(get()).await.unwrap().report;
    assert!(!report.metrics[0].read_from_cache);
}
