//! Resolution: ranges, keys, maps, numbers, times, variables, URLs.

use hls_parse::{
    ByteRange, ClosedCaptions, Context, ErrorKind, HdcpLevel, KeyMethod, ResourceKind, Variant,
    VideoRange,
};
use proptest::prelude::*;
use url::Url;

use crate::{context, media, multivariant, multivariant_playlist, resolved, timeline};

fn kind(text: &str) -> ErrorKind {
    resolved(text).unwrap_err().kind()
}

#[test]
fn implicit_ranges_follow_the_segment_before() {
    let timeline = timeline(
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:7\n./a\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\nb\n",
    );
    let ranges: Vec<_> = timeline
        .segments()
        .iter()
        .map(|segment| segment.byte_range.unwrap())
        .collect();
    let range = |start, length| ByteRange { start, length };
    assert_eq!(ranges, [range(5, 10), range(15, 7), range(0, 1)]);
}

#[test]
fn ranges_that_cannot_be_known_name_their_line() {
    for text in [
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:10@0\nb\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:10@0\na\n#EXTINF:1,\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:9@18446744073709551600\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
    ] {
        let error = resolved(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidByteRange);
        let line = text
            .lines()
            .position(|line| line == "#EXT-X-BYTERANGE:10")
            .unwrap()
            + 1;
        assert_eq!(error.line(), u32::try_from(line).ok(), "{text}");
    }
}

#[test]
fn keys_are_kept_by_format_until_replaced_or_none() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXTINF:1,\nclear\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://Asset 1\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
        "#EXTINF:1,\nboth\n",
        "#EXT-X-DISCONTINUITY\n#EXTINF:1,\nstill both\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k2\",IV=0x1566B\n#EXTINF:1,\nreplaced\n",
        "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nnone\n",
        "#EXTINF:1,\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\nagain\n",
    ));
    let sets: Vec<&[usize]> = (0..6).map(|index| timeline.segment_keys(index)).collect();
    assert_eq!(
        sets,
        [&[] as &[usize], &[0, 1], &[0, 1], &[1, 2], &[], &[0]]
    );
    assert_eq!(timeline.keys()[0].method, KeyMethod::Aes128);
    assert_eq!(timeline.keys()[1].uri, "skd://Asset 1");
    assert_eq!(
        timeline.keys()[2].iv.map(u128::from_be_bytes),
        Some(0x1566B)
    );
    assert_eq!(timeline.protection(), None);
}

#[test]
fn the_iv_is_explicit_or_the_media_sequence_number() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551614\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xff\n",
        "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k\",KEYFORMAT=\"other\"\n",
    ));
    let iv = |segment, key| timeline.segment_iv(segment, key).map(u128::from_be_bytes);
    assert_eq!(iv(0, 0), Some(u128::from(u64::MAX) - 1));
    assert_eq!(iv(1, 0), Some(u128::from(u64::MAX)));
    assert_eq!(iv(1, 1), Some(0xff));
    assert_eq!(iv(1, 2), None);
}

#[test]
fn a_map_has_the_keys_at_its_tag() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-MAP:URI=\"init\",BYTERANGE=\"10@2\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXTINF:1,\na\n",
        "#EXTINF:1,\n#EXT-X-MAP:URI=\"init\",BYTERANGE=\"10@2\"\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nc\n",
    ));
    assert_eq!(timeline.maps().len(), 2);
    assert_eq!(
        timeline.maps()[0].byte_range,
        Some(ByteRange {
            start: 2,
            length: 10
        })
    );
    assert_eq!(
        (
            timeline.maps()[0].keys.as_slice(),
            timeline.maps()[1].keys.as_slice()
        ),
        (&[] as &[usize], &[0_usize] as &[usize])
    );
    let maps: Vec<_> = timeline
        .segments()
        .iter()
        .map(|segment| segment.map)
        .collect();
    assert_eq!(maps, [Some(0), Some(1), Some(1)]);
}

