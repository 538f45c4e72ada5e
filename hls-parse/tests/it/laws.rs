//! Laws that hold for every input.

use std::fmt::Write as _;
use std::time::Duration;

use hls_parse::{
    Context, Document, LocalEvent, ParseOptions, Playlist, PresentationMember, Rule, Severity,
    Strictness, Timeline, lines, parse, parse_with,
};
use proptest::prelude::*;
use url::Url;

use crate::local::Files;
use crate::{context, media};

/// Bytes that look like playlists often enough to get past the first line.
pub(crate) fn playlist_like() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop::sample::select(vec![
        &b"#EXTM3U"[..],
        b"#EXTINF:6.006,title\na.ts",
        b"#EXTINF:",
        b"#EXT-X-BYTERANGE:5@18446744073709551615",
        b"#EXT-X-BYTERANGE:5",
        b"#EXT-X-KEY:METHOD=AES-128,URI=\"{$a}\",IV=0x",
        b"#EXT-X-KEY:METHOD=NONE",
        b"#EXT-X-MAP:URI=\"init\",BYTERANGE=\"1@1\"",
        b"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$a}",
        b"#EXT-X-DISCONTINUITY",
        b"#EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"5\"",
        b"#EXT-X-PART:DURATION=18446744073,URI=\"p\",BYTERANGE=\"5@18446744073709551610\"",
        b"#EXT-X-PART:DURATION=1",
        b"#EXT-X-SKIP:SKIPPED-SEGMENTS=2,RECENTLY-REMOVED-DATERANGES=\"a\tb\"",
        b"#EXT-X-DATERANGE:ID=\"a\",CLASS=\"c\",START-DATE=\"9999-12-31T23:59:59Z\",DURATION=9,END-ON-NEXT=YES",
        b"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"",
        b"#EXT-X-RENDITION-REPORT:URI=\"r\"",
        b"#EXT-X-CUE-OUT-CONT:1/2,SCTE35=/DA",
        b"#EXT-X-BITRATE:5",
        b"#EXT-X-MEDIA-SEQUENCE:18446744073709551615",
        b"#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59.999-23:59",
        b"#EXT-X-START:TIME-OFFSET=-9223372036.854775808",
        b"#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"",
        b"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"\xc3\xa9",
        b"=",
        b",",
        b"\"",
        b"{$a}",
        b"//\\:",
        b"\xff",
    ]);
    let piece = prop_oneof![
        4 => fragment.prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        3 => prop_oneof![Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\r".to_vec())],
    ];
    let start = prop::sample::select(vec![&b"#EXTM3U\n"[..], b"\xef\xbb\xbf#EXTM3U\r\n", b""]);
    (start, proptest::collection::vec(piece, 0..60))
        .prop_map(|(start, pieces)| [start, &pieces.concat()].concat())
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    nanoseconds: u64,
    discontinuity: bool,
    gap: bool,
    range: Option<(u32, bool)>,
    key: Option<u8>,
    map: Option<u8>,
    date: Option<u32>,
    bitrate: Option<u16>,
}

pub(crate) fn parts() -> impl Strategy<Value = Vec<Part>> {
    let one = (
        (
            0..20_000_000_000u64,
            any::<bool>(),
            prop::bool::weighted(0.1),
        ),
        (
            prop::option::of((1..1000u32, any::<bool>())),
            prop::option::weighted(0.3, 0..4u8),
            prop::option::weighted(0.3, 0..3u8),
            prop::option::of(any::<u32>()),
            prop::option::weighted(0.2, 1..2000u16),
        ),
    )
        .prop_map(
            |((nanoseconds, discontinuity, gap), (range, key, map, date, bitrate))| Part {
                nanoseconds,
                discontinuity,
                gap,
                range,
                key,
                map,
                date,
                bitrate,
            },
        );
    proptest::collection::vec(one, 0..20)
}

