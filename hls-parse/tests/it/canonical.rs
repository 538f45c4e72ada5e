//! Resolved playlists written anew.

use hls_parse::{Context, ErrorKind, Multivariant, Playlist, SharedText, Timeline, parse};
use proptest::prelude::*;

use crate::laws::playlist_like;
use crate::update_laws::{Server, entry, view};
use crate::{context, multivariant, timeline, update_laws};

/// Writes a timeline, and sees that what was written says the same and is written the same again.
fn rewritten(original: &Timeline, context: &Context) -> (String, Timeline) {
    let text = original.write().unwrap();
    let parsed = parse(text.as_bytes()).unwrap();
    let copy = parsed
        .playlist
        .as_media()
        .unwrap()
        .resolve(context)
        .unwrap();
    assert_eq!(copy.write().unwrap(), text);
    (text, copy)
}

#[test]
fn a_low_latency_playlist_keeps_everything_in_its_order() {
    let text = concat!(
        "#EXTM3U\r\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-VERSION:12\n# comment\n#EXT-X-TARGETDURATION:4\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"x\"\n",
        "#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=3.0,CAN-SKIP-UNTIL=24,CAN-BLOCK-RELOAD=YES,CAN-SKIP-DATERANGES=YES\n#EXT-X-PART-INF:PART-TARGET=1.0\n",
        "#EXT-X-MAP:URI=\"/init.mp4\",BYTERANGE=\"9\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.example\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n",
        "#EXT-X-PART:URI=\"p\",DURATION=1.0,BYTERANGE=\"5@0\"\n#EXT-X-PART:URI=\"p\",DURATION=1.0,BYTERANGE=\"5\",INDEPENDENT=YES\n",
        "#EXTINF:2.0,title\n#EXT-X-BYTERANGE:10@0\n#EXT-X-BITRATE:5\np\n",
        "#EXT-X-CUE-OUT:30\n#EXT-X-GAP\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T01:00:00.500+01:00\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n#EXT-X-KEY:METHOD=NONE\n{$v} y.ts\n",
        "#EXT-X-DATERANGE:ID=\"d\",X-A=\"{$v}\",START-DATE=\"2026-01-01T01:00:00+01:00\"\n#EXT-X-DATERANGE:ID=\"d\",DURATION=5.0\n",
        "#EXT-X-CUE-IN\n#EXT-X-PART:DURATION=1,URI=\"q\",GAP=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,BYTERANGE-START=10,URI=\"r\"\n",
        "#EXT-X-RENDITION-REPORT:URI=\"../other/live.m3u8?a=b\",LAST-MSN=9\n",
    );
    let original = timeline(text);
    let (written, copy) = rewritten(&original, &context());
    let expected = concat!(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:4\n",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES,PART-HOLD-BACK=3\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-MEDIA-SEQUENCE:7\n",
        "#EXT-X-DATERANGE:ID=\"d\",START-DATE=\"2026-01-01T01:00:00+01:00\",DURATION=5.0,X-A=\"x\"\n",
        "#EXT-X-MAP:URI=\"/init.mp4\",BYTERANGE=\"9@0\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\",KEYFORMAT=\"com.example\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n",
        "#EXT-X-BITRATE:5\n#EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"5@0\"\n#EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"5\",INDEPENDENT=YES\n",
        "#EXTINF:2,title\n#EXT-X-BYTERANGE:10@0\np\n",
        "#EXT-X-CUE-OUT:30\n#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.5Z\n#EXT-X-GAP\n#EXTINF:2,\nx y.ts\n",
        "#EXT-X-CUE-IN\n#EXT-X-PART:DURATION=1,URI=\"q\",GAP=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"r\",BYTERANGE-START=10\n",
        "#EXT-X-RENDITION-REPORT:URI=\"../other/live.m3u8?a=b\",LAST-MSN=9,LAST-PART=0\n",
    );
    // Which of the ways of writing a relative URL is chosen does not matter.
    assert_eq!(
        written.replace("\"../init.mp4\"", "\"/init.mp4\""),
        expected
    );
    assert_eq!(view(&copy), view(&original));
    assert_eq!(copy.target_duration(), original.target_duration());
}

