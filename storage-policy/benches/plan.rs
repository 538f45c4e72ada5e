//! Benchmarks of storage-policy: plans and what-ifs over large inventories with shared blobs.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot plan should stop"
)]

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use storage_policy::{
    Incoming, Inventory, Item, Part, Policy, Priority, StorePolicy, TagPolicy, expiries, plan,
    room_for,
};

/// Items of 12 blobs each, of which the last two are also in the next item, and two in a part.
fn inventory(items: u32) -> Inventory {
    let at = |seconds: u32| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    // A fixed sequence that looks random, so that neither times nor lengths come sorted.
    let scatter = |number: u32| number.wrapping_mul(2_654_435_761) >> 8;
    let blobs = items * 10 + 2;
    let item = |number: u32| Item {
        policy: Policy {
            priority: Priority::new(i16::from(number.is_multiple_of(4)) * 100),
            expires: number.is_multiple_of(10).then(|| at(scatter(number))),
            pinned: number.is_multiple_of(50),
            tags: number
                .is_multiple_of(3)
                .then(|| "news".to_owned())
                .into_iter()
                .collect(),
            series: number
                .is_multiple_of(7)
                .then(|| format!("series-{}", number % 70)),
            drop_auxiliary: number.is_multiple_of(5),
            ..Policy::default()
        },
        last_played: number.is_multiple_of(3).then(|| at(scatter(number))),
        in_use: number % 100 == 1,
        parts: vec![Part {
            name: "audio".to_owned(),
            blobs: (number * 10 + 10..number * 10 + 12).collect(),
        }],
        ..Item::new(
            format!("asset-{number:08}"),
            at(scatter(number) / 2),
            (number * 10..number * 10 + 10).collect(),
        )
    };
    Inventory {
        items: (0..items).map(item).collect(),
        blob_lengths: (0..blobs)
            .map(|number| 1_000_000 + u64::from(scatter(number) % 1_000_000))
            .collect(),
        ..Inventory::default()
    }
}

fn bench(c: &mut Criterion) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 23);
    for items in [1_000, 10_000, 100_000] {
        let inventory = inventory(items);
        let held: u64 = inventory.blob_lengths.iter().sum();
        let half = StorePolicy {
            max_bytes: Some(held / 2),
            ..StorePolicy::default()
        };
        let mut quotas = half.clone();
        let quota = TagPolicy {
            max_bytes: Some(held / 20),
            ..TagPolicy::default()
        };
        quotas.tags.insert("news".to_owned(), quota);
        let full = StorePolicy {
            max_bytes: Some(held),
            ..StorePolicy::default()
        };
        let film = Incoming {
            bytes: 3_000_000_000,
            ..Incoming::default()
        };

        let mut group = c.benchmark_group("storage-policy");
        group.throughput(Throughput::Elements(items.into()));
        group.bench_function(BenchmarkId::new("plan", items), |b| {
            b.iter(|| plan(black_box(&inventory), &half, now).unwrap());
        });
        group.bench_function(BenchmarkId::new("plan-quota", items), |b| {
            b.iter(|| plan(black_box(&inventory), &quotas, now).unwrap());
        });
        group.bench_function(BenchmarkId::new("room-for", items), |b| {
            b.iter(|| room_for(black_box(&inventory), &full, &film, now).unwrap());
        });
        group.bench_function(BenchmarkId::new("expiries", items), |b| {
            b.iter(|| expiries(black_box(&inventory), now));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