#[test]
fn numbers_times_and_dates() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-BITRATE:500\n",
        "#EXTINF:1.1,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:10.5+01:00\n#EXTINF:2.2,\nb\n",
        "#EXT-X-GAP\n#EXTINF:3.3,\n#EXT-X-BYTERANGE:1@1\nc\n",
    ));
    let segments = timeline.segments();
    let numbers: Vec<_> = segments
        .iter()
        .map(|segment| (segment.media_sequence_number, segment.discontinuity_number))
        .collect();
    assert_eq!(numbers, [(7, 3), (8, 4), (9, 4)]);
    let starts: Vec<_> = segments
        .iter()
        .map(|segment| segment.start.as_millis())
        .collect();
    assert_eq!(starts, [0, 1100, 3300]);
    assert_eq!(timeline.duration().as_nanos(), 6_600_000_000);
    let dates: Vec<String> = segments
        .iter()
        .map(|segment| segment.program_date_time.unwrap().to_string())
        .collect();
    assert_eq!(
        dates,
        [
            "2025-12-31T23:00:09.4Z",
            "2025-12-31T23:00:10.5Z",
            "2025-12-31T23:00:12.7Z"
        ]
    );
    assert_eq!(
        segments
            .iter()
            .map(|segment| segment.has_stated_date)
            .collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(
        segments
            .iter()
            .map(|segment| segment.bitrate)
            .collect::<Vec<_>>(),
        [Some(500), Some(500), None]
    );
    assert_eq!(
        segments
            .iter()
            .map(|segment| segment.gap)
            .collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn urls_are_resolved_as_rfc_3986_says() {
    let cases = [
        ("a.ts", "https://example.com/film/a.ts"),
        ("../b.ts?x=1", "https://example.com/b.ts?x=1"),
        ("/c", "https://example.com/c"),
        ("?d", "https://example.com/film/index.m3u8?d"),
        ("//cdn.example/e", "https://cdn.example/e"),
        ("http://other.example/f#part", "http://other.example/f"),
        ("with space.ts", "https://example.com/film/with%20space.ts"),
        ("\u{e9}.ts", "https://example.com/film/%C3%A9.ts"),
    ];
    let list = cases
        .iter()
        .map(|(uri, _)| format!("#EXTINF:1,\n{uri}\n"))
        .collect::<Vec<_>>()
        .concat();
    let timeline = timeline(&format!("#EXTM3U\n{list}"));
    for (index, (_, url)) in cases.iter().enumerate() {
        assert_eq!(timeline.segment_url(index).as_str(), *url);
    }
    for bad in ["http://", "//", "https://[::1", "\\\\", "http://exa mple/"] {
        assert_eq!(
            kind(&format!(
                "#EXTM3U\n#EXTINF:1,\nhttp://good.example/\n#EXTINF:1,\n{bad}\n"
            )),
            ErrorKind::InvalidUrl,
            "{bad}"
        );
    }
    let opaque = Context::new(Url::parse("data:text/plain,x").unwrap());
    assert_eq!(
        media("#EXTM3U\n#EXTINF:1,\na\n")
            .resolve(&opaque)
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidUrl
    );
}

#[test]
fn variables_come_from_names_imports_and_the_query() {
    let outer = multivariant(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"cdn.example\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{$host}\"\nhttps://{$host}/v.m3u8\n",
    );
    assert_eq!(
        outer.variants[0].url().as_str(),
        "https://cdn.example/v.m3u8"
    );
    assert_eq!(outer.variants[0].codecs(), Some("cdn.example"));
    let text = concat!(
        "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-DEFINE:NAME=\"raw\",VALUE=\"{$token}{\"\n",
        "#EXT-X-MAP:URI=\"//{$host}/init\"\n#EXTINF:1,{$title}\n//{$host}/{$token}?{$raw}$host}{$\n",
    );
    let timeline = media(text)
        .resolve(&context().with_imports(outer.variables()))
        .unwrap();
    assert_eq!(timeline.segment_uri(0), "//cdn.example/a/b?a/b{$host}{$");
    assert_eq!(timeline.segment_title(0), Some("{$title}"));
    assert_eq!(timeline.maps()[0].url.as_str(), "https://cdn.example/init");
    assert_eq!(kind(text), ErrorKind::UndefinedVariable);
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"empty\"\n#EXTINF:1,\na\n"),
        ErrorKind::UndefinedVariable
    );
    assert_eq!(
        kind("#EXTM3U\n#EXTINF:1,\n{$a}\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n"),
        ErrorKind::UndefinedVariable
    );
}

