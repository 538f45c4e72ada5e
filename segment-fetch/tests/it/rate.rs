//! The rate limit, of a fetcher and of several.

use std::time::Duration;

use segment_fetch::{FetchOptions, HostOptions, RateLimit, Request};
use tokio::time::Instant;

use crate::streams::{all, fetcher, job, numbered};
use crate::url;

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_by_all_together() {
    let site = numbered(10, 100_000);
    let options = FetchOptions {
        rate_limit: Some(RateLimit::new(50_000)),
        ..FetchOptions::default()
    };
    let fetcher = fetcher(&site, options);
    let started = Instant::now();
    all(&fetcher, (0..10).map(job)).await;
    let took = started.elapsed();
    assert!((19.0..=20.5).contains(&took.as_secs_f64()), "{took:?}");
    fetcher.fetch(Request::get(url("/0"))).await.unwrap();
    assert!(
        started.elapsed() > took + Duration::from_millis(1_500),
        "a single one counts too"
    );
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_by_fetchers_that_share_it() {
    let (one, other) = (numbered(10, 100_000), numbered(10, 100_000));
    let options = FetchOptions {
        rate_limit: Some(RateLimit::new(100_000)),
        ..FetchOptions::default()
    };
    let (one, other) = (fetcher(&one, options.clone()), fetcher(&other, options));
    let started = Instant::now();
    tokio::join!(all(&one, (0..10).map(job)), all(&other, (0..10).map(job)));
    let took = started.elapsed();
    assert!((19.0..=20.5).contains(&took.as_secs_f64()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_has_a_rate_of_its_own() {
    let site = numbered(10, 100_000);
    let of = |host: &str| {
        let mut options = HostOptions::new(host.parse().unwrap());
        options.rate_limit = Some(RateLimit::new(50_000));
        FetchOptions {
            hosts: vec![options],
            ..FetchOptions::default()
        }
    };
    let started = Instant::now();
    all(&fetcher(&site, of("elsewhere.test")), (0..10).map(job)).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    let started = Instant::now();
    all(&fetcher(&site, of("origin.test")), (0..10).map(job)).await;
    let took = started.elapsed();
    assert!((19.0..=20.5).contains(&took.as_secs_f64()), "{took:?}");
}
