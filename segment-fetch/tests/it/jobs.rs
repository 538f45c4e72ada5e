//! Many jobs at once.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    Bytes, Concurrency, End, ErrorKind, Event, FetchOptions, Fetcher, Job, MemorySink, Position,
    Request, RetryPolicy, Sink, Start,
};

use crate::{content, fetcher, url};

fn numbered(count: usize, length: usize) -> Site {
    let site = Site::new();
    for index in 0..count {
        site.route(&format!("/{index}"), Resource::new(content(length + index)));
    }
    site
}

fn job(index: usize) -> Job<usize, MemorySink> {
    let request = Request::get(url(&format!("/{index}")));
    Job::new(index, request, MemorySink::new())
}

#[tokio::test(start_paused = true)]
async fn every_job_ends_once_and_after_its_progress() {
    let site = numbered(40, 600_000);
    site.script("/7", [Fault::Cut(300_000)]);
    site.always("/13", Fault::Status(403));
    let mut events = fetcher(&site).fetch_all(stream::iter((0..40).map(job)));
    let (mut progress, mut ended) = (HashMap::new(), HashMap::new());
    let (mut steps, mut retries) = (0, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            Event::Progress { tag, bytes } => {
                assert!(!ended.contains_key(&tag), "nothing comes after the end");
                *progress.entry(tag).or_insert(0) += bytes;
                steps += 1;
            }
            Event::Retrying {
                tag,
                error,
                attempt,
                ..
            } => {
                retries.push((tag, error.kind(), attempt));
            }
            Event::Finished { tag, sink, report } => {
                assert_eq!(sink.bytes(), content(600_000 + tag));
                assert_eq!(progress[&tag], report.length);
                assert!(ended.insert(tag, true).is_none());
            }
            Event::Failed { tag, error, .. } => {
                assert_eq!(error.kind(), ErrorKind::AddressExpired);
                assert!(ended.insert(tag, false).is_none());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ended.len(), 40);
    assert_eq!(ended.values().filter(|&&good| good).count(), 39);
    assert_eq!(retries, [(7, ErrorKind::Truncated, 1)]);
    assert!(steps <= 39 * 4, "joined into one for each 256 KiB: {steps}");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_allowed_run_and_jobs_are_pulled_when_there_is_room() {
    let site = numbered(20, 1000);
    for index in 0..20 {
        site.always(
            &format!("/{index}"),
            Fault::Drip {
                piece: 100,
                pause: Duration::from_millis(100),
            },
        );
    }
    let options = FetchOptions {
        concurrency: Concurrency {
            look_ahead: 0,
            ..Concurrency::fixed(3)
        },
        ..FetchOptions::default()
    };
    let pulled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pulled);
    let jobs = stream::iter((0..20).map(job)).inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut events = Fetcher::with_service(site.clone(), options).fetch_all(jobs);
    let mut ended = 0;
    while let Some(event) = events.next().await {
        ended += usize::from(matches!(event, Event::Finished { .. }));
        let running = pulled.load(Ordering::Relaxed) - ended;
        assert!(running <= 3 + 1, "{running} jobs are out");
        assert!(site.requests().len() <= ended + 3 + 1);
    }
    assert_eq!(ended, 20);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_come_late_are_run() {
    let site = numbered(5, 10);
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    tokio::spawn(async move {
        for index in 0..5 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            sender.unbounded_send(job(index)).unwrap();
        }
    });
    let events = fetcher(&site).fetch_all(receiver);
    let finished = events
        .filter(|event| std::future::ready(matches!(event, Event::Finished { .. })))
        .count()
        .await;
    assert_eq!(finished, 5);
}

/// A sink that outlives the job.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<MemorySink>>);

impl Shared {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes().to_vec()
    }
}

