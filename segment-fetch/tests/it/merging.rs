//! Ranges of one file in one request, and one body for all when the server ignores ranges.

mod trouble;
mod whole;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    Bytes, Concurrency, End, ErrorKind, Event, Expect, FetchOptions, Fetcher, Job, MemorySink,
    Merge, Position, Sink, Start,
};
use tokio::time::Instant;

use crate::jobs::Shared;
use crate::{content, get, ranges};

const STEP: u64 = 20_000;

fn site(length: u64) -> Site {
    crate::site(content(usize::try_from(length).unwrap()))
}

/// A site that ignores ranges.
fn deaf(length: u64) -> Site {
    let site = Site::new();
    let whole = Resource::new(content(usize::try_from(length).unwrap()));
    site.route(
        "/a",
        Resource {
            ranges: false,
            ..whole
        },
    );
    site
}

fn one_at_a_time() -> FetchOptions {
    FetchOptions {
        concurrency: Concurrency::fixed(1),
        ..FetchOptions::default()
    }
}

fn fetcher(site: &Site, options: FetchOptions) -> Fetcher<Site> {
    Fetcher::with_service(site.clone(), options)
}

fn job(tag: u64, range: Range<u64>) -> Job<u64, MemorySink> {
    Job::new(tag, get().with_range(range), MemorySink::new())
}

/// Ranges of equal length, one after the other.
fn row(count: u64) -> impl Iterator<Item = Job<u64, MemorySink>> + Clone {
    (0..count).map(|tag| job(tag, tag * STEP..(tag + 1) * STEP))
}

fn part(range: &Range<u64>) -> Vec<u8> {
    static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| content(7_000_000));
    CONTENT[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
}

/// Runs jobs to their end, which has to be right, and returns how many of them there were.
async fn all<T: Clone + Send + 'static>(
    events: &mut (impl Stream<Item = Event<T, MemorySink>> + Unpin),
    range: impl Fn(&T) -> Range<u64>,
) -> usize {
    let mut ended = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { tag, sink, report } => {
                let range = range(&tag);
                assert!(sink.bytes() == part(&range) && sink.is_finished());
                assert_eq!(report.length, range.end - range.start);
                assert!(sink.position().validator.is_some());
                ended += 1;
            }
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
    ended
}

async fn row_of(site: &Site, options: FetchOptions, count: u64) {
    let fetcher = fetcher(site, options);
    let mut events = fetcher.fetch_all(stream::iter(row(count)));
    let range = |tag: &u64| tag * STEP..(tag + 1) * STEP;
    assert_eq!(all(&mut events, range).await as u64, count);
    let summary = events.summary();
    assert_eq!(summary.finished, count);
    assert_eq!(summary.requests, site.requests().len() as u64);
}

