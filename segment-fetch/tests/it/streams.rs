//! Streams of jobs: order, adaptation, pauses, new addresses, second requests, sums.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    Concurrency, ErrorKind, Event, FetchOptions, Fetcher, Job, MemorySink, RefreshAddress, Request,
    Sink, Url,
};
use tokio::time::Instant;

use crate::{content, url};

fn path(index: usize) -> String {
    format!("/{index}")
}

pub(crate) fn numbered(count: usize, length: usize) -> Site {
    let site = Site::new();
    for index in 0..count {
        site.route(&path(index), Resource::new(content(length + index)));
    }
    site
}

pub(crate) fn job(index: usize) -> Job<usize, MemorySink> {
    Job::new(index, Request::get(url(&path(index))), MemorySink::new())
}

pub(crate) fn fetcher(site: &Site, options: FetchOptions) -> Fetcher<Site> {
    Fetcher::with_service(site.clone(), options)
}

fn one_at_a_time(look_ahead: usize) -> FetchOptions {
    FetchOptions {
        concurrency: Concurrency {
            look_ahead,
            ..Concurrency::at_most(1)
        },
        ..FetchOptions::default()
    }
}

fn asked(site: &Site) -> Vec<usize> {
    site.requests()
        .iter()
        .map(|request| request.path[1..].parse().unwrap())
        .collect()
}

/// Runs jobs to their end, which has to be a good one, and returns how many bytes each came to.
pub(crate) async fn all(
    fetcher: &Fetcher<Site>,
    jobs: impl IntoIterator<Item = Job<usize, MemorySink>>,
) -> HashMap<usize, usize> {
    let mut lengths = HashMap::new();
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { tag, sink, .. } => {
                lengths.insert(tag, sink.bytes().len());
            }
            Event::Failed { tag, error, .. } => panic!("{tag}: {error}"),
            _ => {}
        }
    }
    lengths
}

