//! What can go wrong between one request for several and requests for each.

use std::collections::HashMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use segment_fetch::testing::{Fault, Resource};
use segment_fetch::{
    ErrorKind, Event, Expect, FetchOptions, Job, MemorySink, RateLimit, RefreshAddress, Sink, Url,
};
use tokio::time::{Instant, sleep};

use super::{STEP, all, deaf, fetcher, job, one_at_a_time, part, row, row_of, site};
use crate::jobs::Shared;
use crate::{content, ranges, url};

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_between_a_shared_request_and_the_next_is_not_joined() {
    let length = usize::try_from(5 * STEP).unwrap();
    let new: Vec<u8> = content(length).into_iter().rev().collect();
    for honest in [true, false] {
        let site = site(5 * STEP);
        // Cut in the middle of the second part of the shared request.
        site.script("/a", [Fault::None, Fault::Cut(STEP + 5_000)]);
        if !honest {
            site.script("/a", [Fault::IgnoreCondition]);
        }
        let sinks: Vec<_> = (0..5).map(|_| Shared::default()).collect();
        let jobs = row(5).zip(sinks.clone());
        let jobs = jobs.map(|(job, sink)| Job::new(job.tag, job.request, sink));
        let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(jobs));
        while let Some(event) = events.next().await {
            match event {
                Event::Retrying { tag, .. } if sinks[2].position().length == 5_000 => {
                    assert_eq!(tag, 2);
                    site.route("/a", Resource::new(new.clone()));
                }
                Event::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        for (tag, sink) in sinks.iter().enumerate() {
            let range = tag as u64 * STEP..(tag as u64 + 1) * STEP;
            let old = part(&range);
            let range = tag * length / 5..(tag + 1) * length / 5;
            let right = if tag < 2 { &old[..] } else { &new[range] };
            assert!(sink.bytes() == right, "{tag}, honest: {honest}");
        }
        assert!(ranges(&site).contains(&"bytes=45000-59999".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn odd_answers_to_a_shared_request_harm_nobody() {
    for fault in [
        Fault::IgnoreRange,
        // Shorter than the end of the last range, so it is another file.
        Fault::Html,
        Fault::Status(206),
        Fault::Status(416),
        Fault::Status(404),
        Fault::Chunked,
        Fault::CutChunked(STEP / 2),
        Fault::Redirect {
            status: 302,
            location: "/a".to_owned(),
        },
    ] {
        let site = site(10 * STEP);
        site.script("/a", [Fault::None, fault.clone()]);
        row_of(&site, one_at_a_time(), 10).await;
        let requests = site.requests().len();
        let most = match fault {
            Fault::IgnoreRange | Fault::Chunked => 3,
            _ => 2 + 9,
        };
        assert!(requests <= most, "{fault:?}: {:?}", ranges(&site));
    }
}

#[tokio::test(start_paused = true)]
async fn files_longer_than_any_range_may_be_come_whole_too() {
    let small = Expect {
        max_length: STEP,
        ..Expect::default()
    };
    let few = |jobs: Vec<Job<u64, MemorySink>>| {
        let site = deaf(60 * STEP);
        let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(jobs));
        async move {
            let range = |tag: &u64| tag * STEP..(tag + 1) * STEP;
            let ended = all(&mut events, range).await;
            (ended, site.requests().len())
        }
    };
    let limited = |mut job: Job<u64, MemorySink>| {
        job.request.expect = small.clone();
        job
    };
    assert_eq!(few(row(60).map(limited).collect()).await, (60, 3));
    // The first of a later run begins far into the file.
    assert_eq!(few(row(60).skip(40).map(limited).collect()).await, (20, 2));
}

#[tokio::test(start_paused = true)]
async fn priorities_are_kept_among_ranges_of_one_file() {
    let site = site(40 * STEP);
    let jobs = row(40).map(|job| {
        let urgent = job.tag >= 20;
        job.with_priority(i32::from(urgent))
    });
    let mut options = one_at_a_time();
    options.concurrency.look_ahead = 40;
    let mut events = fetcher(&site, options).fetch_all(stream::iter(jobs));
    let mut order = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Finished { tag, .. } = event {
            order.push(tag);
        }
    }
    // The first was started when nothing else was known.
    let expected: Vec<_> = [0].into_iter().chain(20..40).chain(1..20).collect();
    assert_eq!(order, expected);
    assert_eq!(
        ranges(&site),
        ["bytes=0-19999", "bytes=400000-799999", "bytes=20000-399999"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_by_shared_requests() {
    for site in [site(40 * STEP), deaf(40 * STEP)] {
        let options = FetchOptions {
            rate_limit: Some(RateLimit::new(100_000)),
            ..FetchOptions::default()
        };
        let started = Instant::now();
        row_of(&site, options, 40).await;
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(7_500), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_shared_request_where_nothing_is_hedged() {
    for site in [site(8 * STEP), deaf(8 * STEP)] {
        site.script("/a", [Fault::None, Fault::Stall(STEP + 5_000)]);
        let options = FetchOptions {
            hedging: false,
            ..one_at_a_time()
        };
        let started = Instant::now();
        row_of(&site, options, 8).await;
        let took = started.elapsed().as_secs();
        assert!((20..22).contains(&took), "{took}");
        assert!(site.requests().len() <= 4, "{:?}", ranges(&site));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_address_that_expires_is_replaced_for_each() {
    let site = site(10 * STEP);
    site.route("/new", Resource::new(part(&(0..10 * STEP))));
    site.script("/a", [Fault::None]);
    site.always("/a", Fault::Status(403));
    let refresh = RefreshAddress::new(|_: Url| async { Some(url("/new")) });
    let options = FetchOptions {
        refresh: Some(refresh),
        ..one_at_a_time()
    };
    row_of(&site, options, 10).await;
    let requests = site.requests();
    let old = requests.iter().filter(|it| it.path == "/a").count();
    assert_eq!(old, 3, "the first, the shared one, and the one that asked");
    // Without a new address each fails, and says why.
    let site = self::site(10 * STEP);
    site.script("/a", [Fault::None]);
    site.always("/a", Fault::Status(403));
    let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(row(10)));
    let mut failed = 0;
    while let Some(event) = events.next().await {
        if let Event::Failed { error, sink, .. } = event {
            assert_eq!(error.kind(), ErrorKind::AddressExpired);
            assert!(sink.bytes().is_empty());
            failed += 1;
        }
    }
    assert_eq!((failed, site.requests().len()), (9, 2 + 9));
}

#[tokio::test(start_paused = true)]
async fn the_same_range_twice_and_ranges_inside_others_are_all_served() {
    let wanted: HashMap<u64, std::ops::Range<u64>> = [
        0..STEP,
        STEP..2 * STEP,
        STEP..2 * STEP,
        2 * STEP..3 * STEP,
        STEP + 10..STEP + 20,
        STEP..STEP + 1,
        2 * STEP..3 * STEP,
        0..10 * STEP,
    ]
    .into_iter()
    .zip(0..)
    .map(|(range, tag)| (tag, range))
    .collect();
    for site in [site(10 * STEP), deaf(10 * STEP)] {
        let jobs: Vec<_> = (0..8).map(|tag| job(tag, wanted[&tag].clone())).collect();
        let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(jobs));
        assert_eq!(all(&mut events, |tag| wanted[tag].clone()).await, 8);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_at_any_moment_lose_nothing() {
    let drip = Fault::Drip {
        piece: 7_000,
        pause: Duration::from_millis(100),
    };
    for moment in (0..2_500).step_by(50) {
        for site in [site(8 * STEP), deaf(8 * STEP)] {
            site.always("/a", drip.clone());
            let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(row(8)));
            let control = events.control();
            tokio::spawn(async move {
                for pause in [moment, 330, 10] {
                    sleep(Duration::from_millis(pause)).await;
                    control.pause();
                    sleep(Duration::from_millis(500)).await;
                    control.resume();
                }
            });
            let range = |tag: &u64| tag * STEP..(tag + 1) * STEP;
            assert_eq!(all(&mut events, range).await, 8, "{moment}");
            assert_eq!(events.summary().requests, site.requests().len() as u64);
        }
    }
}
