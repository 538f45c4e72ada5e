//! What odd values, old spellings and tags out of place mean: what is read, what is said of it, and what is refused.

use std::time::Duration;

use hls_parse::{
    Change, Diagnostic, Error, ErrorKind, ParseOptions, Playlist, Rule, Severity, Strictness,
    parse, parse_with,
};
use url::Url;

use crate::{context, media, multivariant, resolved, timeline};

fn found(text: &str) -> Vec<Diagnostic> {
    parse(text.as_bytes()).unwrap().diagnostics
}

fn finding(text: &str, rule: Rule) -> Diagnostic {
    let all = found(text);
    let one = all.iter().find(|found| found.rule == rule);
    assert!(one.is_some(), "{rule} is not among {all:?}");
    one.unwrap().clone()
}

fn refused(text: &str) -> Error {
    resolved(text).unwrap_err()
}

#[test]
fn what_clients_must_refuse_is_forgiven_by_name() {
    let segment = "#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na\n";
    let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n";
    for (rule, text) in [
        (Rule::HeaderLine, format!("\n#EXTM3U\n{segment}")),
        (
            Rule::MixedKinds,
            format!("#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n{segment}"),
        ),
        (
            Rule::MixedKinds,
            format!("#EXTM3U\n{variant}#EXT-X-DISCONTINUITY\n"),
        ),
        (
            Rule::RepeatedVersion,
            format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-VERSION:3\n{segment}"),
        ),
        (
            Rule::RepeatedHeaderTag,
            format!(
                "#EXTM3U\n{}{variant}",
                "#EXT-X-START:TIME-OFFSET=1\n".repeat(2)
            ),
        ),
        (
            Rule::DefineOneSource,
            format!("#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-DEFINE:VALUE=\"a\"\n{segment}"),
        ),
        (
            Rule::DuplicateVariable,
            format!(
                "#EXTM3U\n{}{variant}",
                "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"a\"\n".repeat(2)
            ),
        ),
        (
            Rule::UndefinedVariable,
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{$a}\n".to_owned(),
        ),
        (
            Rule::ImplicitByteRange,
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n#EXT-X-BYTERANGE:5\na\n".to_owned(),
        ),
    ] {
        let diagnostic = finding(&text, rule);
        assert_eq!(
            (diagnostic.severity, diagnostic.forgiven),
            (Severity::Error, true)
        );
        assert_eq!(rule.severity(), Severity::Fatal);
        let shown = diagnostic.to_string();
        assert!(
            shown.contains(&format!(
                "(error {rule}, section {}, forgiven: ",
                rule.section()
            )),
            "{shown}"
        );
        let client = ParseOptions::default().strictness(Strictness::Client);
        let error = parse_with(text.as_bytes(), &client).unwrap_err();
        assert_eq!(
            (error.kind(), error.rule()),
            (ErrorKind::RuleViolation, Some(rule)),
            "{text}"
        );
    }
    // An error that clients may forgive is no more than that.
    let diagnostic = finding("#EXTM3U\n#EXTINF:9,\na\n", Rule::TargetDuration);
    assert!(!diagnostic.forgiven && !diagnostic.to_string().contains("forgiven"));
}

#[test]
fn what_cannot_be_resolved_says_so_when_it_is_parsed() {
    for (text, kind) in [
        ("#EXTM3U\n#EXTINF:9,\n{$a}\n", ErrorKind::UndefinedVariable),
        (
            "#EXTM3U\n#EXTINF:9,\n#EXT-X-BYTERANGE:5\na\n",
            ErrorKind::InvalidByteRange,
        ),
        (
            "#EXTM3U\n#EXTINF:9,\n#EXT-X-BYTERANGE:18446744073709551615@10\na\n",
            ErrorKind::InvalidByteRange,
        ),
        (
            "#EXTM3U\n#EXTINF:9,\n#EXT-X-BYTERANGE:18446744073709551616@0\na\n",
            ErrorKind::InvalidByteRange,
        ),
        (
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n#EXTINF:9,\na\n",
            ErrorKind::Overflow,
        ),
        (
            "#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE: 18446744073709551616\n#EXTINF:9,\na\n",
            ErrorKind::Overflow,
        ),
        (
            "#EXTM3U\n#EXTINF:18446744073709551615,\na\n",
            ErrorKind::Overflow,
        ),
        ("#EXTM3U\n#EXTINF:18446744074,\na\n", ErrorKind::Overflow),
        (
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",REQ-NEW=\"x\"\n#EXTINF:9,\na\n",
            ErrorKind::IncompleteTag,
        ),
        (
            "#EXTM3U\n#EXT-X-MAP:URI=\"i\",REQ-NEW=\"x\"\n#EXTINF:9,\na\n",
            ErrorKind::IncompleteTag,
        ),
    ] {
        let all = found(text);
        let said = all.iter().find(|found| {
            found
                .message
                .ends_with("so that the playlist cannot be resolved")
        });
        assert!(said.is_some(), "{all:?}");
        let (said, error) = (said.unwrap(), refused(text));
        assert_eq!(error.kind(), kind, "{text}");
        assert!(
            error
                .line()
                .is_some_and(|line| line.abs_diff(said.line) <= 1),
            "{error} but {said}"
        );
        assert_eq!(
            media(text).segment_count(),
            1,
            "it can be read all the same"
        );
    }
}