#[tokio::test(start_paused = true)]
async fn priority_comes_first_and_groups_take_turns() {
    let site = numbered(9, 10);
    let jobs = (0..9).map(|index| match index {
        0..4 => job(index).with_group(1),
        4..7 => job(index).with_group(2),
        _ => job(index).with_priority(1),
    });
    all(&fetcher(&site, one_at_a_time(32)), jobs.clone()).await;
    // The first is taken before there is anything to choose from.
    assert_eq!(asked(&site), [0, 7, 8, 4, 1, 5, 2, 6, 3]);
    let site = numbered(9, 10);
    all(&fetcher(&site, one_at_a_time(0)), jobs).await;
    assert_eq!(asked(&site), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_can_be_given_other_priorities() {
    let site = numbered(12, 10);
    let fetcher = fetcher(&site, one_at_a_time(8));
    let mut events = std::pin::pin!(fetcher.fetch_all(stream::iter((0..12).map(job))));
    let mut finished = 0;
    while let Some(event) = events.next().await {
        if let Event::Finished { .. } = event {
            finished += 1;
            let priority = |tag: &usize| match finished {
                2..5 => i32::from(*tag >= 5),
                _ => 0,
            };
            events.as_mut().prioritize(priority);
        }
    }
    // Each time the next one is not begun yet; jobs that come later have the priority they come with.
    assert_eq!(asked(&site), [0, 1, 5, 6, 7, 2, 3, 4, 8, 9, 10, 11]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_host_does_not_hold_up_another() {
    let site = numbered(40, 1_000);
    for index in 0..20 {
        let pause = Duration::from_secs(5);
        site.always(&path(index), Fault::Drip { piece: 500, pause });
    }
    let jobs = (0..40).map(|index| {
        let host = if index < 20 { "slow" } else { "fast" };
        let address = Url::parse(&format!("http://{host}.test/{index}")).unwrap();
        Job::new(index, Request::get(address), MemorySink::new())
    });
    let options = FetchOptions {
        concurrency: Concurrency::fixed(2),
        ..FetchOptions::default()
    };
    let fetcher = fetcher(&site, options);
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    let (started, mut fast) = (Instant::now(), 0);
    while let Some(event) = events.next().await {
        if let Event::Finished { tag: 20.., .. } = event {
            fast += 1;
            assert!(started.elapsed() < Duration::from_secs(1));
        }
    }
    assert_eq!(fast, 20);
    assert_eq!(started.elapsed().as_secs(), 100, "two at a time");
}

#[tokio::test(start_paused = true)]
async fn a_long_way_is_made_up_for_by_more_requests() {
    let site = numbered(200, 5_000);
    for index in 0..200 {
        // Half a second for each, however many there are.
        let pause = Duration::from_millis(500);
        site.always(
            &path(index),
            Fault::Drip {
                piece: 4_000,
                pause,
            },
        );
    }
    let time = async |concurrency| {
        let options = FetchOptions {
            concurrency,
            ..FetchOptions::default()
        };
        let started = Instant::now();
        all(&fetcher(&site, options), (0..200).map(job)).await;
        started.elapsed()
    };
    let six = time(Concurrency::fixed(6)).await;
    let adaptive = time(Concurrency::default()).await;
    assert!(adaptive * 2 < six, "{adaptive:?} and {six:?}");
    let two = time(Concurrency::at_most(2)).await;
    assert_eq!(two, Duration::from_secs(50), "never more than was set");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_asked_by_fewer_at_once() {
    let site = numbered(60, 5_000);
    let busy = || Fault::RetryAfter {
        status: 503,
        value: "1".to_owned(),
    };
    for index in 0..60 {
        let pause = Duration::from_millis(500);
        site.always(
            &path(index),
            Fault::Drip {
                piece: 4_000,
                pause,
            },
        );
        if (10..20).contains(&index) {
            site.script(&path(index), [busy(), busy()]);
        }
    }
    let mut events =
        fetcher(&site, FetchOptions::default()).fetch_all(stream::iter((0..60).map(job)));
    while events.next().await.is_some() {}
    let summary = events.summary();
    assert_eq!((summary.finished, summary.recoverable_errors), (60, 20));
    assert_eq!(summary.last_error, Some(ErrorKind::Status(503)));
    let at: Vec<_> = site.requests().iter().map(|request| request.at).collect();
    let most = at
        .iter()
        .map(|&from| {
            at.iter()
                .filter(|&&at| at >= from && at < from + Duration::from_millis(400))
                .count()
        })
        .collect::<Vec<_>>();
    assert!(
        most[..20].iter().max() > most[40..].iter().max(),
        "{most:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_everything_and_resuming_goes_on_from_there() {
    let site = numbered(12, 20_000);
    for index in 0..12 {
        let pause = Duration::from_secs(1);
        site.script(
            &path(index),
            [Fault::Drip {
                piece: 1_000,
                pause,
            }],
        );
    }
    let options = FetchOptions {
        concurrency: Concurrency::fixed(6),
        hedging: false,
        ..FetchOptions::default()
    };
    let mut events = fetcher(&site, options).fetch_all(stream::iter((0..12).map(job)));
    let control = events.control();
    let elsewhere = control.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(5_500)).await;
        elsewhere.pause();
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        elsewhere.resume();
    });
    let mut ended = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { sink, tag, .. } => {
                assert_eq!(sink.bytes(), content(20_000 + tag));
                ended += 1;
            }
            Event::Progress { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ended, 12);
    assert!(!control.is_paused());
    let requests = site.requests();
    let resumed = requests
        .iter()
        .filter(|request| request.range.as_deref() == Some("bytes=6000-"));
    assert_eq!((requests.len(), resumed.count()), (18, 6));
    assert_eq!(events.summary().requests, 18);
    let within =
        |request: &&segment_fetch::testing::Logged| (6..3_600).contains(&request.at.as_secs());
    assert_eq!(
        requests.iter().filter(within).count(),
        0,
        "nothing was asked meanwhile"
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_that_has_expired_is_replaced_once_for_all() {
    let site = Site::new();
    for index in 0..30 {
        site.always(&format!("/old/{index}"), Fault::Status(403));
    }
    site.route("/new", Resource::new(content(100_000)));
    site.always("/old", Fault::Status(410));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let refresh = RefreshAddress::new(move |expired: Url| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            (expired.path() == "/old").then(|| expired.join("/new").unwrap())
        }
    });
    let options = FetchOptions {
        refresh: Some(refresh),
        ..FetchOptions::default()
    };
    let fetcher = fetcher(&site, options);
    let jobs = (0..30).map(|index| {
        let range = index * 1_000..(index + 1) * 1_000;
        let request = Request::get(url("/old")).with_range(range);
        Job::new(usize::try_from(index).unwrap(), request, MemorySink::new())
    });
    assert_eq!(all(&fetcher, jobs).await.len(), 30);
    assert_eq!(
        asked.load(Ordering::Relaxed),
        1,
        "asked once, and remembered"
    );
    let old = site
        .requests()
        .iter()
        .filter(|request| request.path == "/old")
        .count();
    assert!(old <= 16, "{old} requests of the old address");
    // What is not replaced fails as before, and is asked for once.
    let error = fetcher
        .fetch(Request::get(url("/old/3")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddressExpired);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn replacing_addresses_ends() {
    let site = Site::new();
    let next = |url: Url| {
        let number: u32 = url.path()[1..].parse().unwrap();
        url.join(&format!("/{}", number + 1)).unwrap()
    };
    for index in 0..50 {
        site.always(&path(index), Fault::Status(401));
    }
    for (hook, requests) in [
        (
            RefreshAddress::new(move |url| async move { Some(next(url)) }),
            4,
        ),
        (RefreshAddress::new(|url| async move { Some(url) }), 1),
        (RefreshAddress::new(|_| std::future::pending()), 1),
        (
            RefreshAddress::new(|url: Url| async move {
                Some(
                    url.join(if url.path() == "/0" { "/1" } else { "/0" })
                        .unwrap(),
                )
            }),
            2,
        ),
    ] {
        let before = site.requests().len();
        let options = FetchOptions {
            refresh: Some(hook),
            ..FetchOptions::default()
        };
        let fetched = fetcher(&site, options).fetch(Request::get(url("/0"))).await;
        assert_eq!(fetched.unwrap_err().kind(), ErrorKind::AddressExpired);
        assert_eq!(site.requests().len() - before, requests);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_slow_request_is_made_a_second_time() {
    for (fault, range) in [
        (Fault::Stall(60_000), "bytes=60000-"),
        (Fault::Stall(0), ""),
        (
            Fault::Drip {
                piece: 100,
                pause: Duration::from_secs(2),
            },
            "bytes=100-",
        ),
    ] {
        let site = numbered(20, 100_000);
        site.script("/19", [fault.clone()]);
        let mut events =
            fetcher(&site, FetchOptions::default()).fetch_all(stream::iter((0..20).map(job)));
        let started = Instant::now();
        let mut ended = 0;
        while let Some(event) = events.next().await {
            match event {
                Event::Finished { tag, sink, report } => {
                    assert_eq!(sink.bytes(), content(100_000 + tag));
                    assert_eq!(report.hedges, u32::from(tag == 19));
                    ended += 1;
                }
                Event::Progress { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ended, 20);
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{fault:?}: {:?}",
            started.elapsed()
        );
        let last: Vec<_> = site
            .requests()
            .into_iter()
            .filter(|request| request.path == "/19")
            .collect();
        assert_eq!(last.len(), 2);
        assert_eq!(last[1].range.clone().unwrap_or_default(), range);
        assert_eq!(events.summary().hedges, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn no_second_request_where_it_would_not_help() {
    let drip = |piece| Fault::Drip {
        piece,
        pause: Duration::from_secs(2),
    };
    // Something waits.
    let site = numbered(20, 10_000);
    site.script("/0", [drip(4_000)]);
    let concurrency = Concurrency::fixed(1);
    let options = FetchOptions {
        concurrency,
        ..FetchOptions::default()
    };
    all(&fetcher(&site, options), (0..20).map(job)).await;
    assert_eq!(site.requests().len(), 20);
    // It is told not to.
    let site = numbered(20, 10_000);
    site.script("/19", [drip(1_000)]);
    let options = FetchOptions {
        hedging: false,
        ..FetchOptions::default()
    };
    all(&fetcher(&site, options), (0..20).map(job)).await;
    assert_eq!(site.requests().len(), 20);
    // All are as slow.
    let site = numbered(5, 10_000);
    for index in 0..5 {
        site.script(&path(index), [drip(1_000)]);
    }
    all(&fetcher(&site, FetchOptions::default()), (0..5).map(job)).await;
    assert_eq!(site.requests().len(), 5);
    // Bytes without a validator cannot be put together.
    let site = numbered(20, 10_000);
    site.route(
        "/19",
        Resource {
            etag: None,
            ..Resource::new(content(10_019))
        },
    );
    site.script("/19", [drip(1_000)]);
    all(&fetcher(&site, FetchOptions::default()), (0..20).map(job)).await;
    assert_eq!(site.requests().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn the_sums_are_those_of_the_jobs() {
    let site = numbered(5, 1_000);
    site.script("/1", [Fault::Cut(500)]);
    site.always("/2", Fault::Status(404));
    let mut whole = MemorySink::new();
    let fetcher = fetcher(&site, FetchOptions::default());
    fetcher
        .fetch_into(&Request::get(url("/3")), &mut whole)
        .await
        .unwrap();
    let jobs = (0..5).map(|index| {
        if index == 3 {
            Job::new(3, Request::get(url("/3")), whole.clone())
        } else {
            job(index)
        }
    });
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    while events.next().await.is_some() {}
    let summary = events.summary();
    assert_eq!(
        (summary.finished, summary.failed, summary.read_from_cache),
        (4, 1, 1)
    );
    assert_eq!((summary.requests, summary.recoverable_errors), (6, 2));
    assert_eq!(summary.bytes, 1_000 + 1_001 + 1_004);
    assert!(summary.duration > Duration::ZERO);
    assert_eq!(whole.position().length, 1_003);
}
