//! Media on its way out: samples decrypted, by one core.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has no figure"
)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use offline_cli::media::clear_samples;

const KEY: [u8; 16] = [9; 16];
const SAMPLE: usize = 15_000;
const SAMPLES: usize = 200;

/// Bytes that look like what an encoder makes, without start codes.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3] | 1
    };
    (0..length).map(next).collect()
}

/// 200 slices of H.264 in a Transport Stream.
fn transport_stream() -> Vec<u8> {
    let packet = |pid: u16, start: bool, counter: usize, payload: &[u8]| {
        let [high, low] = pid.to_be_bytes();
        let counter = u8::try_from(counter % 16).unwrap();
        let mut packet = vec![
            0x47,
            high | if start { 0x40 } else { 0 },
            low,
            0x10 | counter,
        ];
        let room = 184 - payload.len();
        if room > 0 {
            packet[3] |= 0x20;
            packet.push(u8::try_from(room - 1).unwrap());
            packet.extend((1..room).map(|at| if at == 1 { 0 } else { 0xff }));
        }
        packet.extend_from_slice(payload);
        packet
    };
    let association = [0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0, 0, 0, 0, 0];
    let map = [
        0, 2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, 0xdb, 0xe1, 1, 0xf0, 0, 0, 0, 0, 0,
    ];
    let mut bytes = packet(0, true, 0, &association);
    bytes.extend(packet(0x100, true, 0, &map));
    let mut counter = 0;
    for _ in 0..SAMPLES {
        let mut pes = vec![0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, 0, 0, 0, 1, 0x41];
        pes.extend(noise(SAMPLE));
        for (index, payload) in pes.chunks(184).enumerate() {
            bytes.extend(packet(0x101, index == 0, counter, payload));
            counter += 1;
        }
    }
    bytes
}

fn boxed(kind: [u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let payload = parts.concat();
    let mut bytes = u32::try_from(payload.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend(kind);
    bytes.extend(payload);
    bytes
}

/// An initialization section for one encrypted track.
fn initialization(scheme: [u8; 4]) -> Vec<u8> {
    let constant = scheme == *b"cbcs";
    let mut tenc = vec![
        1,
        0,
        0,
        0,
        0,
        if constant { 0x19 } else { 0 },
        1,
        if constant { 0 } else { 8 },
    ];
    tenc.extend([1; 16]);
    if constant {
        tenc.push(16);
        tenc.extend([3; 16]);
    }
    let sinf = boxed(
        *b"sinf",
        &[
            boxed(*b"frma", &[b"avc1".to_vec()]),
            boxed(*b"schm", &[vec![0; 4], scheme.to_vec(), vec![0, 1, 0, 0]]),
            boxed(*b"schi", &[boxed(*b"tenc", &[tenc])]),
        ],
    );
    let entries = vec![
        vec![0, 0, 0, 0, 0, 0, 0, 1],
        boxed(*b"encv", &[vec![0; 78], sinf]),
    ];
    let media = boxed(
        *b"mdia",
        &[
            boxed(
                *b"mdhd",
                &[vec![0; 12], 90_000_u32.to_be_bytes().to_vec(), vec![0; 8]],
            ),
            boxed(*b"hdlr", &[vec![0; 8], b"vide".to_vec(), vec![0; 13]]),
            boxed(*b"minf", &[boxed(*b"stbl", &[boxed(*b"stsd", &entries)])]),
        ],
    );
    let header = boxed(*b"tkhd", &[vec![0; 12], vec![0, 0, 0, 1], vec![0; 68]]);
    boxed(
        *b"moov",
        &[
            boxed(*b"mvhd", &[vec![0; 100]]),
            boxed(*b"trak", &[header, media]),
        ],
    )
}

/// A fragment of 200 samples with 100 clear bytes each.
fn fragment(iv_size: usize) -> Vec<u8> {
    let mut senc = vec![0, 0, 0, 2];
    senc.extend(u32::try_from(SAMPLES).unwrap().to_be_bytes());
    for _ in 0..SAMPLES {
        senc.extend(vec![5; iv_size]);
        senc.extend([0, 1, 0, 100]);
        senc.extend(u32::try_from(SAMPLE - 100).unwrap().to_be_bytes());
    }
    let size = u32::try_from(SAMPLE).unwrap().to_be_bytes();
    let moof = |offset: usize| {
        boxed(
            *b"moof",
            &[boxed(
                *b"traf",
                &[
                    boxed(*b"tfhd", &[vec![0, 2, 0, 0x10, 0, 0, 0, 1], size.to_vec()]),
                    boxed(
                        *b"trun",
                        &[
                            vec![0, 0, 0, 1],
                            u32::try_from(SAMPLES).unwrap().to_be_bytes().to_vec(),
                            u32::try_from(offset).unwrap().to_be_bytes().to_vec(),
                        ],
                    ),
                    boxed(*b"senc", &[senc.clone()]),
                ],
            )],
        )
    };
    let mut bytes = moof(moof(0).len() + 8);
    bytes.extend(boxed(*b"mdat", &[noise(SAMPLE * SAMPLES)]));
    bytes
}

fn decryption(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("media/clear-samples");
    let inputs = [
        ("sample-aes-ts/3MB", transport_stream(), None),
        ("cbcs/3MB", fragment(0), Some(initialization(*b"cbcs"))),
        ("cenc/3MB", fragment(8), Some(initialization(*b"cenc"))),
    ];
    for (name, segment, map) in inputs {
        group.throughput(Throughput::Bytes(segment.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || segment.clone(),
                |mut bytes| {
                    clear_samples(&mut bytes, map.as_deref(), KEY, Some([3; 16])).unwrap();
                    bytes
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, decryption);
criterion_main!(benches);
