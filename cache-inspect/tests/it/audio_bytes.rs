//! Packed audio, made byte by byte.

/// Frames of AAC with 25 bytes each.
pub(crate) fn adts(sample_rate: u32, frames: usize) -> Vec<u8> {
    let code = match sample_rate {
        48_000 => 3,
        44_100 => 4,
        _ => 5,
    };
    let mut frame = vec![0xff, 0xf1, 0x40 | code << 2, 0x80, 0b11, 0b001_11111, 0xfc];
    frame.resize(25, 0);
    frame.repeat(frames)
}

/// Behind an ID3 tag of 73 bytes with this time.
pub(crate) fn tagged(ticks: u64, audio: &[u8]) -> Vec<u8> {
    let frame = [
        b"PRIV\0\0\0\x35\0\0com.apple.streaming.transportStreamTimestamp\0".as_slice(),
        &ticks.to_be_bytes(),
    ]
    .concat();
    let size = u8::try_from(frame.len()).unwrap();
    [b"ID3\x04\0\0\0\0\0".as_slice(), &[size], &frame, audio].concat()
}