#[test]
fn each_resource_is_listed_once_in_order_of_need() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"init\"\n#EXTINF:1,\na#x\n#EXT-X-GAP\n#EXTINF:1,\ngap\n#EXTINF:1,\na\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
        "#EXTINF:1,\n#EXT-X-BYTERANGE:3@0\na\n#EXT-X-MAP:URI=\"unused\"\n",
    ));
    let resources = timeline.resources();
    let kinds: Vec<_> = resources.iter().map(|resource| resource.kind).collect();
    assert_eq!(
        kinds,
        [
            ResourceKind::Key(0),
            ResourceKind::Map(0),
            ResourceKind::Segment(0),
            ResourceKind::Segment(3)
        ]
    );
    assert_eq!(
        resources[0].users,
        [ResourceKind::Key(0), ResourceKind::Key(1)]
    );
    assert_eq!(
        resources[2].users,
        [ResourceKind::Segment(0), ResourceKind::Segment(2)]
    );
    assert_eq!(
        resources[3].byte_range,
        Some(ByteRange {
            start: 0,
            length: 3
        })
    );
}

#[test]
fn protection_is_what_no_identity_key_opens() {
    let drm = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:,x\",KEYFORMAT=\"urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED\"\n";
    let timeline = timeline(&format!("#EXTM3U\n#EXTINF:1,\na\n{drm}#EXTINF:1,\nb\n"));
    let protection = timeline.protection().unwrap();
    assert_eq!(
        (
            protection.name.as_str(),
            protection.key_format.as_str(),
            protection.segment
        ),
        ("FairPlay, Widevine", "com.apple.streamingkeydelivery", 1)
    );
    assert!(
        timeline
            .resources()
            .iter()
            .all(|resource| !matches!(resource.kind, ResourceKind::Key(_)))
    );
}

#[test]
fn what_cannot_be_used_is_refused() {
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:1,\na\n"),
        ErrorKind::NeedFullReload
    );
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n#EXTINF:1,\na\n"),
        ErrorKind::IncompleteTag
    );
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=12\n#EXTINF:1,\na\n"),
        ErrorKind::IncompleteTag
    );
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-MAP:BYTERANGE=\"1@1\"\n#EXTINF:1,\na\n"),
        ErrorKind::IncompleteTag
    );
    assert_eq!(
        kind("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:1,\na\n#EXTINF:1,\na\n"),
        ErrorKind::Overflow
    );
    assert_eq!(
        kind(&format!(
            "#EXTM3U\n{}",
            "#EXTINF:18446744073,\na\n".repeat(2)
        )),
        ErrorKind::Overflow
    );
}

#[test]
fn requirements_that_are_not_known_hide_a_variant() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-NEW=\"x\"\na\n#EXT-X-STREAM-INF:BANDWIDTH=2,REQ-VIDEO-LAYOUT=\"CH-STEREO/PROJ-HEQU\"\nb\n#EXT-X-STREAM-INF:BANDWIDTH=3,REQ-VIDEO-LAYOUT=\"CH-HOLOGRAM\"\nc\n";
    let bandwidths: Vec<_> = multivariant(text)
        .variants
        .iter()
        .map(|variant| variant.bandwidth)
        .collect();
    assert_eq!(bandwidths, [Some(2)]);
    assert_eq!(multivariant_playlist(text).variant_count(), 3);
}

#[test]
fn a_playlist_is_live_without_end() {
    let live = |text: &str| media(&format!("#EXTM3U\n#EXTINF:1,\na\n{text}")).is_live();
    assert!(live(""));
    assert!(live("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    assert!(!live("#EXT-X-PLAYLIST-TYPE:VOD\n"));
    assert!(!live("#EXT-X-ENDLIST"));
}

fn reference_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "B",
        "9",
        "/",
        "//",
        "..",
        ".",
        "?",
        "#",
        ":",
        "\\",
        "%",
        "%2f",
        "@",
        "[",
        "]",
        "é",
        "\u{7f}",
        " ",
        "|",
        "^",
        "http:",
        "https://",
        "file:",
        "data:",
        "C|",
        "é.example",
        "99999",
    ]);
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_lazy_url_is_what_joining_at_once_gives(
        reference in reference_like(),
        base in prop::sample::select(vec![
            "https://example.com/film/index.m3u8?a=b#c",
            "https://example.com",
            "file:///C:/film/index.m3u8",
            "custom://host/a/b",
            "data:text/plain,x",
            "custom:/a/../b",
        ]),
    ) {
        let text = format!("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"{reference}\"\n");
        let base = Url::parse(base).unwrap();
        let resolved = crate::multivariant_playlist(&text).resolve(&Context::new(base.clone()));
        let joined = base.join(&reference).map_err(|_| ErrorKind::InvalidUrl);
        let url = resolved.map(|resolved| resolved.renditions[0].url().unwrap().clone());
        prop_assert_eq!(url.map_err(|error| error.kind()), joined);
    }
}

