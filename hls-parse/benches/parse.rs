//! Benchmarks of hls-parse beside m3u8-rs, `hls_m3u8` and quick-m3u8, on generated playlists.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

mod common;

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use hls_parse::{Document, LocalKey, LocalMedia, lines, parse};

use common::parsers::{PARSERS, resolved};
use common::playlists::{Input, inputs};

/// One thing to do with a playlist.
type Operation = (&'static str, fn(&Input) -> usize);

const OPERATIONS: &[Operation] = &[
    ("lines", |input| {
        lines(input.text.as_bytes())
            .map(|line| line.text.len())
            .sum()
    }),
    ("parse", |input| {
        parse(input.text.as_bytes()).unwrap().diagnostics.len()
    }),
    ("document", |input| {
        Document::parse(input.text.as_bytes()).unwrap().len()
    }),
];

struct Everything(Vec<String>);

impl LocalMedia for Everything {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        self.0.get(index).map(|name| name.as_str().into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("{index}.mp4").into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        Some(LocalKey::At(format!("{index}.key")))
    }
}

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(format!("hls-parse/{name}"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

fn benchmarks(criterion: &mut Criterion) {
    let inputs = inputs();
    for (operation, run) in OPERATIONS {
        let mut group = group(criterion, operation);
        for input in &inputs {
            group.throughput(Throughput::Bytes(input.text.len() as u64));
            group.bench_with_input(
                BenchmarkId::from_parameter(input.name),
                input,
                |b, input| {
                    b.iter(|| run(black_box(input)));
                },
            );
        }
        group.finish();
    }
    for parser in PARSERS {
        let mut group = group(criterion, &format!("model-{}", parser.name));
        for input in &inputs {
            if (parser.run)(input).is_none() {
                continue;
            }
            group.throughput(Throughput::Bytes(input.text.len() as u64));
            group.bench_with_input(
                BenchmarkId::from_parameter(input.name),
                input,
                |b, input| {
                    b.iter(|| (parser.run)(black_box(input)));
                },
            );
        }
        group.finish();
    }
    let mut group = group(criterion, "write-local");
    for input in inputs.iter().filter(|input| input.is_media) {
        let timeline = resolved(&input.text);
        let names = 0..timeline.segments().len();
        let local = Everything(
            names
                .map(|index| format!("segment-{index:08}.ts"))
                .collect(),
        );
        let length = timeline.write_local(&local, true).len();
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::from_parameter(input.name), |b| {
            b.iter(|| timeline.write_local(&local, true));
        });
    }
    group.finish();
    let mut group = self::group(criterion, "write-anew");
    for input in inputs.iter().filter(|input| input.is_media) {
        let timeline = resolved(&input.text);
        let length = timeline.write().unwrap().len();
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(BenchmarkId::from_parameter(input.name), |b| {
            b.iter(|| timeline.write().unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