impl Sink for Shared {
    fn position(&self) -> Position {
        self.0.lock().unwrap().position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        let mut sink = self.0.lock().unwrap().clone();
        sink.begin(start).await?;
        *self.0.lock().unwrap() = sink;
        Ok(())
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        let mut sink = self.0.lock().unwrap().clone();
        sink.append(chunk).await?;
        *self.0.lock().unwrap() = sink;
        Ok(())
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        let mut sink = self.0.lock().unwrap().clone();
        sink.finish(end).await?;
        *self.0.lock().unwrap() = sink;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_stream_cancels_and_leaves_what_can_be_resumed() {
    let site = numbered(2, 10_000);
    let slow = Fault::Drip {
        piece: 1000,
        pause: Duration::from_secs(1),
    };
    site.script("/0", [slow.clone()]);
    site.script("/1", [slow]);
    let sinks = [Shared::default(), Shared::default()];
    let jobs = |sinks: &[Shared; 2]| {
        let jobs = sinks.clone().into_iter().enumerate();
        stream::iter(
            jobs.map(|(tag, sink)| Job::new(tag, Request::get(url(&format!("/{tag}"))), sink)),
        )
    };
    let mut events = fetcher(&site).fetch_all(jobs(&sinks));
    let stopped = tokio::time::timeout(Duration::from_millis(3500), async {
        while events.next().await.is_some() {}
    })
    .await;
    assert!(stopped.is_err());
    drop(events);
    assert!(sinks.iter().all(|sink| sink.position().length == 4000));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        sinks.iter().all(|sink| sink.position().length == 4000),
        "nothing goes on behind the back"
    );

    let reports: Vec<_> = fetcher(&site)
        .fetch_all(jobs(&sinks))
        .filter_map(|event| {
            std::future::ready(if let Event::Finished { report, .. } = event {
                Some(report)
            } else {
                None
            })
        })
        .collect()
        .await;
    assert!(
        reports.iter().all(|report| report.resumed_at == 4000),
        "{reports:?}"
    );
    assert_eq!(site.requests().len(), 4);
    assert!(
        sinks
            .iter()
            .enumerate()
            .all(|(tag, sink)| sink.0.lock().unwrap().bytes() == content(10_000 + tag))
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_and_told() {
    let site = numbered(1, 10);
    site.script(
        "/0",
        [Fault::RetryAfter {
            status: 429,
            value: "40".to_owned(),
        }],
    );
    site.script(
        "/0",
        [Fault::RetryAfter {
            status: 503,
            value: "9999".to_owned(),
        }],
    );
    let mut events = fetcher(&site).fetch_all(stream::iter([job(0)]));
    let mut pauses = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Retrying { after, .. } = event {
            pauses.push(after.as_secs());
        }
    }
    assert_eq!(pauses, [40, 120], "as asked, up to the cap");
    let at: Vec<_> = site
        .requests()
        .iter()
        .map(|request| request.at.as_secs())
        .collect();
    assert_eq!(at, [0, 40, 160]);
}

#[tokio::test(start_paused = true)]
async fn retries_end_and_failures_are_told_with_their_cause() {
    let site = numbered(1, 10);
    site.always("/0", Fault::Reset);
    let options = FetchOptions {
        retry: RetryPolicy {
            retries: 2,
            ..RetryPolicy::default()
        },
        ..FetchOptions::default()
    };
    let events: Vec<_> = Fetcher::with_service(site.clone(), options)
        .fetch_all(stream::iter([job(0)]))
        .collect()
        .await;
    let [
        Event::Retrying { attempt: 1, .. },
        Event::Retrying { attempt: 2, .. },
        Event::Failed { tag: 0, error, .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (error.kind(), error.attempts(), error.is_transient()),
        (ErrorKind::Http, 3, true)
    );
    assert!(std::error::Error::source(error).is_some());
    assert_eq!(
        error.to_string(),
        "no answer that can be understood at http://origin.test/0 after 3 attempts"
    );
    assert_eq!(site.requests().len(), 3);
}
