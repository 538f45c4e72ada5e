//! One film out of stored segments: taken apart, laid out, written.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has no figure"
)]

use std::fmt::Write as _;
use std::path::Path;

use asset_store::{AssetId, Store};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use offline_cli::playback::export;
use offline_cli::session::{DownloadRequest, Network, Session};
use segment_fetch::testing::{Origin, Resource, Site};
use tokio::runtime::Runtime;

/// How often the segments of a stream follow each other: more than an hour of film in all.
const TIMES: usize = 1000;

/// A store with a stream of two segments repeated, the times of each repetition beginning anew.
fn stored(runtime: &Runtime, folder: &Path, stream: &str, ending: &str) -> (Store, AssetId) {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
    let read = |name: &str| std::fs::read(streams.join(stream).join("v").join(name)).unwrap();
    let site = Site::new();
    let mut playlist = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n");
    if ending == "m4s" {
        playlist.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n");
        site.route("/init.mp4", Resource::new(read("init.mp4")));
    }
    let segments = [1, 2].map(|number| read(&format!("{number}.{ending}")));
    for time in 0..TIMES {
        playlist.push_str("#EXT-X-DISCONTINUITY\n");
        for (number, bytes) in (1..).zip(&segments) {
            writeln!(playlist, "#EXTINF:2,\n{time}-{number}.{ending}").unwrap();
            site.route(
                &format!("/{time}-{number}.{ending}"),
                Resource::new(bytes.clone()),
            );
        }
    }
    playlist.push_str("#EXT-X-ENDLIST\n");
    site.route("/index.m3u8", Resource::new(playlist));
    let origin = Origin::serve(site).unwrap();
    let store = Store::open(folder.join("store")).unwrap();
    let session = Session::new(store.clone(), Network::new().unwrap());
    let request = DownloadRequest::new(origin.url("/index.m3u8"));
    let done = runtime.block_on(session.download(request, std::future::pending(), |_| {}));
    (store, done.unwrap().id)
}

fn films(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("export/mp4");
    group.sample_size(10);
    for (name, stream, ending) in [("ts", "ts", "ts"), ("fmp4", "fmp4", "m4s")] {
        let folder = tempfile::tempdir().unwrap();
        let (store, id) = stored(&runtime, folder.path(), stream, ending);
        let film = folder.path().join("film.mp4");
        let written = export::mp4(&store, &id, &film, |_| {}).unwrap();
        group.throughput(Throughput::Bytes(written.bytes));
        group.bench_function(format!("{name}/{}-segments", 2 * TIMES), |bencher| {
            bencher.iter_batched(
                || std::fs::remove_file(&film).unwrap_or_default(),
                |()| export::mp4(&store, &id, &film, |_| {}).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, films);
criterion_main!(benches);
