//! Benchmarks of asset-store: durable ingest against the simple ways, listing, opening.
#![expect(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use asset_store::{AssetId, EntryAttributes, PartialKey, Store};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use tempfile::TempDir;

/// Commits under way at the same time, as a download has them.
const IN_FLIGHT: usize = 64;

const CASES: [(&str, usize, usize); 2] = [("1MB-x64", 1_000_000, 64), ("20kB-x500", 20_000, 500)];

fn files(size: usize, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let mut bytes = vec![0; size];
            blake3::Hasher::new()
                .update(&number.to_le_bytes())
                .finalize_xof()
                .fill(&mut bytes);
            bytes
        })
        .collect()
}

/// In the build folder, since the temporary folder may lie in memory.
fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn group_commit(store: &Store, files: &[Vec<u8>]) {
    let writer = store.writer(&AssetId::new("film").unwrap()).unwrap();
    let mut under_way = std::collections::VecDeque::new();
    for (number, bytes) in files.iter().enumerate() {
        let mut partial = writer
            .partial(&PartialKey::new(number.to_string()))
            .unwrap();
        partial.begin(0, None, None).unwrap();
        for piece in bytes.chunks(64 << 10) {
            partial.append(piece).unwrap();
        }
        let attributes = EntryAttributes::new("segment");
        under_way.push_back(writer.commit(partial, &format!("{number}.ts"), attributes));
        if under_way.len() == IN_FLIGHT {
            under_way.pop_front().unwrap().wait().unwrap();
        }
    }
    for commit in under_way {
        commit.wait().unwrap();
    }
    writer.seal().unwrap();
}

#[derive(Clone, Copy)]
enum Sync {
    EachFile,
    OnceAtTheEnd,
}

/// Temporary file, hash, rename: the loop that one writes first.
fn simple_loop(folder: &Path, files: &[Vec<u8>], sync: Sync) {
    for bytes in files {
        let temporary = folder.join("temporary");
        let mut file = File::create(&temporary).unwrap();
        file.write_all(bytes).unwrap();
        let name = blake3::hash(bytes).to_hex();
        let shard = folder.join(&name[..2]);
        fs::create_dir_all(&shard).unwrap();
        if let Sync::EachFile = sync {
            file.sync_data().unwrap();
        }
        fs::rename(&temporary, shard.join(&name[..])).unwrap();
        if let Sync::EachFile = sync {
            File::open(&shard).unwrap().sync_all().unwrap();
        }
    }
    if let Sync::OnceAtTheEnd = sync {
        // The standard library has no sync of a file system.
        let done = Command::new("sync").arg("-f").arg(folder).status().unwrap();
        assert!(done.success());
    }
}

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
