//! Benchmarks of storage-policy: planning over large inventories with shared blobs.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot plan should stop"
)]

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use storage_policy::{Inventory, Item, Limits, Policy, Priority, plan};

/// Items of 12 blobs each, of which the last two are also in the next item.
fn inventory(items: u32) -> Inventory {
    let at = |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    // A fixed sequence that looks random, so that neither times nor lengths come sorted.
    let scatter = |number: u32| number.wrapping_mul(2_654_435_761) >> 8;
    let blobs = items * 10 + 2;
    Inventory {
        items: (0..items)
            .map(|number| Item {
                id: format!("asset-{number:08}"),
                policy: Policy {
                    priority: if number % 4 == 0 {
                        Priority::Important
                    } else {
                        Priority::Default
                    },
                    expires: (number % 10 == 0).then(|| at(scatter(number))),
                    pinned: number % 50 == 0,
                },
                created: at(scatter(number) / 2),
                last_played: (number % 3 == 0).then(|| at(scatter(number))),
                in_use: number % 100 == 1,
                blobs: (number * 10..number * 10 + 12).collect(),
            })
            .collect(),
        blob_lengths: (0..blobs)
            .map(|number| 1_000_000 + u64::from(scatter(number) % 1_000_000))
            .collect(),
        free_bytes: None,
    }
}

fn bench_plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("storage-policy/plan");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 23);
    for items in [1_000, 10_000, 100_000] {
        let inventory = inventory(items);
        let held: u64 = inventory.blob_lengths.iter().sum();
        let limits = Limits {
            max_bytes: Some(held / 2),
            ..Limits::default()
        };
        group.throughput(Throughput::Elements(items.into()));
        group.bench_with_input(BenchmarkId::from_parameter(items), &items, |b, _| {
            b.iter(|| plan(black_box(&inventory), &limits, now).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, bench_plan);
criterion_main!(benches);
