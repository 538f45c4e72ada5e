//! Reading: kinds, header, lines, diagnostics, strictness.

use hls_parse::{
    ErrorKind, ParseOptions, Playlist, Rule, Severity, Strictness, TagName, parse, parse_with,
};

use crate::{media, rules};

const CLEAN: &str =
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n#EXTINF:6.006,\na.ts\n#EXT-X-ENDLIST\n";

#[test]
fn a_clean_playlist_has_no_diagnostics() {
    assert_eq!(rules(CLEAN), Vec::<String>::new());
}

#[test]
fn the_kind_is_told_by_the_class_of_tags() {
    let is_media =
        |text: &str| matches!(parse(text.as_bytes()).unwrap().playlist, Playlist::Media(_));
    assert!(is_media(CLEAN));
    assert!(is_media("#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"));
    assert!(is_media(
        "#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na\n"
    ));
    assert!(is_media("#EXTM3U\n"));
    assert!(is_media("#EXTM3U\n#EXT-X-VERSION:4\na\n"));
    assert!(!is_media("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"));
    assert!(!is_media(
        "#EXTM3U\n#EXT-X-ENDLIST\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"
    ));
}

#[test]
fn what_is_no_playlist_is_refused() {
    for text in [
        "",
        "\n\n",
        "<html>",
        "#EXTM3U8\n",
        "#EXTINF:1,\na",
        "<p>\n#EXTM3U\n",
        "#EXT-OTHER\n#EXTM3U\n",
        "\u{feff}x",
        "plain",
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAPlaylist, "{text:?}");
    }
    let error = parse(b"<!DOCTYPE html>\r\n<p>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1, column 1: expected #EXTM3U, found \"<!DOCTYPE html>\""
    );
}

#[test]
fn forgiven_headers_are_reported() {
    for text in [
        "\n#EXTM3U\n",
        " #EXTM3U\n",
        "#EXTM3U \n",
        "# a comment\n#EXTM3U\n",
        "#EXT-X-TARGETDURATION:10\n#EXTM3U\n#EXTINF:9,\na\n",
    ] {
        assert!(
            rules(text).contains(&Rule::HeaderLine.to_string()),
            "{text:?}"
        );
    }
    assert_eq!(
        rules("\u{feff}#EXTM3U\r\n#EXT-X-TARGETDURATION:1\r\n"),
        [Rule::NotUtf8.to_string()]
    );
}

#[test]
fn odd_durations_and_titles() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:6\na\n#EXTINF:-1 group=\"x,y\",Name, with comma\nb\n#EXTINF:1.5,a,b\nc",
    );
    let timeline = playlist.resolve(&crate::context()).unwrap();
    let durations: Vec<u128> = timeline
        .segments()
        .iter()
        .map(|segment| segment.duration.as_millis())
        .collect();
    assert_eq!(durations, [6000, 0, 1500]);
    assert_eq!(timeline.segment_title(0), None);
    assert_eq!(timeline.segment_title(1), Some("Name, with comma"));
    assert_eq!(timeline.segment_title(2), Some("a,b"));
    assert_eq!(timeline.segment_uri(2), "c");
}

#[test]
fn a_diagnostic_says_where() {
    let text =
        "#EXTM3U\r\n#EXT-X-TARGETDURATION:6\r\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1G\r\n";
    let parsed = parse(text.as_bytes()).unwrap();
    let diagnostic = parsed
        .diagnostics
        .iter()
        .find(|diagnostic| diagnostic.rule == Rule::HexadecimalSequence)
        .unwrap();
    assert_eq!(
        (diagnostic.line, diagnostic.column, diagnostic.severity),
        (3, 35, Severity::Error)
    );
    assert_eq!(text.get(diagnostic.span.clone()), Some("IV=0x1G"));
}

#[test]
fn strictness_decides_what_is_an_error() {
    let fatal = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-VERSION:3\n";
    let bad = "#EXTM3U\n#EXTINF:1,\na\n";
    let with = |text: &str, strictness| {
        parse_with(
            text.as_bytes(),
            &ParseOptions::default().strictness(strictness),
        )
        .map_err(|error| error.kind())
    };
    assert!(with(fatal, Strictness::Lenient).is_ok());
    assert_eq!(
        with(fatal, Strictness::Client).unwrap_err(),
        ErrorKind::RuleViolation
    );
    assert!(with(bad, Strictness::Client).is_ok());
    assert_eq!(
        with(bad, Strictness::Strict).unwrap_err(),
        ErrorKind::RuleViolation
    );
    assert!(with(CLEAN, Strictness::Strict).is_ok());
}

#[test]
fn nothing_after_the_last_segment_is_lost() {
    let text = "#EXTM3U\n#EXTINF:1,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-PART:URI=\"b\",DURATION=1\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"c\"\n#EXT-X-RENDITION-REPORT:URI=\"d\"\n#EXT-X-MINE:1";
    let playlist = media(text);
    let names: Vec<(TagName, &str, usize)> = playlist
        .tags()
        .map(|tag| (tag.name, tag.raw_name, tag.segments_before))
        .collect();
    assert_eq!(
        names,
        [
            (TagName::ProgramDateTime, "EXT-X-PROGRAM-DATE-TIME", 1),
            (TagName::Part, "EXT-X-PART", 1),
            (TagName::PreloadHint, "EXT-X-PRELOAD-HINT", 1),
            (TagName::RenditionReport, "EXT-X-RENDITION-REPORT", 1),
            (TagName::Unknown, "EXT-X-MINE", 1),
        ]
    );
}

#[test]
fn rules_have_distinct_numbers() {
    let numbers: std::collections::BTreeSet<u16> =
        Rule::ALL.iter().map(|rule| rule.number()).collect();
    assert_eq!(numbers.len(), Rule::ALL.len());
    assert_eq!(
        (
            Rule::SegmentDuration.to_string().as_str(),
            Rule::SegmentDuration.section()
        ),
        ("HLS044", "4.4.4.1")
    );
}