#[test]
fn text_stays_when_the_url_is_replaced() {
    let other = Url::parse("https://other.example/x").unwrap();
    for uri in ["v", "https://cdn.example/v", "{$a}", "//cdn.example/{$a}"] {
        let text = format!(
            "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",LANGUAGE=\"en\",URI=\"{uri}\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"c\",AUDIO=\"{{$a}}\"\n{uri}\n"
        );
        let read = multivariant(&text);
        let (mut variant, mut rendition) = (read.variants[0].clone(), read.renditions[0].clone());
        assert_eq!(Some(variant.url()), rendition.url());
        drop(read);
        for _ in 0..2 {
            assert_eq!((variant.codecs(), variant.audio()), (Some("c"), Some("b")));
            assert_eq!((rendition.language(), rendition.name()), (Some("en"), "n"));
            variant.set_url(other.clone());
            assert_eq!(variant.url(), &other);
            rendition.set_url(None);
            assert_eq!(rendition.url(), None);
        }
        assert_eq!((variant.codecs(), variant.audio()), (Some("c"), Some("b")));
        assert_eq!((rendition.language(), rendition.name()), (Some("en"), "n"));
    }
}

#[test]
fn variables_are_replaced_in_text_that_variants_and_renditions_have() {
    let text = concat!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"NONE\"\n",
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g{$a}\",NAME=\"{$a}\",LANGUAGE=\"en\",CHANNELS=\"2\",VIDEO=\"{$unknown}\",URI=\"{$a}.m3u8\"\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g{$a}\",CLOSED-CAPTIONS={$a},HDCP-LEVEL=NONE,URI=\"{$unknown}\"\nv\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=2,CLOSED-CAPTIONS=NONE\nv\n",
    );
    let outer = multivariant(text);
    let rendition = &outer.renditions[0];
    assert_eq!((rendition.group_id(), rendition.name()), ("gNONE", "NONE"));
    assert_eq!(
        (rendition.language(), rendition.channel_count()),
        (Some("en"), Some(2))
    );
    assert_eq!(
        rendition.url().map(Url::as_str),
        Some("https://example.com/film/NONE.m3u8")
    );
    let [one, other] = outer.variants.as_slice() else {
        unreachable!("there are two");
    };
    assert_eq!(one.audio(), Some("gNONE"));
    assert_eq!(one.closed_captions(), Some(ClosedCaptions::Group("NONE")));
    assert_eq!(one.hdcp_level(), Some(HdcpLevel::None));
    assert_eq!(other.closed_captions(), Some(ClosedCaptions::None));
    for tag in ["STREAM-INF:BANDWIDTH=1,", "MEDIA:TYPE=AUDIO,"] {
        let undefined = format!("#EXTM3U\n#EXT-X-{tag}NAME=\"{{$a}}\"\nv\n");
        let error = multivariant_playlist(&undefined)
            .resolve(&context())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UndefinedVariable);
        assert_eq!(error.line(), Some(2));
    }
}

#[test]
fn what_is_set_counts_in_the_place_of_what_was_read() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a\",VIDEO-RANGE=HLG\nv\n";
    let read = multivariant(text);
    let mut changed = read.variants[0].clone();
    assert_eq!(changed, read.variants[0]);
    changed.set_codecs(Some("b"));
    changed.set_codecs(Some("c"));
    changed.set_video_range(None);
    changed.set_name(Some("n"));
    assert_eq!((changed.codecs(), changed.name()), (Some("c"), Some("n")));
    assert_eq!(changed.video_range(), None);
    assert_ne!(changed, read.variants[0]);
    assert_eq!(read.variants[0].video_range(), Some(VideoRange::Hlg));
    let mut made = Variant::new(read.variants[0].url().clone(), 1);
    made.line = 2;
    made.set_codecs(Some("c"));
    made.set_name(Some("n"));
    assert_eq!(made, changed);
    assert_eq!(format!("{made:?}"), format!("{changed:?}"));
}
