//! Benchmarks: decisions about responses, and many resources from an origin on loopback.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::io;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use segment_fetch::resume::{Asked, decide};
use segment_fetch::testing::{Origin, Resource, Site};
use segment_fetch::{
    Bytes, End, Event, Expect, FetchOptions, Fetcher, Job, Position, Request, Sink, Start,
    TransportOptions, https,
};

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

fn decisions(criterion: &mut Criterion) {
    let expect = Expect::default();
    let held = Position {
        length: 400,
        validator: "\"v1\"".parse().ok(),
        complete_length: Some(1_000),
    };
    let fresh = Asked::new(None, &Position::default(), &expect);
    let resumed = Asked::new(None, &held, &expect);
    let range = Asked::new(Some(5_000..6_000), &Position::default(), &expect);
    let cases = [
        (
            &fresh,
            200,
            headers(&[
                ("content-length", "1000"),
                ("etag", "\"v1\""),
                ("content-type", "video/mp2t"),
            ]),
        ),
        (
            &resumed,
            206,
            headers(&[
                ("content-range", "bytes 400-999/1000"),
                ("etag", "\"v1\""),
                ("content-length", "600"),
            ]),
        ),
        (
            &range,
            206,
            headers(&[
                ("content-range", "bytes 5000-5999/9000"),
                ("content-length", "1000"),
            ]),
        ),
        (&range, 200, headers(&[("content-length", "9000")])),
        (&resumed, 416, headers(&[("content-range", "bytes */400")])),
        (&fresh, 503, headers(&[("retry-after", "7")])),
    ];
    let mut group = criterion.benchmark_group("segment-fetch/decide");
    group.throughput(Throughput::Elements(cases.len() as u64));
    group.bench_function("6", |bencher| {
        bencher.iter(|| {
            for (asked, status, headers) in &cases {
                black_box(decide(
                    asked,
                    StatusCode::from_u16(*status).unwrap(),
                    black_box(headers),
                ));
            }
        });
    });
    group.finish();
}

/// Counts and drops.
#[derive(Default)]
struct Discard {
    position: Position,
}

impl Sink for Discard {
    fn position(&self) -> Position {
        self.position.clone()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        self.position.length = start.offset;
        Ok(())
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        self.position.length += chunk.len() as u64;
        Ok(())
    }

    async fn finish(&mut self, _: &End) -> io::Result<()> {
        Ok(())
    }
}

const COUNT: usize = 64;
const LENGTH: usize = 1 << 20;

fn loopback(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("segment-fetch/fetch_all");
    group
        .throughput(Throughput::Bytes((COUNT * LENGTH) as u64))
        .sample_size(20);
    for (name, secure) in [("http1/64x1MiB", false), ("tls-http2/64x1MiB", true)] {
        let site = Site::new();
        let body: Bytes = (0..LENGTH)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect();
        for index in 0..COUNT {
            site.route(&format!("/{index}"), Resource::new(body.clone()));
        }
        let origin = if secure {
            Origin::serve_tls(site)
        } else {
            Origin::serve(site)
        }
        .unwrap();
        let extra_authorities = origin
            .certificate()
            .map(|pem| pem.as_bytes().to_vec())
            .into_iter()
            .collect();
        let options = TransportOptions {
            extra_authorities,
            ..TransportOptions::default()
        };
        let fetcher = Fetcher::with_service(https(&options).unwrap(), FetchOptions::default());
        let jobs = || -> Vec<_> {
            (0..COUNT)
                .map(|index| {
                    Job::new(
                        index,
                        Request::get(origin.url(&format!("/{index}"))),
                        Discard::default(),
                    )
                })
                .collect()
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                jobs,
                |jobs| {
                    let finished = runtime.block_on(async {
                        let events = fetcher.fetch_all(futures::stream::iter(jobs));
                        events
                            .filter(|event| {
                                std::future::ready(matches!(event, Event::Finished { .. }))
                            })
                            .count()
                            .await
                    });
                    assert_eq!(finished, COUNT);
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, loopback);
criterion_main!(benches);
