//! Benchmarks of cache-inspect: a long asset, a large catalog, many boxes, media from the page cache.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark whose input is wrong should stop"
)]

use std::convert::Infallible;
use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, SystemTime};

use cache_inspect::media::ProblemKind;
use cache_inspect::media::mp4::{Boxes, fragments};
use cache_inspect::{
    AssetDescription, Catalog, File, Prerequisite, Reading, SegmentDescription, Track, TrackKind,
    VariantDescription, inspect, usage, verify,
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
                    track: None,
                })
                .collect(),
            ..AssetDescription::default()
        })
    }

    fn read(&self, _: &str, _: &str, _: &mut Vec<u8>) -> Result<Reading, Infallible> {
        Ok(Reading::Unreadable("there is no content".to_owned()))
    }
}

fn bench_usage(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache-inspect/usage");
    let now = SystemTime::now();
    group.sample_size(10);
    for (assets, files) in [(100, 100), (10_000, 10), (1_000, 100)] {
        let library = Library { assets, files };
        group.throughput(Throughput::Elements(u64::try_from(assets * files).unwrap()));
        let id = BenchmarkId::from_parameter(format!("{assets}x{files}"));
        group.bench_function(id, |b| b.iter(|| usage(black_box(&library), now).unwrap()));
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

/// Transport Stream packets of one video stream: tables, then PES packets of 100 packets each.
fn transport_stream(packets: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let table = |pid: [u8; 2], section: &[u8]| {
        let mut packet = vec![0x47, 0x40 | pid[0], pid[1], 0x10, 0];
        packet.extend(section);
        packet.resize(188, 0xff);
        packet
    };
    bytes.extend(table(
        [0, 0],
        &[
            0, 0xb0, 0x0d, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 0x2a, 0xb1, 0x04, 0xb2,
        ],
    ));
    bytes.extend(table(
        [0x10, 0],
        &[
            2, 0xb0, 0x12, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 0, 0x15, 0xbd,
            0x4d, 0x56,
        ],
    ));
    for number in 0..packets {
        let counter = u8::try_from(number % 16).unwrap();
        let starts = number % 100 == 0;
        bytes.extend([0x47, 1 | u8::from(starts) << 6, 0, 0x10 | counter]);
        let mut payload = vec![0xaa; 184];
        if starts {
            let ticks = number / 100 * 3_600;
            let byte = |shift: usize| u8::try_from(ticks >> shift & 0xff).unwrap();
            payload[..14].copy_from_slice(&[
                0,
                0,
                1,
                0xe0,
                0,
                0,
                0x80,
                0x80,
                5,
                0x21,
                byte(22),
                byte(14) | 1,
                byte(7),
                byte(0) << 1 | 1,
            ]);
        }
        bytes.extend(payload);
    }
    bytes
}

/// An initialization section for the track of `segment`.
fn init() -> Vec<u8> {
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let entry = boxed(*b"avc1", &[&[0; 78]]);
    let stsd = boxed(*b"stsd", &[&words(&[0, 1]), &entry]);
    let mdia = boxed(
        *b"mdia",
        &[
            &boxed(*b"mdhd", &[&words(&[0, 0, 0, 12_800, 0, 0])]),
            &boxed(*b"hdlr", &[&[0; 8], b"vide", &[0; 12]]),
            &boxed(*b"minf", &[&boxed(*b"stbl", &[&stsd])]),
        ],
    );
    let tkhd = boxed(*b"tkhd", &[&words(&[0, 0, 0, 1]), &[0; 60]]);
    let moov = boxed(*b"moov", &[&boxed(*b"trak", &[&tkhd, &mdia])]);
    [boxed(*b"ftyp", &[b"iso6", &[0; 4]]), moov].concat()
}

/// A folder of segments, which are in the page cache.
struct Folder {
    folder: tempfile::TempDir,
    asset: AssetDescription,
}

impl Folder {
    /// An asset of this segment, again and again.
    fn new(init: &[u8], segment: &[u8], segments: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("init"), init).unwrap();
        std::fs::write(folder.path().join("segment"), segment).unwrap();
        let track = Track {
            segments: (0..segments)
                .map(|_| SegmentDescription {
                    duration: Duration::from_secs(4),
                    present: true,
                    discontinuity: true,
                    path: "segment".to_owned(),
                    ..SegmentDescription::default()
                })
                .collect(),
            prerequisites: vec![Prerequisite {
                present: !init.is_empty(),
                path: "init".to_owned(),
                used_by: 0..usize::from(!init.is_empty()) * 1_000,
                ..Prerequisite::default()
            }],
            ..Track::default()
        };
        Self {
            folder,
            asset: AssetDescription {
                tracks: vec![track],
                ..AssetDescription::default()
            },
        }
    }
}

impl Catalog for Folder {
    type Error = std::io::Error;

    fn asset_ids(&self) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn asset(&self, _: &str) -> std::io::Result<AssetDescription> {
        Ok(self.asset.clone())
    }

    fn read(&self, _: &str, path: &str, into: &mut Vec<u8>) -> std::io::Result<Reading> {
        into.clear();
        std::fs::File::open(self.folder.path().join(path))?.read_to_end(into)?;
        Ok(Reading::Stored)
    }
}

fn bench_verify(c: &mut Criterion) {
    let mut group = c.benchmark_group("cache-inspect/verify");
    group.sample_size(20);
    // 10,000 samples of 400 bytes: much for the bytes that they have.
    let fragmented = segment(100, 100_000);
    let packets = transport_stream(22_000);
    for (name, init, bytes) in [
        ("fmp4", init(), fragmented.as_slice()),
        ("ts", Vec::new(), packets.as_slice()),
    ] {
        let folder = Folder::new(&init, bytes, 25);
        let found = verify(&folder, "").unwrap();
        // Times and durations were not made with care.
        let is_damage = |finding: &cache_inspect::MediaFinding| {
            !matches!(
                finding.problem.kind,
                ProblemKind::Duration | ProblemKind::TimeJump
            )
        };
        assert_eq!(
            found.findings.iter().find(|finding| is_damage(finding)),
            None
        );
        group.throughput(Throughput::Bytes(found.bytes));
        group.bench_function(name, |b| b.iter(|| verify(black_box(&folder), "").unwrap()));
    }
    group.finish();
}

criterion_group!(
    benches,
    bench_inspect,
    bench_usage,
    bench_boxes,
    bench_verify
);
criterion_main!(benches);
