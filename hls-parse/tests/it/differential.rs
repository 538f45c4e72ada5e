//! The same answers as m3u8-rs, on playlists that it reads rightly.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::{multivariant, timeline};

#[derive(Debug, Clone)]
struct Piece {
    milliseconds: u32,
    title: Option<String>,
    uri: String,
    range: Option<(u32, u32)>,
    discontinuity: bool,
    key: bool,
}

fn piece() -> impl Strategy<Value = Piece> {
    (
        0..100_000u32,
        prop::option::of("[a-z]{1,8}"),
        "[a-z0-9]{1,8}(/[a-z]{1,5}){0,2}\\.ts",
        prop::option::of((any::<u32>(), any::<u32>())),
        any::<bool>(),
        prop::bool::weighted(0.3),
    )
        .prop_map(
            |(milliseconds, title, uri, range, discontinuity, key)| Piece {
                milliseconds,
                title,
                uri,
                range,
                discontinuity,
                key,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn media_playlists_agree(pieces in proptest::collection::vec(piece(), 1..30), sequence in 0..=u32::MAX, ended in any::<bool>()) {
        let mut text = format!("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:100\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
        for (number, piece) in pieces.iter().enumerate() {
            if piece.discontinuity {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if piece.key {
                writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"k{number}\",IV=0x{number:032x}").unwrap();
            }
            if let Some((length, offset)) = piece.range {
                writeln!(text, "#EXT-X-BYTERANGE:{length}@{offset}").unwrap();
            }
            let (seconds, rest) = (piece.milliseconds / 1000, piece.milliseconds % 1000);
            writeln!(text, "#EXTINF:{seconds}.{rest:03},{}\n{}", piece.title.as_deref().unwrap_or_default(), piece.uri).unwrap();
        }
        if ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
        let ours = timeline(&text);
        prop_assert_eq!(ours.media_sequence(), theirs.media_sequence);
        prop_assert_eq!(ours.has_end_list(), theirs.end_list);
        prop_assert_eq!(ours.segments().len(), theirs.segments.len());
        let mut key = None;
        for (index, (one, other)) in ours.segments().iter().zip(&theirs.segments).enumerate() {
            prop_assert_eq!(ours.segment_uri(index), other.uri.as_str());
            prop_assert_eq!(ours.segment_title(index), other.title.as_deref());
            prop_assert!((one.duration.as_secs_f32() - other.duration).abs() < 1e-3);
            prop_assert_eq!(one.discontinuity, other.discontinuity);
            let range = other.byte_range.as_ref().map(|range| (range.offset, range.length));
            prop_assert_eq!(one.byte_range.map(|range| (Some(range.start), range.length)), range);
            key = other.key.as_ref().and_then(|key| key.uri.clone()).or(key);
            let current = ours.segment_keys(index).first().map(|&number| ours.keys()[number].uri.clone());
            prop_assert_eq!(current.as_deref(), key.as_deref());
        }
    }

    #[test]
    fn multivariant_playlists_agree(list in proptest::collection::vec((any::<u32>(), 1..8000u32, 1..8000u32, "[a-z]{1,9}", "[a-z]{1,9}\\.m3u8"), 1..20)) {
        let mut text = String::from("#EXTM3U\n");
        for (bandwidth, width, height, codecs, uri) in &list {
            writeln!(text, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height},CODECS=\"{codecs}\"\n{uri}").unwrap();
        }
        let theirs = m3u8_rs::parse_master_playlist_res(text.as_bytes()).unwrap();
        let ours = multivariant(&text);
        prop_assert_eq!(ours.variants.len(), theirs.variants.len());
        for (one, other) in ours.variants.iter().zip(&theirs.variants) {
            prop_assert_eq!(one.bandwidth, Some(other.bandwidth));
            prop_assert_eq!(one.codecs(), other.codecs.as_deref());
            prop_assert_eq!(one.resolution.map(|size| (size.width, size.height)), other.resolution.map(|size| (size.width, size.height)));
            prop_assert!(one.url().path().ends_with(&other.uri));
        }
    }
}
