//! Servers that ignore ranges: one body for all.

use futures::{StreamExt, stream};
use segment_fetch::testing::Fault;
use segment_fetch::{Event, FetchOptions};

use super::{STEP, all, deaf, fetcher, job, one_at_a_time, row, row_of, site};

#[tokio::test(start_paused = true)]
async fn one_whole_body_serves_all_that_lie_ahead() {
    for (options, requests) in [(one_at_a_time(), 3), (FetchOptions::default(), 8)] {
        let site = deaf(50 * STEP);
        let fetcher = fetcher(&site, options);
        let mut events = fetcher.fetch_all(stream::iter(row(50)));
        assert_eq!(
            all(&mut events, |tag| tag * STEP..(tag + 1) * STEP).await,
            50
        );
        assert!(
            site.requests().len() <= requests,
            "{}",
            site.requests().len()
        );
        assert!(
            events.summary().bytes < 3 * 50 * STEP,
            "{:?}",
            events.summary()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn long_ranges_gaps_overlaps_and_disorder_share_a_whole_body_too() {
    let site = deaf(7_000_000);
    let order = [0, 7, 1, 3, 2, 9, 8, 4, 6, 5];
    let range = |tag: &u64| match tag % 3 {
        0 => tag * 600_000..(tag + 1) * 600_000,
        // Reaches into the next.
        1 => tag * 600_000..(tag + 1) * 600_000 + 5_000,
        _ => tag * 600_000 + 1_000..(tag + 1) * 600_000,
    };
    let fetcher = fetcher(&site, one_at_a_time());
    let mut events = fetcher.fetch_all(stream::iter(order.map(|tag| job(tag, range(&tag)))));
    assert_eq!(all(&mut events, range).await, 10);
    assert!(site.requests().len() <= 3, "{}", site.requests().len());
}

#[tokio::test(start_paused = true)]
async fn a_whole_body_that_is_cut_a_page_or_too_short_harms_nobody() {
    for fault in [
        Fault::Cut(12 * STEP + 7),
        Fault::CutChunked(12 * STEP + 7),
        Fault::Stall(12 * STEP + 7),
        Fault::Reset,
        Fault::AnnounceFewer(100),
        Fault::AnnounceMore(100),
    ] {
        let site = deaf(50 * STEP);
        site.script("/a", [Fault::None, fault.clone()]);
        row_of(&site, one_at_a_time(), 50).await;
        assert!(
            site.requests().len() <= 5,
            "{fault:?}: {}",
            site.requests().len()
        );
    }
    // A server that serves ranges after all.
    let site = site(50 * STEP);
    site.script("/a", [Fault::IgnoreRange, Fault::None]);
    row_of(&site, one_at_a_time(), 50).await;
    assert!(site.requests().len() <= 5, "{}", site.requests().len());
    // A page in the place of the file.
    let site = deaf(50 * STEP);
    site.always("/a", Fault::Html);
    let jobs = row(50).map(|mut job| {
        job.request.expect.refuse_html = true;
        job
    });
    let fetcher = fetcher(&site, one_at_a_time());
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    while let Some(event) = events.next().await {
        assert!(!matches!(event, Event::Finished { .. }));
    }
    assert_eq!(events.summary().failed, 50);
}
