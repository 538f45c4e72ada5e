//! Benchmarks of cache-inspect: a long asset, a large catalog, many boxes.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark whose input is wrong should stop"
)]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use cache_inspect::media::mp4::{Boxes, fragments};
use cache_inspect::{
    AssetDescription, Catalog, File, Prerequisite, SegmentDescription, Track, TrackKind,
    VariantDescription, inspect, usage,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Two variants, two audio renditions and one of subtitles. One segment in 97 is missing; keys change
/// every tenth segment and one of them is missing.
fn asset(segments: u32) -> AssetDescription {
    let length = Duration::from_secs(6);
    let track = |kind| Track {
        kind,
        selected: true,
        segments: (0..segments)
            .map(|number| SegmentDescription {
                start: length * number,
                duration: length,
                present: number % 97 != 96,
                url: format!("https://media.example/a/long/path/to/{number:06}.m4s"),
                ..SegmentDescription::default()
            })
            .collect(),
        prerequisites: (0..usize::try_from(segments).unwrap())
            .step_by(10)
            .map(|first| Prerequisite {
                present: first != 500,
                used_by: first..first + 10,
                ..Prerequisite::default()
            })
            .collect(),
        ..Track::default()
    };
    let variant = |own| VariantDescription {
        tracks: vec![own],
        audio: vec![2, 3],
        audio_required: true,
        subtitles: vec![4],
        ..VariantDescription::default()
    };
    let kinds = [
        TrackKind::Main,
        TrackKind::Main,
        TrackKind::Audio,
        TrackKind::Audio,
        TrackKind::Subtitles,
    ];
    AssetDescription {
        complete: true,
        variants: vec![variant(0), variant(1)],
        tracks: kinds.map(track).into(),
        ..AssetDescription::default()
    }
}

fn bench_inspect(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache-inspect/inspect");
    for segments in [100, 10_000] {
        let asset = asset(segments);
        group.throughput(Throughput::Elements(u64::from(segments) * 5));
        let id = BenchmarkId::from_parameter(format!("{segments}x5"));
        group.bench_function(id, |b| b.iter(|| inspect(black_box(&asset))));
    }
    group.finish();
}

/// Assets of this many files, of which a tenth is also in the next asset. Descriptions are made
/// when asked for, as a real catalog would.
struct Library {
    assets: usize,
    files: usize,
}

impl Catalog for Library {
    type Error = Infallible;

    fn asset_ids(&self) -> Result<Vec<String>, Infallible> {
        Ok((0..self.assets).map(|number| number.to_string()).collect())
    }

    fn asset(&self, id: &str) -> Result<AssetDescription, Infallible> {
        let first = id.parse::<usize>().unwrap_or_default() * self.files * 9 / 10;
        Ok(AssetDescription {
            id: id.to_owned(),
            files: (first..first + self.files)
                .map(|blob| File {
                    path: format!("video/{blob}.m4s"),
                    blob: format!("{blob:064x}"),
                    length: 1_000_000,
                    role: "segment".to_owned(),
                })
                .collect(),
            ..AssetDescription::default()
        })
    }
}

fn bench_usage(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache-inspect/usage");
    group.sample_size(10);
    for (assets, files) in [(100, 100), (10_000, 10), (1_000, 100)] {
        let library = Library { assets, files };
        group.throughput(Throughput::Elements(u64::try_from(assets * files).unwrap()));
        let id = BenchmarkId::from_parameter(format!("{assets}x{files}"));
        group.bench_function(id, |b| b.iter(|| usage(black_box(&library)).unwrap()));
    }
    group.finish();
}

fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let size = u32::try_from(payload.len() + 8).unwrap();
    [&size.to_be_bytes(), kind.as_slice(), &payload].concat()
}

/// Fragments of 100 samples each, with this many bytes of media.
fn segment(fragments: usize, media: usize) -> Vec<u8> {
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let mut run = vec![0x301, 100, 0];
    run.extend([512, 1_000].repeat(100));
    let traf = boxed(
        *b"traf",
        &[
            &boxed(*b"tfhd", &[&words(&[0x02_0000, 1])]),
            &boxed(*b"tfdt", &[&words(&[0, 0])]),
            &boxed(*b"trun", &[&words(&run)]),
        ],
    );
    let mfhd = boxed(*b"mfhd", &[&words(&[0, 1])]);
    let moof = boxed(*b"moof", &[&mfhd, &traf]);
    [moof, boxed(*b"mdat", &[&vec![0; media]])]
        .concat()
        .repeat(fragments)
}

fn bench_boxes(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache-inspect/boxes");
    // The worst case: nothing but small boxes.
    let small = boxed(*b"free", &[]).repeat(100_000);
    group.throughput(Throughput::Bytes(small.len().try_into().unwrap()));
    group.bench_function("walk/100000", |b| {
        b.iter(|| {
            let found = Boxes::new(black_box(&small)).map_while(Result::ok);
            found.map(|found| found.size()).sum::<u64>()
        });
    });
    for (name, bytes) in [
        ("fragments/no-media", segment(1_000, 0)),
        ("fragments/100kB-each", segment(100, 100_000)),
    ] {
        group.throughput(Throughput::Bytes(bytes.len().try_into().unwrap()));
        group.bench_function(name, |b| {
            b.iter(|| {
                let found = fragments(black_box(&bytes)).map(Result::unwrap);
                found.map(|fragment| fragment.tracks[0].ticks).sum::<u64>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench_inspect, bench_usage, bench_boxes);
criterion_main!(benches);
