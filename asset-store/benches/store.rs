//! Benchmarks of asset-store: durable ingest against the simple ways, listing, opening.
#![expect(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use asset_store::{AssetId, EntryAttributes, Store};
use common::{CASES, Sync, files, group_commit, scratch, simple_loop};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("asset-store/ingest");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1));
    for (size, length, count) in CASES {
        let files = files(length, count);
        group.throughput(Throughput::Bytes((length * count) as u64));
        group.bench_with_input(
            BenchmarkId::new("group-commit", size),
            &files,
            |bench, files| {
                bench.iter_custom(|rounds| {
                    timed(rounds, |folder| {
                        let store = Store::open(folder.join("store")).unwrap();
                        // Opening, with its 256 folders, happens once in the life of a store.
                        let start = Instant::now();
                        group_commit(&store, files);
                        start.elapsed()
                    })
                });
            },
        );
        for (name, sync) in [
            ("fsync-each", Sync::EachFile),
            ("one-sync", Sync::OnceAtTheEnd),
        ] {
            group.bench_with_input(BenchmarkId::new(name, size), &files, |bench, files| {
                bench.iter_custom(|rounds| {
                    timed(rounds, |folder| {
                        let start = Instant::now();
                        simple_loop(folder, files, sync);
                        start.elapsed()
                    })
                });
            });
        }
    }
    group.finish();
}

/// The time that `action` says it took, summed over rounds in fresh folders.
fn timed(rounds: u64, action: impl Fn(&Path) -> Duration) -> Duration {
    (0..rounds)
        .map(|_| {
            let folder = scratch();
            action(folder.path())
        })
        .sum()
}

fn look(criterion: &mut Criterion) {
    const ASSETS: u64 = 1000;
    let folder = scratch();
    let root = folder.path().join("store");
    {
        let store = Store::open(&root).unwrap();
        for number in 0..ASSETS {
            let writer = store
                .writer(&AssetId::new(format!("a{number}")).unwrap())
                .unwrap();
            let attributes = EntryAttributes::new("playlist");
            writer
                .put("index.m3u8", &number.to_le_bytes(), attributes)
                .unwrap();
            writer.seal().unwrap();
        }
    }
    let store = Store::open(&root).unwrap();
    let mut group = criterion.benchmark_group("asset-store");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(ASSETS));
    group.bench_function("asset_ids/1000", |bench| {
        bench.iter(|| store.asset_ids().unwrap());
    });
    group.bench_function("list-with-manifests/1000", |bench| {
        bench.iter(|| {
            let ids = store.asset_ids().unwrap();
            ids.iter()
                .map(|id| store.asset(id).unwrap().logical_bytes())
                .sum::<u64>()
        });
    });
    group.bench_function("reopen/1000", |bench| {
        bench.iter(|| Store::open(&root).unwrap());
    });
    group.finish();
}

criterion_group!(benches, ingest, look);
criterion_main!(benches);
