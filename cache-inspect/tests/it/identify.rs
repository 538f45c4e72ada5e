//! What bytes are.

use cache_inspect::media::{Container, identify};

use crate::mp4_bytes::{boxed, init, segment};

fn packets(count: usize) -> Vec<u8> {
    let mut packet = [0xff; 188];
    packet[0] = 0x47;
    packet.repeat(count)
}

/// An ADTS frame of this many bytes.
fn adts(length: u16) -> Vec<u8> {
    let [high, low] = (length << 5).to_be_bytes();
    let top = u8::try_from(length >> 11).unwrap();
    let mut frame = vec![0xff, 0xf1, 0x4c, 0x80 | top, high, low | 0x1f, 0xfc];
    frame.resize(length.into(), 0);
    frame
}

/// An ID3 tag with this many bytes of content.
fn id3(length: u8) -> Vec<u8> {
    let mut tag = b"ID3\x04\0\0\0\0\0".to_vec();
    tag.push(length);
    tag.resize(10 + usize::from(length), 0);
    tag
}

#[test]
fn every_container_by_its_start() {
    let mp3 = [0xff, 0xfb, 0x90, 0x64, 0, 0];
    let tagged = |audio: &[u8]| [&id3(63), audio].concat();
    let cases: Vec<(Vec<u8>, Container)> = vec![
        (packets(1), Container::MpegTs),
        (packets(7), Container::MpegTs),
        (init(), Container::Mp4),
        (segment(), Container::Mp4),
        (boxed(*b"sidx", &[&[0; 32]]), Container::Mp4),
        ([adts(200), adts(190)].concat(), Container::Adts),
        (tagged(&adts(200)), Container::Adts),
        ([id3(5), id3(6), adts(8)].concat(), Container::Adts),
        (mp3.to_vec(), Container::Mp3),
        (tagged(&mp3), Container::Mp3),
        (vec![0x0b, 0x77, 0, 0, 0, 8 << 3], Container::Ac3),
        (vec![0x0b, 0x77, 0, 0, 0, 16 << 3], Container::Eac3),
        (id3(40), Container::Id3),
        (tagged(b"something else"), Container::Id3),
        (b"WEBVTT".to_vec(), Container::WebVtt),
        (
            b"\xef\xbb\xbfWEBVTT - title\r\nX-TIMESTAMP-MAP=LOCAL:0".to_vec(),
            Container::WebVtt,
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), Container::Png),
        (b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(), Container::Jpeg),
        ([b"GIF89a".as_slice(), &packets(1)].concat(), Container::Gif),
        (b"\n\t <!DOCTYPE HTML PUBLIC>".to_vec(), Container::Html),
        (b"\xef\xbb\xbf<html lang=en>".to_vec(), Container::Html),
    ];
    for (bytes, container) in cases {
        assert_eq!(
            identify(&bytes),
            container,
            "{:?}",
            &bytes[..bytes.len().min(32)]
        );
    }
}

#[test]
fn what_only_looks_like_it() {
    let mut lost_sync = packets(4);
    lost_sync[2 * 188] = 0;
    let not_next = [adts(20), vec![0; 20]].concat();
    let cases: [&[u8]; 14] = [
        b"",
        b"G",
        &packets(1)[..187],
        &lost_sync,
        b"\0\0\0\x07ftypisom",
        b"\0\0\0\x20junkisom",
        b"\0\0\0\x20moo",
        &not_next,
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"ID3\x04\0\0\xff\xff\xff\xff",
        b"WEBVTTX",
        b"\x0b\x77\0\0\0\xff",
        b"\x0b\x77",
        b"<?xml version=\"1.0\"?>",
    ];
    for bytes in cases {
        assert_eq!(
            identify(bytes),
            Container::Unknown,
            "{:?}",
            &bytes[..bytes.len().min(32)]
        );
    }
}

#[test]
fn names_are_for_people_and_codes_for_programs() {
    assert_eq!(Container::MpegTs.to_string(), "MPEG-TS");
    assert_eq!(
        serde_json::to_string(&Container::MpegTs).unwrap(),
        r#""mpeg_ts""#
    );
    assert!(Container::MpegTs.is_segment());
    assert!(!Container::Html.is_segment());
}
