//! Playlists built anew.

use std::time::Duration;

use hls_parse::{
    ByteRange, Context, Decimal, ErrorKind, Key, KeyMethod, MediaPlaylistBuilder, Multivariant,
    NewSegment, ParseOptions, PlaylistType, Rendition, RenditionKind, Rule, Strictness, Variant,
};
use proptest::prelude::*;
use url::Url;

use crate::selection::RICH;
use crate::{multivariant, timeline};

fn segment(milliseconds: u64) -> NewSegment {
    NewSegment::new("a.ts", Duration::from_millis(milliseconds))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn version_and_target_are_computed() {
    let built = |change: &dyn Fn(&mut MediaPlaylistBuilder)| {
        let mut builder = MediaPlaylistBuilder::new();
        change(&mut builder);
        let text = builder.build().unwrap();
        let found = |tag: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(tag));
            line.map_or(1, |number| number.parse::<u64>().unwrap())
        };
        (found("#EXT-X-VERSION:"), found("#EXT-X-TARGETDURATION:"))
    };
    let key = Key::new(KeyMethod::Aes128, "k");
    let mut key_with_iv = key.clone();
    key_with_iv.iv = Some([1; 16]);
    assert_eq!(
        built(&|builder| {
            builder.segment(segment(6000));
        }),
        (1, 6)
    );
    assert_eq!(
        built(&|builder| {
            builder.key(&key).segment(segment(6000));
        }),
        (1, 6)
    );
    assert_eq!(
        built(&|builder| {
            builder.key(&key_with_iv).segment(segment(6000));
        }),
        (2, 6)
    );
    // Up to version 5 no duration may be above the target, not even a little.
    assert_eq!(
        built(&|builder| {
            builder.segment(segment(6001));
        }),
        (3, 7)
    );
    assert_eq!(
        built(&|builder| {
            builder.map("i", None).segment(segment(6001));
        }),
        (6, 6)
    );
    assert_eq!(
        built(&|builder| {
            builder.map("i", None).segment(segment(6500));
        }),
        (6, 7)
    );
    assert_eq!(
        built(&|builder| {
            builder.i_frames_only().segment(segment(1000));
        }),
        (4, 1)
    );
    assert_eq!(
        built(&|builder| {
            builder.variable("a", "").segment(segment(1000));
        }),
        (8, 1)
    );
    assert_eq!(
        built(&|builder| {
            builder.target_duration(9).segment(segment(1000));
        }),
        (1, 9)
    );
    let gap = || {
        let mut gap = segment(1000);
        gap.gap = true;
        gap
    };
    assert_eq!(
        built(&|builder| {
            builder.segment(gap());
        }),
        (8, 1)
    );
}

#[test]
fn tags_are_in_canonical_order() {
    let mut builder = MediaPlaylistBuilder::new();
    let mut key = Key::new(KeyMethod::Aes128, "k");
    key.iv = Some([0; 16]);
    let mut first = segment(4000);
    first.discontinuity = true;
    first.gap = true;
    first.bitrate = Some(900);
    first.title = Some("a, b".into());
    first.program_date_time = Some("2026-01-01T00:00:00Z".parse().unwrap());
    builder
        .media_sequence(7)
        .playlist_type(PlaylistType::Event)
        .key(&key)
        .map(
            "init",
            Some(ByteRange {
                start: 5,
                length: 10,
            }),
        )
        .segment(first)
        .no_key()
        .segment(segment(4000))
        .tag("#EXT-X-CUE-OUT:4");
    let expected = concat!(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PLAYLIST-TYPE:EVENT\n",
        "#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000000\n",
        "#EXT-X-MAP:URI=\"init\",BYTERANGE=\"10@5\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n",
        "#EXT-X-BITRATE:900\n#EXT-X-GAP\n#EXTINF:4,a, b\na.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\na.ts\n#EXT-X-CUE-OUT:4\n",
    );
    assert_eq!(builder.build().unwrap(), expected);
}

#[test]
fn what_is_forbidden_is_refused() {
    let refused = |change: &dyn Fn(&mut MediaPlaylistBuilder)| {
        let mut builder = MediaPlaylistBuilder::new();
        change(&mut builder);
        builder.build().unwrap_err()
    };
    let named = |uri: &str| NewSegment::new(uri, Duration::from_secs(1));
    for uri in ["", "#a", "a b", "a\nb", "a\r"] {
        let error = refused(&|builder| {
            builder.segment(named(uri));
        });
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{uri:?}");
    }
    let error = refused(&|builder| {
        builder.map("a\"b", None);
    });
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    let error = refused(&|builder| {
        builder.tag("EXT");
    });
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    let broken = |rule: Rule, change: &dyn Fn(&mut MediaPlaylistBuilder)| {
        let error = refused(change);
        assert_eq!(error.rule(), Some(rule), "{error}");
        assert_eq!(error.kind(), ErrorKind::RuleViolation);
    };
    broken(Rule::UndefinedVariable, &|builder| {
        builder.segment(named("{$a}"));
    });
    broken(Rule::DuplicateVariable, &|builder| {
        builder.variable("a", "1").variable("a", "2");
        builder.segment(segment(1000));
    });
    broken(Rule::MapKeyIv, &|builder| {
        builder
            .key(&Key::new(KeyMethod::Aes128, "k"))
            .map("i", None);
        builder.segment(segment(1000));
    });
    broken(Rule::MixedKinds, &|builder| {
        builder.tag("#EXT-X-STREAM-INF:BANDWIDTH=1");
        builder.segment(segment(1000));
    });
    broken(Rule::KeyUri, &|builder| {
        builder.key(&Key::new(KeyMethod::Aes128, ""));
        builder.segment(segment(1000));
    });
}