/// Writes parts; ranges explicit everywhere, or implicit wherever the part says so and may.
pub(crate) fn write(parts: &[Part], implicit: bool) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:20\n#EXT-X-MEDIA-SEQUENCE:77\n#EXT-X-DISCONTINUITY-SEQUENCE:5\n",
    );
    let mut end: Option<u64> = None;
    let mut current_key = None;
    for (index, part) in parts.iter().enumerate() {
        if part.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        current_key = part.key.or(current_key);
        match part.key {
            Some(0) => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            Some(1) => text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n"),
            Some(key) => writeln!(
                text,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"k{key}\",IV=0x{key:032x}"
            )
            .unwrap(),
            None => {}
        }
        if let Some(map) = part.map.filter(|_| current_key != Some(1)) {
            writeln!(text, "#EXT-X-MAP:URI=\"m{map}\"").unwrap();
        }
        if let Some(date) = part.date {
            writeln!(
                text,
                "#EXT-X-PROGRAM-DATE-TIME:{}",
                jiff::Timestamp::new(i64::from(date), 0).unwrap()
            )
            .unwrap();
        }
        if let Some(bitrate) = part.bitrate {
            writeln!(text, "#EXT-X-BITRATE:{bitrate}").unwrap();
        }
        if part.gap {
            text.push_str("#EXT-X-GAP\n");
        }
        writeln!(
            text,
            "#EXTINF:{}.{:09},",
            part.nanoseconds / 1_000_000_000,
            part.nanoseconds % 1_000_000_000
        )
        .unwrap();
        match part.range {
            None => {
                end = None;
                writeln!(text, "s{index}").unwrap();
            }
            Some((length, omit)) => {
                let start = match end {
                    Some(end) if omit => end,
                    _ => u64::try_from(index).unwrap() * 1000,
                };
                if omit && implicit && end.is_some() {
                    writeln!(text, "#EXT-X-BYTERANGE:{length}\nall").unwrap();
                } else {
                    writeln!(text, "#EXT-X-BYTERANGE:{length}@{start}\nall").unwrap();
                }
                end = Some(start + u64::from(length));
            }
        }
    }
    text
}

