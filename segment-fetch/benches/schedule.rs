//! Benchmarks: the schedule with a hundred thousand jobs, alone and driving a stream, and a sink that hashes.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::io;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use segment_fetch::schedule::{Schedule, Window};
use segment_fetch::testing::{Resource, Site};
use segment_fetch::{
    Bytes, Concurrency, End, Event, FetchOptions, Fetcher, Job, Position, Request, Sink, Start, Url,
};

const JOBS: u64 = 100_000;

fn window(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("segment-fetch/window");
    group.throughput(Throughput::Elements(JOBS));
    group.bench_function("100k", |bencher| {
        bencher.iter(|| {
            let mut window = Window::new(6, 64);
            for step in 0..JOBS {
                let now = Duration::from_millis(step);
                window.started(now, window.size());
                window.received(now, 50_000);
                if step % 997 == 0 {
                    window.congested(now, now);
                } else {
                    window.ended(now);
                }
            }
            black_box(window.size())
        });
    });
    group.finish();
}

/// Everything waits at once, in so many groups at so many hosts, and runs to its end.
fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("segment-fetch/schedule");
    group.throughput(Throughput::Elements(JOBS)).sample_size(10);
    for (name, groups, hosts) in [
        ("100k", 1, 1),
        ("100k-groups-1000", 1_000, 3),
        ("100k-groups-100k", JOBS, 500),
    ] {
        let hosts: Vec<_> = (0..hosts)
            .map(|host| {
                Url::parse(&format!("https://{host}.example.com"))
                    .unwrap()
                    .origin()
            })
            .collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut schedule = Schedule::new(&Concurrency::default());
                for (job, host) in (0..JOBS).zip(hosts.iter().cycle()) {
                    schedule.push(host, job % groups, i32::from(job % 7 == 0), job);
                }
                let mut running = Vec::new();
                let mut now = Duration::ZERO;
                let mut ended = 0;
                while ended < JOBS {
                    while let Some((place, _)) = schedule.start(now) {
                        running.push(place);
                    }
                    now += Duration::from_millis(80);
                    for place in running.drain(..) {
                        schedule.received(place, now, 50_000);
                        schedule.ended(place, now, true);
                        ended += 1;
                    }
                }
            });
        });
    }
    group.finish();
}

/// Hashes and drops.
#[derive(Default)]
struct Hashing {
    hasher: blake3::Hasher,
    position: Position,
}

impl Sink for Hashing {
    fn position(&self) -> Position {
        self.position.clone()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        if start.offset == 0 {
            self.hasher.reset();
        }
        self.position.length = start.offset;
        Ok(())
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        self.hasher.update(&chunk);
        self.position.length += chunk.len() as u64;
        Ok(())
    }

    async fn finish(&mut self, _: &End) -> io::Result<()> {
        black_box(self.hasher.finalize());
        Ok(())
    }
}

/// Jobs of so many bytes from a site in process, so that nothing but this crate takes time.
fn stream(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("segment-fetch/stream");
    group.sample_size(10);
    for (name, jobs, length) in [
        ("100kx0", 100_000_u64, 0_usize),
        ("hashing/64x3MB", 64, 3_000_000),
    ] {
        let throughput = if length == 0 {
            Throughput::Elements(jobs)
        } else {
            Throughput::Bytes(jobs * length as u64)
        };
        group.throughput(throughput);
        let body = Bytes::from(vec![0x47; length]);
        group.bench_function(name, |bencher| {
            let setup = || {
                // A new one each time: it keeps a log of all requests.
                let site = Site::new();
                site.route("/a", Resource::new(body.clone()));
                Fetcher::with_service(site, FetchOptions::default())
            };
            bencher.iter_batched(
                setup,
                |fetcher| {
                    let request = Request::get(Url::parse("http://origin.test/a").unwrap());
                    let jobs =
                        (0..jobs).map(|job| Job::new(job, request.clone(), Hashing::default()));
                    let events = fetcher.fetch_all(futures::stream::iter(jobs));
                    let finished = events.filter(|event| {
                        std::future::ready(matches!(event, Event::Finished { .. }))
                    });
                    black_box(runtime.block_on(finished.count()))
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, window, queue, stream);
criterion_main!(benches);