#[test]
fn keys_of_several_formats_keep_their_order() {
    let key = |uri: &str, format: &str| {
        format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{uri}\",KEYFORMAT=\"{format}\"\n")
    };
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n");
    for keys in [
        vec![("1", "a"), ("2", "b")],
        vec![("1", "a")],
        vec![("2", "b"), ("3", "c")],
        vec![],
        vec![("1", "a")],
    ] {
        if keys.is_empty() {
            text.push_str("#EXT-X-KEY:METHOD=NONE\n");
        }
        for (uri, format) in keys {
            text.push_str(&key(uri, format));
        }
        text.push_str("#EXTINF:1,\ns\n");
    }
    let original = timeline(&text);
    let (_, copy) = rewritten(&original, &context());
    assert_eq!(view(&copy), view(&original));
}

#[test]
fn white_space_that_does_not_end_a_line_belongs_to_the_value() {
    let text = "#EXTM3U\n#EXT-X-FIRST:a\u{b}\n#EXT-X-SECOND:b\u{a0}\t \n#EXTINF:1,\nx\n";
    let written = timeline(text).write().unwrap();
    assert!(
        written.contains(":a\u{b}\n#EXT-X-SECOND:b\u{a0}\n"),
        "{written:?}"
    );
}

#[test]
fn what_would_be_read_as_something_else_is_refused() {
    for text in [
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"#\"\n#EXTINF:1,\n{$a}x\n",
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{\"\n#EXTINF:1,\n{$a}$a}\n",
        "#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:DURATION=1\n#EXT-X-PART:DURATION=1,URI=\"a\"\n#EXTINF:2,\na\n",
        "#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=1\n#EXTINF:2,\na\n#EXT-X-PART:DURATION=1\n",
    ] {
        let error = timeline(text).write().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{text}");
    }
}

#[test]
fn dates_that_are_counted_on_are_kept() {
    let text = |dated: &str, first: u64| {
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:{first}\n{dated}#EXTINF:6,\ns{first}\n#EXTINF:6,\ns{}\n#EXTINF:6,\ns{}\n",
            first + 1,
            first + 2
        )
    };
    let first = timeline(&text("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n", 0));
    let second = crate::media(&text("", 1));
    let update = first.update(&second, &context()).unwrap();
    let (written, copy) = rewritten(&update.timeline, &context());
    assert!(
        written.contains("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06Z\n#EXTINF:6,\ns1\n"),
        "{written}"
    );
    let date = |timeline: &Timeline| timeline.segments().last().unwrap().program_date_time;
    assert_eq!(date(&copy), date(&update.timeline));
    // A date that is counted back is read as such again.
    let back = timeline(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06Z\n#EXTINF:6,\nb\n",
    );
    let (written, copy) = rewritten(&back, &context());
    assert_eq!(written.matches("DATE-TIME").count(), 1);
    assert_eq!(view(&copy), view(&back));
}

/// Some of the attributes of a list.
fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::subsequence(all, 0..=all.len()).prop_map(|chosen| {
        let with_comma = chosen.iter().map(|attribute| format!(",{attribute}"));
        with_comma.collect()
    })
}