#[test]
fn numbers_that_do_not_fit_are_placed_exactly() {
    for (text, place) in [
        (
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n#EXTINF:9,\na\n",
            (2, 23),
        ),
        (
            "#EXTM3U\n#EXTINF:9,\n#EXT-X-BYTERANGE:1@18446744073709551615\na\n",
            (3, 18),
        ),
        ("#EXTM3U\n#EXTINF:1,\na\n#EXTINF:99999999999,\nb\n", (4, 9)),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.line(), error.column()),
            (Some(place.0), Some(place.1)),
            "{error}"
        );
    }
    // The largest that fit are numbers like others.
    let largest = timeline(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551614\n#EXT-X-DISCONTINUITY-SEQUENCE:18446744073709551615\n#EXTINF:18446744073.709551615,\n#EXT-X-BYTERANGE:18446744073709551605@10\na\n",
    );
    let segment = largest.segments().get(0).unwrap();
    assert_eq!(
        (segment.media_sequence_number, segment.discontinuity_number),
        (u64::MAX - 1, u64::MAX)
    );
    assert_eq!(
        (segment.duration, segment.byte_range.unwrap().end()),
        (Duration::from_nanos(u64::MAX), u64::MAX)
    );
}

#[test]
fn odd_durations_count_as_nothing_and_are_reported() {
    for odd in [
        "1e300", "nan", "inf", "-5", "+5", "0x10", "5s", "1.2.3", ".",
    ] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:{odd},\na\n");
        let said = finding(&text, Rule::DecimalFloatingPoint);
        assert_eq!(
            (said.line, said.column, said.severity),
            (3, 9, Severity::Error),
            "{odd}"
        );
        assert!(
            said.message.ends_with("it counts as 0"),
            "{odd}: {}",
            said.message
        );
        assert_eq!(timeline(&text).duration(), Duration::ZERO, "{odd}");
    }
    for empty in ["", ",", ",title"] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:{empty}\na\n");
        assert!(
            finding(&text, Rule::SegmentDuration)
                .message
                .ends_with("it counts as 0")
        );
    }
    for (plain, seconds) in [
        ("10,", 10.0),
        ("10.", 10.0),
        (".5,", 0.5),
        ("10", 10.0),
        ("00010.50,", 10.5),
    ] {
        let text =
            format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:20\n#EXTINF:{plain}\na\n");
        assert_eq!(
            timeline(&text).duration(),
            Duration::from_secs_f64(seconds),
            "{plain}"
        );
        assert!(
            found(&text)
                .iter()
                .all(|found| found.severity == Severity::Warning),
            "{plain}"
        );
    }
}

#[test]
fn values_that_are_no_numbers_are_left_out_and_reported() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:-1\n#EXT-X-DISCONTINUITY-SEQUENCE:x\n#EXTINF:9,\n#EXT-X-BYTERANGE:a@b\na\n";
    let timeline = timeline(text);
    let segment = timeline.segments().get(0).unwrap();
    assert_eq!(
        (
            segment.media_sequence_number,
            segment.discontinuity_number,
            segment.byte_range
        ),
        (0, 0, None)
    );
    let ignored: Vec<u32> = found(text)
        .iter()
        .filter(|found| found.message.ends_with("is ignored"))
        .map(|found| found.line)
        .collect();
    assert_eq!(ignored, [3, 4, 6]);
}

