//! Integration tests of segment-fetch.
//!
//! Most use a scripted site as the transport, in process and with tokio's paused clock, so that pauses and timeouts
//! cost nothing; `transport` uses real connections on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test they help"
)]

mod chaos;
mod connections;
mod cookies;
mod decisions;
mod edge_cases;
mod jobs;
mod laws;
mod lengths;
mod limits;
mod merging;
mod metrics;
mod odd_servers;
mod peers;
mod proxies;
mod rate;
mod redirects;
mod schedule;
mod secrets;
mod sinks;
mod streams;
mod transport;

use segment_fetch::testing::{Resource, Site};
use segment_fetch::{Expect, FetchOptions, Fetcher, Request, Url};

/// The address of a path on the site in process.
fn url(path: &str) -> Url {
    Url::parse("http://origin.test")
        .unwrap()
        .join(path)
        .unwrap()
}

/// A fetcher with a site in process as its transport.
fn fetcher(site: &Site) -> Fetcher<Site> {
    Fetcher::with_service(site.clone(), FetchOptions::default())
}

/// A site with `content` at `/a`.
fn site(content: impl Into<segment_fetch::Bytes>) -> Site {
    let site = Site::new();
    site.route("/a", Resource::new(content));
    site
}

/// Asks for `/a` of the site in process.
fn get() -> Request {
    Request::get(url("/a"))
}

/// Bytes that differ everywhere, and do not begin like text.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from((index * 31 + index / 251) % 256).unwrap_or_default() ^ 0x47)
        .collect()
}

/// What a playlist has to be.
fn playlist() -> Expect {
    Expect {
        starts_with: Some(b"#EXTM3U"),
        refuse_html: true,
        compression: true,
        ..Expect::default()
    }
}

/// The `Range` fields of all requests so far, empty where there was none.
fn ranges(site: &Site) -> Vec<String> {
    site.requests()
        .into_iter()
        .map(|request| request.range.unwrap_or_default())
        .collect()
}