fn keys_of(timeline: &Timeline, index: usize) -> Vec<(String, Option<[u8; 16]>)> {
    let keys = timeline.segment_keys(index).iter();
    keys.map(|&key| {
        (
            timeline.keys()[key].key_format.to_string(),
            timeline.segment_iv(index, key),
        )
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_bytes_are_written_back(bytes in playlist_like()) {
        prop_assert_eq!(Document::parse(&bytes).unwrap().write(), bytes);
    }

    #[test]
    fn a_replaced_line_changes_that_line_only(bytes in playlist_like(), at in any::<prop::sample::Index>()) {
        let mut document = Document::parse(&bytes).unwrap();
        prop_assume!(!document.is_empty());
        let at = at.index(document.len());
        let before: Vec<Vec<u8>> = lines(&bytes).map(|line| line.text.to_vec()).collect();
        document.replace_line(at, b"#new").unwrap();
        let written = document.write();
        let after: Vec<Vec<u8>> = lines(&written).map(|line| line.text.to_vec()).collect();
        prop_assert_eq!(before.len(), after.len());
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert_eq!(after.as_slice(), if index == at { b"#new".as_slice() } else { before.as_slice() });
        }
    }

    #[test]
    fn nothing_panics_and_places_are_inside(bytes in playlist_like()) {
        let line_count = u32::try_from(lines(&bytes).count()).unwrap();
        let parsed = match parse(&bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                prop_assert!(error.line().is_none_or(|line| line <= line_count));
                return Ok(());
            }
        };
        for diagnostic in &parsed.diagnostics {
            prop_assert!(diagnostic.line >= 1 && diagnostic.line <= line_count.max(1));
            prop_assert!(diagnostic.column >= 1 && diagnostic.span.end <= bytes.len());
        }
        match &parsed.playlist {
            Playlist::Media(media) => {
                if let Ok(timeline) = media.resolve(&context()) {
                    for index in 0..timeline.segments().len() {
                        // What was accepted can really be joined.
                        let mut joined = Url::parse("https://example.com/film/index.m3u8?token=a%2Fb&empty=").unwrap().join(timeline.segment_uri(index)).unwrap();
                        joined.set_fragment(None);
                        prop_assert_eq!(timeline.segment_url(index), joined);
                    }
                    timeline.resources();
                    timeline.protection();
                    parse(timeline.write_local(&Files::default(), true).as_bytes()).unwrap();
                }
            }
            Playlist::Multivariant(playlist) => {
                if let Ok(resolved) = playlist.resolve(&context()) {
                    let _ = resolved.select(&hls_parse::SelectionRequest::default());
                }
            }
        }
    }

    #[test]
    fn strictness_fails_exactly_on_its_severity(bytes in playlist_like()) {
        let Ok(lenient) = parse(&bytes) else {
            return Ok(());
        };
        for diagnostic in &lenient.diagnostics {
            let is_forgiven = diagnostic.rule.severity() == Severity::Fatal;
            prop_assert_eq!(diagnostic.forgiven, is_forgiven, "{}", diagnostic);
            prop_assert_eq!(diagnostic.severity, diagnostic.rule.severity().min(Severity::Error), "{}", diagnostic);
            prop_assert_eq!(diagnostic.to_string().contains("forgiven"), is_forgiven);
        }
        let worst = lenient.diagnostics.iter().map(|diagnostic| diagnostic.rule.severity()).max();
        for (strictness, limit) in [(Strictness::Client, Severity::Fatal), (Strictness::Strict, Severity::Error)] {
            let strict = parse_with(&bytes, &ParseOptions::default().strictness(strictness));
            prop_assert_eq!(strict.is_err(), worst >= Some(limit), "{:?}", lenient.diagnostics);
            if let Err(error) = strict {
                prop_assert!(error.rule().is_some() && error.line().is_some() && error.column().is_some());
            }
        }
    }

    #[test]
    fn fixes_stay_inside_and_are_read_again(bytes in playlist_like()) {
        let (Ok(parsed), Ok(text)) = (parse(&bytes), std::str::from_utf8(&bytes)) else {
            return Ok(());
        };
        for fix in parsed.diagnostics.iter().filter_map(|diagnostic| diagnostic.fix.as_ref()) {
            let mut repaired = text.to_owned();
            repaired.replace_range(fix.span.clone(), &fix.replacement);
            prop_assert!(parse(repaired.as_bytes()).is_ok(), "{:?}", fix);
        }
    }

    #[test]
    fn no_copy_makes_the_checks_panic(before in playlist_like(), after in playlist_like()) {
        let (Ok(before), Ok(after)) = (parse(&before), parse(&after)) else {
            return Ok(());
        };
        before.playlist.check_delivery(&context(), None);
        if let (Some(before), Some(after)) = (before.playlist.as_media(), after.playlist.as_media()) {
            after.check_update(before);
            prop_assert_eq!(after.check_update(after), []);
        }
        if let (Some(outer), Some(playlist)) = (before.playlist.as_multivariant(), after.playlist.as_media()) {
            let context = context();
            let member = PresentationMember { url: context.url(), context: &context, playlist };
            let _ = outer.check_presentation(&context, &[member, member]);
        }
    }

    #[test]
    fn implicit_ranges_equal_explicit_ones(parts in parts()) {
        let implicit = media(&write(&parts, true)).resolve(&context()).unwrap();
        let explicit = media(&write(&parts, false)).resolve(&context()).unwrap();
        prop_assert_eq!(implicit.segments().len(), parts.len());
        for (one, other) in implicit.segments().iter().zip(explicit.segments()) {
            prop_assert_eq!(one.byte_range, other.byte_range);
        }
    }

    #[test]
    fn a_localized_playlist_that_grows_is_only_added_to(parts in parts(), missing in prop::collection::hash_set(0..12_usize, 0..3), longest in 0..20_u64) {
        let original = media(&write(&parts, true)).resolve(&context()).unwrap();
        let files = Files { missing_segments: missing, ..Files::default() };
        let event = |segments, ended| LocalEvent { segments, longest: Duration::from_secs(longest), ended };
        let mut before = original.write_local_event(&files, event(0, false));
        prop_assert!(before.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n#") && before.contains("#EXT-X-START:"), "{before}");
        for count in 1..=parts.len() {
            let text = original.write_local_event(&files, event(count, false));
            prop_assert!(text.starts_with(&before), "{text} after {before}");
            let parsed = parse(text.as_bytes()).unwrap();
            let bad = |rule: Rule| !matches!(rule, Rule::AmbiguousDate);
            let mut worst = parsed.diagnostics.iter().filter(|one| one.severity > Severity::Warning && bad(one.rule));
            prop_assert!(worst.next().is_none(), "{:?} in {text}", parsed.diagnostics);
            let copy = parsed.playlist.as_media().unwrap().resolve(&context()).unwrap();
            prop_assert!(copy.is_live() && copy.segments().len() == count);
            prop_assert!(copy.target_duration() >= Duration::from_secs(longest));
            before = text;
        }
        let ended = original.write_local_event(&files, event(parts.len(), true));
        prop_assert_eq!(ended, before + "#EXT-X-ENDLIST\n");
    }

    #[test]
    fn a_localized_playlist_has_the_same_segments(parts in parts(), ended in any::<bool>()) {
        let original = media(&write(&parts, true)).resolve(&context()).unwrap();
        let text = original.write_local(&Files::default(), ended);
        let parsed = parse(text.as_bytes()).unwrap();
        // The dates are those of the original, which are taken at random.
        let bad: Vec<_> = parsed
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity > Severity::Warning && diagnostic.rule != Rule::AmbiguousDate)
            .collect();
        prop_assert!(bad.is_empty(), "{:?} in {}", bad, text);
        let copy = parsed.playlist.as_media().unwrap().resolve(&Context::new(Url::parse("http://localhost/x/").unwrap())).unwrap();
        prop_assert_eq!(copy.is_live(), !ended);
        prop_assert_eq!(copy.segments().len(), original.segments().len());
        for (index, (one, other)) in copy.segments().iter().zip(original.segments()).enumerate() {
            prop_assert_eq!(one.duration, other.duration);
            prop_assert_eq!(one.media_sequence_number, other.media_sequence_number);
            prop_assert_eq!(one.discontinuity_number, other.discontinuity_number);
            prop_assert_eq!(one.program_date_time, other.program_date_time);
            prop_assert_eq!((one.discontinuity, one.gap, one.byte_range), (other.discontinuity, other.gap, None));
            if other.gap {
                continue;
            }
            prop_assert_eq!(copy.segment_uri(index), format!("s{index}.ts"));
            prop_assert_eq!(keys_of(&copy, index), keys_of(&original, index));
            let map = |timeline: &Timeline, map: Option<usize>| map.map(|map| timeline.maps()[map].clone());
            let (local, remote) = (map(&copy, one.map), map(&original, other.map));
            prop_assert_eq!(local.is_some(), remote.is_some());
            if let (Some(local), Some(remote)) = (local, remote) {
                let ivs = |timeline: &Timeline, keys: &[usize]| keys.iter().map(|&key| timeline.keys()[key].iv).collect::<Vec<_>>();
                prop_assert_eq!(ivs(&copy, &local.keys), ivs(&original, &remote.keys));
                prop_assert_eq!(Some(local.url.path().to_owned()), other.map.map(|map| format!("/x/i{map}.mp4")));
            }
        }
    }
}