#[test]
fn a_multivariant_playlist_is_written_with_what_it_needs() {
    // Groups of a type have the same members.
    let lines = RICH.lines().filter(|line| !line.contains("GROUP-ID=\"b\""));
    let rich = lines.collect::<Vec<_>>().join("\n");
    let original = multivariant(&rich.replace("AUDIO=\"b\"", "AUDIO=\"a\""));
    let text = original
        .write(Some(&url("https://b.example.com/x")))
        .unwrap();
    assert!(text.contains("\nhighest\n") && text.contains("\nhttps://a.example.com/high\n"));
    let options = ParseOptions::default().strictness(Strictness::Strict);
    let parsed = hls_parse::parse_with(text.as_bytes(), &options).unwrap();
    let copy = parsed.playlist.as_multivariant().unwrap();
    let copy = copy
        .resolve(&Context::new(url("https://b.example.com/x")))
        .unwrap();
    let without_lines = |mut playlist: Multivariant| {
        let variants = playlist.variants.iter_mut();
        variants
            .chain(&mut playlist.i_frame_variants)
            .for_each(|variant| variant.line = 0);
        playlist
            .renditions
            .iter_mut()
            .for_each(|rendition| rendition.line = 0);
        (
            playlist.variants,
            playlist.i_frame_variants,
            playlist.renditions,
            playlist.content_steering,
        )
    };
    assert_eq!(without_lines(copy), without_lines(original));

    let mut playlist = Multivariant::new();
    let mut variant = Variant::new(url("https://example.com/v"), 1);
    variant.score = Some(Decimal::from_billionths(1_500_000_000));
    variant.set_audio(Some("a"));
    playlist.variants.push(variant);
    let error = playlist.write(None).unwrap_err();
    assert_eq!(error.rule(), Some(Rule::GroupExists));
    let mut audio = Rendition::new(RenditionKind::Audio, "a", "English");
    audio.set_instream_id(Some("7"));
    playlist.renditions.push(audio);
    assert!(
        playlist
            .write(None)
            .unwrap()
            .starts_with("#EXTM3U\n#EXT-X-VERSION:13\n")
    );
    playlist.renditions[0].set_name("a\"b");
    assert_eq!(
        playlist.write(None).unwrap_err().kind(),
        ErrorKind::InvalidValue
    );
}

#[test]
fn what_others_have_written_is_copied_with_the_rules_it_breaks() {
    let mut builder = MediaPlaylistBuilder::new();
    for _ in 0..2 {
        let mut segment = NewSegment::new("a.ts", Duration::from_secs(6));
        // The clock was set back.
        segment.program_date_time = Some("2026-01-01T00:00:00Z".parse().unwrap());
        builder.segment(segment);
    }
    assert_eq!(
        builder.build().unwrap_err().kind(),
        ErrorKind::RuleViolation
    );
    let copy = timeline(&builder.build_unjudged(3).unwrap().concat());
    let mut dates = copy
        .segments()
        .iter()
        .map(|segment| segment.program_date_time);
    assert_eq!(dates.next(), dates.next());
    builder.segment(NewSegment::new("two\nlines", Duration::from_secs(6)));
    assert_eq!(
        builder.build_unjudged(3).unwrap_err().kind(),
        ErrorKind::InvalidValue
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_built_is_what_was_given(segments in proptest::collection::vec(
        (1..20_000_000_000u64, any::<bool>(), any::<bool>(), prop::option::of((0..3u64, 1..3u64)), prop::option::weighted(0.3, 0..3u8)), 0..20)) {
        let mut builder = MediaPlaylistBuilder::new();
        builder.end_list();
        let mut keys = Vec::new();
        let mut current = None;
        for (nanoseconds, discontinuity, gap, range, key) in &segments {
            match key {
                Some(0) => { builder.no_key(); current = None; }
                Some(number) => {
                    let mut key = Key::new(KeyMethod::Aes128, format!("k{number}"));
                    key.iv = Some([*number; 16]);
                    builder.key(&key);
                    current = Some(*number);
                }
                None => {}
            }
            keys.push(current);
            let mut segment = NewSegment::new("all", Duration::from_nanos(*nanoseconds));
            segment.discontinuity = *discontinuity;
            segment.gap = *gap;
            segment.byte_range = range.map(|(start, length)| ByteRange { start, length });
            builder.segment(segment);
        }
        let text = builder.build().unwrap();
        let copy = timeline(&text);
        prop_assert_eq!(copy.segments().len(), segments.len());
        for (index, (segment, given)) in copy.segments().iter().zip(&segments).enumerate() {
            prop_assert_eq!(segment.duration, Duration::from_nanos(given.0));
            prop_assert_eq!((segment.discontinuity, segment.gap), (given.1, given.2));
            prop_assert_eq!(segment.byte_range, given.3.map(|(start, length)| ByteRange { start, length }));
            let iv = copy.segment_keys(index).first().and_then(|&key| copy.keys()[key].iv);
            prop_assert_eq!(iv, keys[index].map(|number| [number; 16]));
        }
        prop_assert!(hls_parse::parse_with(text.as_bytes(), &ParseOptions::default().strictness(Strictness::Strict)).is_ok());
    }
}
