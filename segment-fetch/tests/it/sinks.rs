//! Sinks: the contract, and what a failing one does to a fetch.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use segment_fetch::testing::{Fault, Resource, Site, sink_contract};
use segment_fetch::{
    Bytes, Concurrency, End, Error, ErrorKind, Event, Expect, FetchOptions, Fetcher, Job,
    MemorySink, Position, RequestBody, Sink, Start,
};

use crate::{content, fetcher, get, ranges, site};

#[tokio::test]
async fn the_sink_in_memory_keeps_the_contract() {
    sink_contract(MemorySink::new, |sink| Ok(sink.into_bytes().to_vec()))
        .await
        .unwrap();
}

/// Breaks one rule: it keeps what it had when told to start again.
#[derive(Default)]
struct Hoarder(MemorySink);

impl Sink for Hoarder {
    fn position(&self) -> Position {
        self.0.position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        let offset = self.0.position().length;
        self.0
            .begin(&Start {
                offset,
                ..start.clone()
            })
            .await
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        self.0.append(chunk).await
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        self.0.finish(end).await
    }
}

#[tokio::test]
async fn the_contract_finds_a_sink_that_breaks_it() {
    let error = sink_contract(Hoarder::default, |sink| Ok(sink.0.into_bytes().to_vec()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("drops everything"), "{error}");
}

/// A disk that is full after so many bytes.
struct Full {
    sink: MemorySink,
    room: usize,
}

impl Sink for Full {
    fn position(&self) -> Position {
        self.sink.position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        self.sink.begin(start).await
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        if self.sink.bytes().len() + chunk.len() > self.room {
            return Err(io::Error::from_raw_os_error(28));
        }
        self.sink.append(chunk).await
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        self.sink.finish(end).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_as_it_is_and_not_retried() {
    let site = site(content(200_000));
    let mut sink = Full {
        sink: MemorySink::new(),
        room: 100_000,
    };
    let request = get();
    let error = fetcher(&site)
        .fetch_into(&request, &mut sink)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_transient(), error.attempts()),
        (ErrorKind::Sink, false, 1)
    );
    let source =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.and_then(io::Error::raw_os_error), Some(28));
    assert_eq!(site.requests().len(), 1);
    // With room again, it goes on where it was.
    sink.room = usize::MAX;
    let report = fetcher(&site)
        .fetch_into(&request, &mut sink)
        .await
        .unwrap();
    assert_eq!(
        (report.resumed_at, sink.sink.bytes()),
        (65_536, &content(200_000)[..])
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_resource_is_begun_and_finished() {
    let site = site("");
    let mut sink = MemorySink::new();
    sink.begin(&Start::default()).await.unwrap();
    sink.append(Bytes::from_static(b"of before")).await.unwrap();
    fetcher(&site).fetch_into(&get(), &mut sink).await.unwrap();
    assert!(sink.is_finished() && sink.bytes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_finishes_nothing() {
    let site = site(content(10));
    site.script("/a", [Fault::Cut(5)]);
    site.always("/a", Fault::Status(503));
    let mut sink = MemorySink::new();
    fetcher(&site)
        .fetch_into(&get(), &mut sink)
        .await
        .unwrap_err();
    assert!(!sink.is_finished());
    assert_eq!(sink.bytes(), &content(10)[..5]);
}

const PIECE: usize = 1 << 14;

/// Takes nothing more after the first piece.
struct Stuck(MemorySink);

impl Sink for Stuck {
    fn position(&self) -> Position {
        self.0.position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        self.0.begin(start).await
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        if !self.0.bytes().is_empty() {
            std::future::pending::<()>().await;
        }
        self.0.append(chunk).await
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        self.0.finish(end).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_sink_stops_the_reading() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let service = tower::service_fn(move |_: http::Request<RequestBody>| {
        let sent = Arc::clone(&counter);
        let pieces = futures::stream::repeat_with(move || {
            sent.fetch_add(PIECE, Ordering::Relaxed);
            Ok::<_, io::Error>(http_body::Frame::data(Bytes::from_static(&[7; PIECE])))
        });
        let body = http_body_util::StreamBody::new(pieces.take(10_000));
        std::future::ready(Ok::<_, io::Error>(http::Response::new(body)))
    });
    let fetcher = Fetcher::with_service(service, FetchOptions::default());
    let jobs = (0..100).map(|tag: u64| {
        let range = tag * 1_000..(tag + 1) * 1_000;
        let request = get().with_range((tag >= 50).then_some(range));
        Job::new(tag, request, Stuck(MemorySink::new()))
    });
    let mut events = fetcher.fetch_all(futures::stream::iter(jobs));
    let reading = async { while events.next().await.is_some() {} };
    let stopped = tokio::time::timeout(Duration::from_secs(3_600), reading).await;
    assert!(stopped.is_err());
    let most = FetchOptions::default().concurrency.per_host * 2 * PIECE;
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent > 0 && sent <= most, "{sent} bytes");
}

/// Knows a digest, of a kind: a sum of all bytes. Notes where it was asked for a checkpoint.
#[derive(Default)]
struct Summing {
    sink: MemorySink,
    checkpoints: Vec<u64>,
    is_full: bool,
}

fn sum(bytes: &[u8]) -> Bytes {
    let places = (1_u64..).zip(bytes);
    let sum: u64 = places.map(|(place, &byte)| place * u64::from(byte)).sum();
    sum.to_be_bytes().to_vec().into()
}

impl Sink for Summing {
    fn position(&self) -> Position {
        self.sink.position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        self.sink.begin(start).await
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        self.sink.append(chunk).await
    }

    async fn checkpoint(&mut self) -> io::Result<()> {
        self.checkpoints.push(self.position().length);
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        if end
            .digest
            .as_ref()
            .is_some_and(|digest| *digest != sum(self.sink.bytes()))
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = end.length;
        self.sink
            .finish(&End {
                length,
                digest: None,
            })
            .await
    }
}

#[tokio::test]
async fn a_sink_that_knows_digests_keeps_the_contract() {
    let read = |sink: Summing| Ok(sink.sink.into_bytes().to_vec());
    sink_contract(Summing::default, read).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_failed_attempt_ends_with_a_checkpoint() {
    let site = site(content(10_000));
    site.script(
        "/a",
        [Fault::Cut(3_000), Fault::Status(503), Fault::Cut(2_000)],
    );
    let mut sink = Summing::default();
    fetcher(&site).fetch_into(&get(), &mut sink).await.unwrap();
    assert_eq!(sink.checkpoints, [3_000, 3_000, 5_000]);
    // The last one too.
    site.script("/a", [Fault::Cut(3_000), Fault::Status(403)]);
    let mut sink = Summing::default();
    let request = get();
    let failed = fetcher(&site).fetch_into(&request, &mut sink).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::AddressExpired);
    assert_eq!(sink.checkpoints, [3_000, 3_000]);
    // Where it cannot be made, nothing more is asked for.
    site.script("/a", [Fault::Cut(3_000)]);
    let mut sink = Summing {
        is_full: true,
        ..Summing::default()
    };
    let before = site.requests().len();
    let failed = fetcher(&site).fetch_into(&request, &mut sink).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Sink);
    assert_eq!(site.requests().len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn content_with_another_digest_is_fetched_once_more_and_then_refused() {
    let right = content(10_000);
    let wrong: Vec<u8> = right.iter().map(|byte| byte ^ 1).collect();
    let request = |digest: &[u8]| {
        get().with_expect(Expect {
            digest: Some(sum(digest)),
            ..Expect::default()
        })
    };
    let fetch = async |site: &Site, sink: &mut Summing| -> Result<(), Error> {
        fetcher(site).fetch_into(&request(&right), sink).await?;
        Ok(())
    };
    let site = site(right.clone());
    let mut sink = Summing::default();
    fetch(&site, &mut sink).await.unwrap();
    assert_eq!(site.requests().len(), 1);
    // Held before, under the digest: nothing is asked for.
    fetch(&site, &mut sink).await.unwrap();
    assert_eq!(site.requests().len(), 1);

    let bad = self::site(wrong.clone());
    let mut sink = Summing::default();
    let error = fetch(&bad, &mut sink).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::WrongContent, 2)
    );
    assert!(!sink.sink.is_finished());
    assert_eq!(ranges(&bad), ["", ""], "the whole, twice");
    // Once the server has the right one, what is held of the wrong one is dropped.
    bad.route("/a", Resource::new(right.clone()));
    fetch(&bad, &mut sink).await.unwrap();
    assert_eq!(sink.sink.bytes(), right);

    // Neighbours that share a request are judged one by one.
    let options = FetchOptions {
        concurrency: Concurrency::fixed(1),
        ..FetchOptions::default()
    };
    let part = |tag: u64| {
        usize::try_from(tag * 1_000).unwrap()..usize::try_from((tag + 1) * 1_000).unwrap()
    };
    let jobs = (0..10_u64).map(|tag| {
        let expected = if tag == 4 { &wrong } else { &right };
        let request = request(&expected[part(tag)]).with_range(tag * 1_000..(tag + 1) * 1_000);
        Job::new(tag, request, Summing::default())
    });
    let mut events = Fetcher::with_service(site.clone(), options).fetch_all(stream::iter(jobs));
    let (mut finished, mut failed) = (0, Vec::new());
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { tag, sink, .. } => {
                assert_eq!(sink.sink.bytes(), &right[part(tag)]);
                finished += 1;
            }
            Event::Failed { tag, error, .. } => failed.push((tag, error.kind())),
            _ => {}
        }
    }
    assert_eq!((finished, failed), (9, vec![(4, ErrorKind::WrongContent)]));
}