#[tokio::test(start_paused = true)]
async fn what_would_have_to_wait_goes_along() {
    let site = site(40 * STEP);
    row_of(&site, one_at_a_time(), 40).await;
    assert_eq!(
        ranges(&site),
        [
            "bytes=0-19999",
            "bytes=20000-659999",
            // It was taken from the stream when nothing else was there.
            "bytes=660000-679999",
            "bytes=680000-799999",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn it_can_be_turned_off() {
    let (site, deaf) = (site(40 * STEP), deaf(40 * STEP));
    for site in [site, deaf] {
        let options = FetchOptions {
            merge: None,
            ..one_at_a_time()
        };
        row_of(&site, options, 40).await;
        assert_eq!(site.requests().len(), 40);
    }
}

#[tokio::test(start_paused = true)]
async fn merged_only_when_they_touch() {
    let site = site(20 * STEP);
    let wanted = [0..10, 10..20, 20..30, 31..40, 40..50, 49..60, 60..70];
    let jobs: Vec<_> = wanted.map(|range| job(range.start, range.clone())).into();
    let ends = HashMap::from([
        (0, 10),
        (10, 20),
        (20, 30),
        (31, 40),
        (40, 50),
        (49, 60),
        (60, 70),
    ]);
    let fetcher = fetcher(&site, one_at_a_time());
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    assert_eq!(all(&mut events, |start| *start..ends[start]).await, 7);
    assert_eq!(
        ranges(&site),
        ["bytes=0-9", "bytes=10-29", "bytes=31-49", "bytes=49-69"]
    );
}

#[tokio::test(start_paused = true)]
async fn caps_are_kept() {
    let most = Merge::default();
    for (merge, lengths) in [
        (Merge { parts: 4, ..most }, [1, 4, 4, 4, 4, 3]),
        (
            Merge {
                bytes: 5 * STEP - 1,
                ..most
            },
            [1, 4, 4, 4, 4, 3],
        ),
        (Merge { total: 4, ..most }, [1, 4, 4, 4, 4, 3]),
    ] {
        let site = site(20 * STEP);
        let options = FetchOptions {
            merge: Some(merge),
            ..one_at_a_time()
        };
        row_of(&site, options, 20).await;
        let asked: Vec<_> = ranges(&site)
            .iter()
            .map(|range| {
                let (first, last) = range[6..].split_once('-').unwrap();
                (last.parse::<u64>().unwrap() + 1 - first.parse::<u64>().unwrap()) / STEP
            })
            .collect();
        assert_eq!(asked, lengths, "{merge:?}");
    }
    for merge in [
        Merge { parts: 0, ..most },
        Merge { total: 0, ..most },
        Merge {
            longest: STEP - 1,
            ..most
        },
        Merge { bytes: 0, ..most },
    ] {
        let site = site(20 * STEP);
        let options = FetchOptions {
            merge: Some(merge),
            ..one_at_a_time()
        };
        row_of(&site, options, 20).await;
        assert_eq!(site.requests().len(), 20, "{merge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_ones_are_shared_out() {
    let site = site(36 * STEP);
    let slow = Duration::from_secs(1);
    site.always(
        "/a",
        Fault::Drip {
            piece: 10_000,
            pause: slow,
        },
    );
    let options = FetchOptions {
        concurrency: Concurrency {
            look_ahead: 40,
            ..Concurrency::fixed(6)
        },
        ..FetchOptions::default()
    };
    let started = Instant::now();
    row_of(&site, options, 36).await;
    assert!(site.requests().len() < 20, "{:?}", ranges(&site));
    assert!(
        started.elapsed() < Duration::from_secs(13),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_not_merged() {
    let mark = HeaderMap::from_iter([(
        HeaderName::from_static("x-one"),
        HeaderValue::from_static("1"),
    )]);
    let mut held = MemorySink::new();
    let start = Start {
        validator: "\"other\"".parse().ok(),
        ..Start::default()
    };
    held.begin(&start).await.unwrap();
    held.append(Bytes::from_static(b"held")).await.unwrap();
    let third = || job(2, 2 * STEP..3 * STEP);
    let with = |change: &dyn Fn(&mut Expect)| {
        let mut job = third();
        change(&mut job.request.expect);
        job
    };
    let mut marked = third();
    marked.request.headers = mark;
    let mut resumed = third();
    resumed.sink = held;
    for odd in [
        third().with_group(1),
        marked,
        resumed,
        with(&|expect| expect.total_timeout = Some(Duration::from_secs(60))),
        with(&|expect| expect.compression = true),
        with(&|expect| expect.refuse_html = true),
    ] {
        let site = site(5 * STEP);
        let jobs = row(5).map(|job| if job.tag == 2 { odd.clone() } else { job });
        let fetcher = fetcher(&site, one_at_a_time());
        let mut events = fetcher.fetch_all(stream::iter(jobs));
        assert_eq!(
            all(&mut events, |tag| tag * STEP..(tag + 1) * STEP).await,
            5
        );
        let mut asked = ranges(&site);
        asked.sort();
        asked.dedup();
        assert!(asked.contains(&"bytes=60000-99999".to_owned()), "{asked:?}");
        assert!(
            asked.iter().any(|range| range.ends_with("-59999")),
            "{asked:?}"
        );
        assert_eq!(asked.len(), 4, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_part_finishes_by_itself() {
    let site = site(5 * STEP);
    let pause = Duration::from_secs(1);
    site.script(
        "/a",
        [
            Fault::None,
            Fault::Drip {
                piece: 10_000,
                pause,
            },
        ],
    );
    let fetcher = fetcher(&site, one_at_a_time());
    let mut events = fetcher.fetch_all(stream::iter(row(5)));
    let (started, mut ended) = (Instant::now(), Vec::new());
    while let Some(event) = events.next().await {
        if let Event::Finished { tag, report, .. } = event {
            ended.push((tag, started.elapsed().as_secs(), report.requests));
        }
    }
    assert_eq!(
        ended,
        [(0, 0, 1), (1, 1, 1), (2, 3, 0), (3, 5, 0), (4, 7, 0)]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_what_is_done_is_done_and_the_rest_goes_on() {
    let site = site(5 * STEP);
    site.script("/a", [Fault::None, Fault::Cut(STEP + 5_000)]);
    row_of(&site, one_at_a_time(), 5).await;
    assert_eq!(
        ranges(&site),
        [
            "bytes=0-19999",
            "bytes=20000-99999",
            "bytes=45000-59999",
            "bytes=60000-99999"
        ]
    );
    // Without a part that was done, every one goes on alone, after the pause that the server asked for.
    let site = self::site(5 * STEP);
    let busy = Fault::RetryAfter {
        status: 503,
        value: "40".to_owned(),
    };
    site.script("/a", [Fault::None, busy]);
    row_of(&site, one_at_a_time(), 5).await;
    assert_eq!(site.requests().len(), 2 + 4);
    assert_eq!(site.requests()[2].at.as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_content_range_is_refused_and_not_asked_for_again() {
    for fault in [
        Fault::ShiftedRange,
        Fault::ShortRange,
        Fault::LongRange,
        Fault::NoContentRange,
        Fault::Multipart,
        Fault::Gzip,
    ] {
        let site = site(101 * STEP);
        site.script("/a", [Fault::None, fault.clone()]);
        row_of(&site, one_at_a_time(), 100).await;
        assert_eq!(site.requests().len(), 2 + 99, "{fault:?}");
    }
}

/// A disk that is full from the start, or not at all.
enum Disk {
    Full,
    Roomy(MemorySink),
}

impl Sink for Disk {
    fn position(&self) -> Position {
        match self {
            Disk::Full => Position::default(),
            Disk::Roomy(sink) => sink.position(),
        }
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        match self {
            Disk::Full => Ok(()),
            Disk::Roomy(sink) => sink.begin(start).await,
        }
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        match self {
            Disk::Full => Err(io::ErrorKind::StorageFull.into()),
            Disk::Roomy(sink) => sink.append(chunk).await,
        }
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        match self {
            Disk::Full => Ok(()),
            Disk::Roomy(sink) => sink.finish(end).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_fails_alone() {
    for site in [site(8 * STEP), deaf(8 * STEP)] {
        let jobs = row(8).map(|job| {
            let sink = if job.tag == 3 {
                Disk::Full
            } else {
                Disk::Roomy(job.sink)
            };
            Job::new(job.tag, job.request, sink)
        });
        let fetcher = fetcher(&site, one_at_a_time());
        let mut events = fetcher.fetch_all(stream::iter(jobs));
        let mut ended = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Event::Finished { tag, .. } => ended.push(tag),
                Event::Failed { tag, error, .. } => {
                    assert_eq!((tag, error.kind()), (3, ErrorKind::Sink));
                }
                _ => {}
            }
        }
        assert_eq!(ended, [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(site.requests().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_part_fails_alone() {
    let site = site(8 * STEP);
    let jobs = row(8).map(|mut job| {
        if job.tag == 3 {
            job.request.expect.starts_with = Some(b"something else");
        }
        job
    });
    let fetcher = fetcher(&site, one_at_a_time());
    let mut events = fetcher.fetch_all(stream::iter(jobs));
    let (mut finished, mut failed) = (0, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { .. } => finished += 1,
            Event::Failed { tag, error, .. } => failed.push((tag, error.kind())),
            _ => {}
        }
    }
    assert_eq!(finished, 7);
    assert_eq!(failed, [(3, ErrorKind::WrongContent)]);
    assert_eq!(ranges(&site).last().unwrap(), "bytes=60000-79999");
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_dropping_leave_what_can_be_resumed() {
    let pause = Duration::from_secs(1);
    let drip = Fault::Drip {
        piece: 10_000,
        pause,
    };
    for site in [site(8 * STEP), deaf(8 * STEP)] {
        site.script("/a", [Fault::None, drip.clone()]);
        let fetcher = fetcher(&site, one_at_a_time());
        let mut events = fetcher.fetch_all(stream::iter(row(8)));
        let control = events.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(3_500)).await;
            control.pause();
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            control.resume();
        });
        assert_eq!(
            all(&mut events, |tag| tag * STEP..(tag + 1) * STEP).await,
            8
        );
        assert_eq!(events.summary().requests, site.requests().len() as u64);
        assert!(site.requests().len() <= 4, "{:?}", ranges(&site));
        assert!(site.requests()[2].at.as_secs() > 3_600);
    }
    let site = site(8 * STEP);
    site.script("/a", [Fault::None, drip]);
    let sinks: Vec<_> = (0..8).map(|_| Shared::default()).collect();
    let jobs = row(8).zip(sinks.clone());
    let jobs = jobs.map(|(job, sink)| Job::new(job.tag, job.request, sink));
    let mut events = fetcher(&site, one_at_a_time()).fetch_all(stream::iter(jobs));
    let collecting = async { while events.next().await.is_some() {} };
    let stopped = tokio::time::timeout(Duration::from_millis(2_500), collecting).await;
    assert!(stopped.is_err());
    drop(events);
    let held: Vec<_> = sinks.iter().map(|sink| sink.position().length).collect();
    assert_eq!(held, [STEP, STEP, 10_000, 0, 0, 0, 0, 0]);
    assert!(sinks[2].position().validator.is_some());
    assert_eq!(sinks[2].bytes(), part(&(2 * STEP..2 * STEP + 10_000)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_for_several_is_split() {
    for slow in 0..8 {
        let site = site(80 * STEP);
        site.script("/a", vec![Fault::None; slow]);
        site.script("/a", [Fault::Stall(30_000)]);
        let options = FetchOptions {
            concurrency: Concurrency::fixed(2),
            ..FetchOptions::default()
        };
        let started = Instant::now();
        row_of(&site, options, 80).await;
        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{slow}: {took:?}");
    }
}