#[test]
fn the_kind_of_a_mixture_is_that_of_what_can_be_played() {
    let is_media =
        |text: &str| matches!(parse(text.as_bytes()).unwrap().playlist, Playlist::Media(_));
    for (expected, text) in [
        (true, "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"p\"\n"),
        (true, "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"),
        (
            true,
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\"\n#EXTINF:1,\na\n",
        ),
        (
            true,
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n#EXTINF:1,\na\n",
        ),
        (
            false,
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n#EXT-X-TARGETDURATION:9\n",
        ),
        // A stray URI line is no segment.
        (
            false,
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\nstray\n",
        ),
    ] {
        assert_eq!(is_media(text), expected, "{text}");
        let is_mixed = text.contains("STREAM-INF") || text.contains("EXT-X-MEDIA:");
        let mixed = found(text)
            .into_iter()
            .filter(|found| found.rule == Rule::MixedKinds)
            .count();
        assert_eq!(mixed, usize::from(is_mixed), "{text}");
    }
}

#[test]
fn requirements_that_are_not_known_are_never_passed_over() {
    for (tag, is_refused) in [
        ("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",REQ-NEW=1", true),
        ("#EXT-X-KEY:METHOD=NONE,REQ-NEW=1", true),
        ("#EXT-X-MAP:URI=\"i\",REQ-NEW=1", true),
        ("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\",REQ-NEW=1", false),
        ("#EXT-X-PART:DURATION=1,URI=\"p\",REQ-NEW=1", false),
        (
            "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\",REQ-NEW=1",
            false,
        ),
        (
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,REQ-NEW=1",
            false,
        ),
    ] {
        let text = format!("#EXTM3U\n#EXT-X-VERSION:12\n{tag}\n#EXTINF:1,\na\n");
        assert_eq!(finding(&text, Rule::IgnoredTag).line, 3);
        match resolved(&text) {
            Err(error) => {
                assert!(is_refused, "{error}");
                assert_eq!(
                    (error.kind(), error.line()),
                    (ErrorKind::IncompleteTag, Some(3))
                );
            }
            Ok(timeline) => {
                assert!(!is_refused, "{tag}");
                assert!(timeline.parts().is_empty() && timeline.preload_hints().is_empty());
                assert!(timeline.date_ranges().is_empty());
                assert!(!timeline.server_control().can_block_reload);
            }
        }
    }
    let define = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\",REQ-NEW=1\n#EXTINF:1,\n{$a}\n";
    assert_eq!(refused(define).kind(), ErrorKind::UndefinedVariable);
    assert!(finding(define, Rule::UndefinedVariable).forgiven);
}

#[test]
fn old_spellings_of_delta_updates_are_read_and_reported() {
    let before = timeline(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0\n#EXT-X-PART:DURATION=2,URI=\"1.0\"\n#EXTINF:4,\n1\n",
    );
    let delta = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-SKIP:NUM=2\n#EXTINF:4,\n2\n#EXT-X-PART:DURATION=2,URI=\"3.0\"\n";
    let update = before.update(&media(delta), &context()).unwrap();
    assert_eq!(
        (update.change, update.timeline.segments().len()),
        (Change::Advanced, 3)
    );
    // Parts of skipped segments have left, those after them are counted from their own segment.
    let parts: Vec<_> = update
        .timeline
        .parts()
        .iter()
        .map(|part| (part.media_sequence_number, part.index))
        .collect();
    assert_eq!(parts, [(3, 0)]);
    let said = finding(delta, Rule::SkippedSegments);
    assert_eq!(
        said.message,
        "SKIPPED-SEGMENTS is missing, NUM counts, as it was called before"
    );
    let both = delta.replace("NUM=2", "SKIPPED-SEGMENTS=2,NUM=7");
    assert_eq!(media(&both).skip().unwrap().skipped_segments, 2);
}

#[test]
fn the_media_sequence_may_come_after_what_is_skipped() {
    let before = timeline(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\n7\n#EXTINF:4,\n8\n",
    );
    let delta = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXTINF:4,\n9\n";
    let now = before.update(&media(delta), &context()).unwrap().timeline;
    assert_eq!((now.media_sequence(), now.segment_uri(1)), (8, "9"));
    // The initialization vector of what is listed counts what is skipped.
    assert_eq!(
        now.segment_iv(1, now.segment_keys(1)[0]),
        Some(9u128.to_be_bytes())
    );
}

#[test]
fn references_may_be_any_part_of_a_uri() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"scheme\",VALUE=\"https\"\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"cdn.example:8443\"\n",
        "#EXT-X-DEFINE:NAME=\"none\",VALUE=\"\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXTINF:1,\n{$scheme}://{$host}{$none}/{$token}\n#EXTINF:1,\n?{$none}q\n",
    ));
    assert_eq!(
        timeline.segment_url(0).as_str(),
        "https://cdn.example:8443/a/b"
    );
    assert_eq!(
        timeline.segment_url(1).as_str(),
        "https://example.com/film/index.m3u8?q"
    );
}