prop_compose! {
    /// A Multivariant Playlist that breaks no rule, in an order that is not canonical.
    fn outer()(
        variants in prop::collection::vec((1..9_000_000u64, 0..3u8, some_of(&[
            "AVERAGE-BANDWIDTH=5", "SCORE=1.50", "CODECS=\"avc1.64001f,mp4a.40.2\"", "RESOLUTION=640x360", "FRAME-RATE=29.970", "HDCP-LEVEL=TYPE-1",
            "ALLOWED-CPC=\"a:b\"", "VIDEO-RANGE=PQ", "STABLE-VARIANT-ID=\"s\"", "PATHWAY-ID=\"p\"", "AUDIO=\"a\"", "SUBTITLES=\"s\"", "CLOSED-CAPTIONS=\"c\"", "NAME=\"n\"", "REQ-VIDEO-LAYOUT=\"CH-STEREO\"",
        ])), 1..5),
        audio in some_of(&["LANGUAGE=\"en\"", "ASSOC-LANGUAGE=\"de\"", "AUTOSELECT=YES", "CHARACTERISTICS=\"a.b\"", "CHANNELS=\"2\"", "URI=\"../a\"", "BIT-DEPTH=16", "SAMPLE-RATE=48000", "STABLE-RENDITION-ID=\"x\""]),
        others in some_of(&["FORCED=YES", "AUTOSELECT=YES,DEFAULT=YES", "LANGUAGE=\"en\""]),
        tags in prop::sample::subsequence(vec![
            "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-START:TIME-OFFSET=-4.50,PRECISE=YES", "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"../k\"",
            "#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"v\",LANGUAGE=\"en\"", "#EXT-X-SESSION-DATA:DATA-ID=\"d\",URI=\"/j\",FORMAT=RAW",
            "#EXT-X-I-FRAME-STREAM-INF:URI=\"i\",BANDWIDTH=7,RESOLUTION=16x9", "#EXT-X-UNKNOWN:1",
        ], 0..=7),
    ) -> String {
        use std::fmt::Write as _;
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:12\n#EXT-X-DEFINE:NAME=\"x\",VALUE=\"y\"\n");
        for (bandwidth, place, attributes) in variants {
            let place = ["v", "https://other.example.com/v", "sub/{$x}?q=a,b#f"][usize::from(place)];
            writeln!(text, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}{attributes}\n{place}").unwrap();
        }
        writeln!(text, "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"C {{$x}}\",INSTREAM-ID=\"CC1\"").unwrap();
        writeln!(text, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"S\",URI=\"s\"{others}").unwrap();
        writeln!(text, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\"{audio}").unwrap();
        for tag in tags {
            writeln!(text, "{tag}").unwrap();
        }
        text
    }
}

/// Everything a Multivariant Playlist says, but for lines and how the URIs of keys are written.
fn said(playlist: &Multivariant) -> String {
    let mut playlist = playlist.clone();
    let variants = playlist.variants.iter_mut();
    variants
        .chain(&mut playlist.i_frame_variants)
        .for_each(|variant| variant.line = 0);
    playlist
        .renditions
        .iter_mut()
        .for_each(|rendition| rendition.line = 0);
    playlist
        .session_keys
        .iter_mut()
        .for_each(|key| key.uri = SharedText::default());
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        playlist
            .variants
            .iter()
            .map(|variant| (variant.url().to_string(), variant.clone()))
            .collect::<Vec<_>>(),
        playlist.i_frame_variants,
        playlist.renditions,
        playlist.session_keys,
        playlist.session_data,
        playlist.content_steering,
        playlist.independent_segments,
        playlist.start,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_multivariant_playlist_that_is_written_anew_says_the_same(text in outer(), is_near in any::<bool>()) {
        let original = multivariant(&text);
        let context = context();
        let base = is_near.then(|| context.url());
        let written = original.write(base).unwrap();
        let copy = multivariant(&written);
        prop_assert_eq!(said(&copy), said(&original), "{}", written);
        prop_assert_eq!(copy.write(base).unwrap(), written);
    }

    #[test]
    fn what_is_written_anew_says_the_same(entries in prop::collection::vec(entry(), 14), parts in 0..4u32) {
        let server = Server::new("s", entries);
        let context = update_laws::context(1);
        let original = server.playlist(&(2..12), 0, None, parts).resolve(&context).unwrap();
        let (_, copy) = rewritten(&original, &context);
        prop_assert_eq!(view(&copy), view(&original));
        prop_assert_eq!(copy.target_duration(), original.target_duration());
        prop_assert_eq!(copy.is_live(), original.is_live());
    }

    #[test]
    fn whatever_was_read_is_written_the_same_again(bytes in playlist_like()) {
        let Ok(parsed) = parse(&bytes) else {
            return Ok(());
        };
        match &parsed.playlist {
            Playlist::Media(playlist) => {
                let Ok(original) = playlist.resolve(&context()) else {
                    return Ok(());
                };
                if original.write().is_ok() {
                    let (_, copy) = rewritten(&original, &context());
                    prop_assert_eq!(view(&copy), view(&original));
                }
            }
            Playlist::Multivariant(playlist) => {
                let Ok(original) = playlist.resolve(&context()) else {
                    return Ok(());
                };
                if let Ok(text) = original.write(Some(context().url())) && text.contains("#EXT-X") {
                    prop_assert_eq!(multivariant(&text).write(Some(context().url())).unwrap(), text);
                }
            }
        }
    }
}
