//! The session as a whole: from a loopback origin into a durable store, and out again.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has no figure"
)]

use std::hint::black_box;
use std::path::Path;

use asset_store::{AssetId, Store};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use offline_cli::playback::export;
use offline_cli::session::{DownloadRequest, Network, Session, library};
use segment_fetch::testing::{Origin, Resource, Site};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// An origin with a Media Playlist of segments of this length each.
fn origin(segments: usize, length: usize) -> Origin {
    let site = Site::new();
    let mut playlist = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    for index in 0..segments {
        playlist.push_str(&format!("#EXTINF:4,\ns{index}.ts\n"));
        let mut bytes = vec![0x47; length];
        bytes[..8].copy_from_slice(&(index as u64).to_be_bytes());
        site.route(&format!("/s{index}.ts"), Resource::new(bytes));
    }
    playlist.push_str("#EXT-X-ENDLIST\n");
    site.route("/media.m3u8", Resource::new(playlist));
    Origin::serve(site).unwrap()
}

fn download(runtime: &Runtime, store: &Store, origin: &Origin) -> AssetId {
    let session = Session::new(store.clone(), Network::new().unwrap());
    let request = DownloadRequest::new(origin.url("/media.m3u8"));
    runtime
        .block_on(session.download(request, std::future::pending(), |_| {}))
        .unwrap()
        .id
}

fn store(folder: &Path) -> Store {
    Store::open(folder.join("store")).unwrap()
}

fn session(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();

    let mut group = criterion.benchmark_group("session/download");
    group.sample_size(10);
    for (name, segments, length) in [("64x1MiB", 64, 1 << 20), ("500x20kB", 500, 20_000)] {
        let origin = origin(segments, length);
        group.throughput(Throughput::Bytes((segments * length) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || tempfile::tempdir().unwrap(),
                |folder| {
                    download(&runtime, &store(folder.path()), &origin);
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();

    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let origin = origin(2000, 2000);
    let id = download(&runtime, &store, &origin);

    let mut group = criterion.benchmark_group("session/nothing-to-do");
    group.sample_size(10);
    group.throughput(Throughput::Elements(2000));
    group.bench_function("2000", |bencher| {
        bencher.iter(|| download(&runtime, &store, &origin));
    });
    group.finish();

    let mut group = criterion.benchmark_group("session/inspect");
    group.throughput(Throughput::Elements(2000));
    group.bench_function("2000", |bencher| {
        bencher.iter(|| black_box(library::inspect(&store, &id).unwrap()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("session/export");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(2000 * 2000));
    group.bench_function("2000x2kB", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().unwrap(),
            |folder| {
                export::hls(&store, &id, &folder.path().join("out"), |_| {}).unwrap();
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// What the tool pays for words that nobody wants to read.
fn logging(criterion: &mut Criterion) {
    const EVENTS: u64 = 1000;
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_filter(EnvFilter::new("warn")));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut group = criterion.benchmark_group("session/logging");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("disabled", |bencher| {
        bencher.iter(|| {
            for number in 0..EVENTS {
                let url = black_box("https://example.com/segment.ts");
                tracing::debug!(target: "segment_fetch", url, number, "received");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, session, logging);
criterion_main!(benches);
