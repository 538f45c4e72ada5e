//! Benchmarks of hls-parse beside m3u8-rs, on generated playlists.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hls_parse::{Context, Document, LocalKey, LocalMedia, Timeline, lines, parse};
use url::Url;

fn plain(segments: usize) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n",
    );
    for number in 0..segments {
        writeln!(text, "#EXTINF:6.006,\nvideo/1080p/segment_{number:06}.ts").unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// Dates and byte ranges on each segment, a new key on each tenth.
fn rich(segments: usize) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:0\n",
    );
    for number in 0..segments {
        if number % 10 == 0 {
            writeln!(
                text,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"keys/{number}.bin\",IV=0x{number:032x}"
            )
            .unwrap();
        }
        let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
        writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T{hour:02}:{minute:02}:{second:02}.000Z"
        )
        .unwrap();
        writeln!(
            text,
            "#EXTINF:6.006,\n#EXT-X-BYTERANGE:1048576@{}\nvideo/all.ts",
            number * 1_048_576
        )
        .unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn resolved(text: &str) -> Timeline {
    let context = Context::new(Url::parse("https://example.com/film/index.m3u8").unwrap());
    let parsed = parse(text.as_bytes()).unwrap();
    parsed
        .playlist
        .as_media()
        .unwrap()
        .resolve(&context)
        .unwrap()
}

struct Everything;

impl LocalMedia for Everything {
    fn segment(&self, index: usize) -> Option<String> {
        Some(format!("{index}.ts"))
    }

    fn map(&self, index: usize) -> Option<String> {
        Some(format!("{index}.mp4"))
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        Some(LocalKey::At(format!("{index}.key")))
    }
}

fn benchmarks(criterion: &mut Criterion) {
    let inputs = [
        ("plain-10k", plain(10_000)),
        ("plain-200k", plain(200_000)),
        ("rich-100k", rich(100_000)),
    ];
    for (operation, run) in [
        (
            "lines",
            (|text: &str| lines(text.as_bytes()).map(|line| line.text.len()).sum())
                as fn(&str) -> usize,
        ),
        ("parse", |text| {
            parse(text.as_bytes()).unwrap().diagnostics.len()
        }),
        ("parse-resolve", |text| resolved(text).segments().len()),
        ("m3u8-rs-parse", |text| {
            m3u8_rs::parse_media_playlist_res(text.as_bytes())
                .unwrap()
                .segments
                .len()
        }),
        ("document", |text| {
            Document::parse(text.as_bytes()).unwrap().len()
        }),
    ] {
        let mut group = criterion.benchmark_group(format!("hls-parse/{operation}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        for (name, text) in &inputs {
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(name), text, |bencher, text| {
                bencher.iter(|| run(black_box(text)));
            });
        }
        group.finish();
    }
    let mut group = criterion.benchmark_group("hls-parse/write-local");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for (name, text) in &inputs {
        let timeline = resolved(text);
        group.throughput(Throughput::Bytes(
            timeline.write_local(&Everything, true).len() as u64,
        ));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| timeline.write_local(&Everything, true));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