#[test]
fn query_parameters_are_decoded_as_uris_are() {
    let text = "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"a\"\n#EXTINF:1,\n{$a}\n";
    let at = |query: &str| {
        let url = Url::parse(&format!("https://example.com/x.m3u8?{query}")).unwrap();
        media(text).resolve(&hls_parse::Context::new(url))
    };
    // A plus is a plus, and the first one counts.
    assert_eq!(at("b=1&a=1+2%2B3&a=4").unwrap().segment_uri(0), "1+2+3");
    for (bad, rule) in [
        ("a=", Rule::QueryParameter),
        ("a", Rule::QueryParameter),
        ("", Rule::QueryParameter),
        ("a=%22", Rule::QueryParameterValue),
        ("a=%0A", Rule::QueryParameterValue),
        ("a=%F", Rule::QueryParameterValue),
        ("a=%FF", Rule::QueryParameterValue),
    ] {
        let error = at(bad).unwrap_err();
        assert_eq!(
            (error.kind(), error.rule()),
            (ErrorKind::UndefinedVariable, Some(rule)),
            "{bad}"
        );
    }
}

#[test]
fn keys_may_be_in_the_playlist_itself() {
    let timeline =
        timeline("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"data:;base64,AAAA\"\n#EXTINF:1,\na\n");
    assert_eq!(timeline.keys()[0].fetchable_url().unwrap().scheme(), "data");
    assert_eq!(timeline.protection(), None);
}

#[test]
fn a_map_and_a_discontinuity_leave_ranges_keys_and_bitrates_alone() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-BITRATE:5\n#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na\n",
        "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"5@100\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:7\na\n#EXTINF:1,\nb\n",
    ));
    let ranges: Vec<_> = timeline
        .segments()
        .iter()
        .map(|segment| segment.byte_range.map(|range| range.start))
        .collect();
    assert_eq!(ranges, [Some(5), Some(15), None]);
    assert_eq!(timeline.segment_keys(2), [0]);
    let bitrates: Vec<_> = timeline
        .segments()
        .iter()
        .map(|segment| segment.bitrate)
        .collect();
    assert_eq!(bitrates, [None, None, Some(5)]);
}

#[test]
fn a_bitrate_that_cannot_be_read_is_ignored() {
    let timeline =
        timeline("#EXTM3U\n#EXT-X-BITRATE:5\n#EXTINF:1,\na\n#EXT-X-BITRATE:fast\n#EXTINF:1,\nb\n");
    let segments = timeline.segments();
    assert_eq!(
        [segments.get(0), segments.get(1)].map(|segment| segment.unwrap().bitrate),
        [Some(5); 2]
    );
    assert_eq!(timeline.write().unwrap().matches("BITRATE").count(), 1);
}

#[test]
fn an_unknown_attribute_or_value_takes_no_variant_along() {
    let outer = multivariant(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,HDCP-LEVEL=TYPE-9,X-NEW=\"a,b\",VIDEO-RANGE=WIDE\na\n#EXT-X-STREAM-INF:BANDWIDTH=x\nb\n#EXT-X-STREAM-INF:REQ-NEW=1\nc\n#EXT-X-NEW:1\n#EXT-X-STREAM-INF:BANDWIDTH=2\n# a comment\n\nd\n",
    );
    let uris: Vec<_> = outer
        .variants
        .iter()
        .map(|variant| variant.url().path().to_owned())
        .collect();
    assert_eq!(uris, ["/film/a", "/film/b", "/film/d"]);
}
