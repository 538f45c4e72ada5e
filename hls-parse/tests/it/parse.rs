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
    assert!(!is_media("#EXTM3U\n"));
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
        "\u{feff}x",
        "plain",
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAPlaylist, "{text:?}");
    }
    let error = parse(b"<!DOCTYPE html>\r\n<p>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: expected #EXTM3U, found \"<!DOCTYPE html>\""
    );
}

#[test]
fn forgiven_headers_are_reported() {
    for text in [
        "\n#EXTM3U\n",
        " #EXTM3U\n",
        "#EXTM3U \n",
        "# a comment\n#EXTM3U\n",
    ] {
        assert!(
            rules(text).contains(&Rule::HeaderLine.to_string()),
            "{text:?}"
        );
    }
    assert_eq!(rules("\u{feff}#EXTM3U\r\n"), [Rule::NotUtf8.to_string()]);
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
fn each_rule_is_reported_by_something() {
    let media =
        |body: &str| format!("#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n{body}\n");
    let multivariant = |body: &str| {
        format!("#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n{body}\n")
    };
    for (rule, text) in [
        (Rule::ControlCharacter, media("#EXTINF:1,\u{1}\na")),
        (Rule::LoneCarriageReturn, media("#EXTINF:1,\ra\nb")),
        (Rule::StrayWhiteSpace, media("#EXTINF:1,\n a")),
        (Rule::AttributeName, media("#EXT-X-MAP:uri=\"a\",URI=\"b\"")),
        (
            Rule::DuplicateAttribute,
            media("#EXT-X-MAP:URI=\"a\",URI=\"b\""),
        ),
        (
            Rule::DecimalInteger,
            media("#EXT-X-MEDIA-SEQUENCE:18446744073709551616"),
        ),
        (
            Rule::DecimalFloatingPoint,
            media("#EXT-X-PART-INF:PART-TARGET=-1"),
        ),
        (Rule::QuotedString, media("#EXT-X-MAP:URI=\"a")),
        (Rule::AttributeForm, media("#EXT-X-MAP:URI=a")),
        (
            Rule::DecimalResolution,
            multivariant("#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1X2\nb"),
        ),
        (
            Rule::MixedKinds,
            media("#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb"),
        ),
        (Rule::RepeatedVersion, media("#EXT-X-VERSION:3")),
        (
            Rule::RepeatedHeaderTag,
            media("#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS"),
        ),
        (Rule::RepeatedMediaTag, media("#EXT-X-TARGETDURATION:6")),
        (
            Rule::RepeatedSkip,
            media("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1"),
        ),
        (
            Rule::RepeatedContentSteering,
            multivariant(
                "#EXT-X-CONTENT-STEERING:SERVER-URI=\"a\"\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"a\"",
            ),
        ),
        (Rule::TargetDuration, "#EXTM3U\n#EXTINF:1,\na".to_owned()),
        (
            Rule::VersionForIv,
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1".to_owned(),
        ),
        (
            Rule::VersionForFractionalDuration,
            "#EXTM3U\n#EXTINF:1.5,\na".to_owned(),
        ),
        (
            Rule::VersionForByteRange,
            "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@1\na".to_owned(),
        ),
        (
            Rule::VersionForMap,
            "#EXTM3U\n#EXT-X-MAP:URI=\"a\"".to_owned(),
        ),
        (
            Rule::VersionForQueryParameter,
            "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"a\"".to_owned(),
        ),
        (
            Rule::VersionForSkip,
            "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1".to_owned(),
        ),
        (
            Rule::DefineOneSource,
            media("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\",IMPORT=\"a\""),
        ),
        (Rule::DefineValue, media("#EXT-X-DEFINE:NAME=\"a\"")),
        (
            Rule::DefineName,
            media("#EXT-X-DEFINE:NAME=\"a.b\",VALUE=\"\""),
        ),
        (
            Rule::DuplicateVariable,
            media("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\""),
        ),
        (
            Rule::ImportInMultivariant,
            multivariant("#EXT-X-DEFINE:IMPORT=\"a\""),
        ),
        (
            Rule::UndefinedVariable,
            media("#EXTINF:1,\n{$a}\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\""),
        ),
        (Rule::SegmentDuration, media("a")),
        (Rule::DurationAboveTarget, media("#EXTINF:6.5,\na")),
        (
            Rule::ImplicitByteRange,
            media("#EXTINF:1,\n#EXT-X-BYTERANGE:1@1\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:1\nb"),
        ),
        (
            Rule::MediaSequencePlace,
            media("#EXTINF:1,\na\n#EXT-X-MEDIA-SEQUENCE:3"),
        ),
        (
            Rule::DiscontinuitySequencePlace,
            media("#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:3"),
        ),
        (Rule::KeyMethod, media("#EXT-X-KEY:URI=\"k\"")),
        (Rule::KeyUri, media("#EXT-X-KEY:METHOD=AES-128")),
        (
            Rule::KeyNoneAlone,
            media("#EXT-X-KEY:METHOD=NONE,URI=\"k\""),
        ),
        (
            Rule::KeyIvForbidden,
            media("#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"k\",IV=0x00000000000000000000000000000001"),
        ),
        (
            Rule::KeyIvLength,
            media("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1566B"),
        ),
        (
            Rule::KeyFormatVersions,
            media("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMATVERSIONS=\"1,2\""),
        ),
        (Rule::MapUri, media("#EXT-X-MAP:BYTERANGE=\"1@0\"")),
        (
            Rule::MapByteRangeOffset,
            media("#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1\""),
        ),
        (
            Rule::MapKeyIv,
            media("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"a\""),
        ),
        (
            Rule::PartInfPresent,
            media("#EXT-X-PART:URI=\"a\",DURATION=1"),
        ),
        (Rule::PartTarget, media("#EXT-X-PART-INF:X=1")),
        (Rule::PartAttributes, media("#EXT-X-PART:URI=\"a\"")),
        (
            Rule::PartDuration,
            media("#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:URI=\"a\",DURATION=1.1"),
        ),
        (
            Rule::SkipHorizon,
            media("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=35.9"),
        ),
        (
            Rule::SkipDateRanges,
            media("#EXT-X-SERVER-CONTROL:CAN-SKIP-DATERANGES=YES"),
        ),
        (
            Rule::HoldBack,
            media("#EXT-X-SERVER-CONTROL:HOLD-BACK=17.9"),
        ),
        (
            Rule::PartHoldBack,
            media("#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=1.9"),
        ),
        (
            Rule::HintAfterEnd,
            media("#EXT-X-ENDLIST\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"a\""),
        ),
        (Rule::HintAttributes, media("#EXT-X-PRELOAD-HINT:TYPE=PART")),
        (
            Rule::ReportUri,
            media("#EXT-X-RENDITION-REPORT:URI=\"https://h/a\""),
        ),
        (
            Rule::SkippedSegments,
            media("#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"\""),
        ),
        (
            Rule::DateRangeId,
            media("#EXT-X-DATERANGE:START-DATE=\"2026-01-01T00:00:00Z\""),
        ),
        (Rule::DateRangeStart, media("#EXT-X-DATERANGE:ID=\"a\"")),
        (
            Rule::DateRangeEndOnNext,
            media("#EXT-X-DATERANGE:ID=\"a\",END-ON-NEXT=YES"),
        ),
        (
            Rule::DateRangeWithoutDate,
            media("#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\""),
        ),
        (
            Rule::MediaAttributes,
            multivariant("#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\""),
        ),
        (
            Rule::MediaUri,
            multivariant("#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"g\",NAME=\"a\""),
        ),
        (
            Rule::InstreamId,
            multivariant("#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"g\",NAME=\"a\""),
        ),
        (
            Rule::MediaAttributeScope,
            multivariant("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\",FORCED=NO"),
        ),
        (
            Rule::DefaultAutoselect,
            multivariant(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\",DEFAULT=YES,AUTOSELECT=NO",
            ),
        ),
        (
            Rule::GroupMembers,
            multivariant(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\"",
            ),
        ),
        (
            Rule::StreamInf,
            multivariant("#EXT-X-STREAM-INF:CODECS=\"a\"\nb"),
        ),
        (
            Rule::GroupExists,
            multivariant("#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\"\nb"),
        ),
        (
            Rule::CaptionsNoneEverywhere,
            multivariant("#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE\nb"),
        ),
        (
            Rule::IFrameStreamInf,
            multivariant("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1"),
        ),
        (
            Rule::SessionData,
            multivariant("#EXT-X-SESSION-DATA:DATA-ID=\"a\""),
        ),
        (
            Rule::SessionKey,
            multivariant("#EXT-X-SESSION-KEY:METHOD=NONE"),
        ),
        (
            Rule::SteeringServer,
            multivariant("#EXT-X-CONTENT-STEERING:PATHWAY-ID=\".\""),
        ),
        (Rule::TagValue, media("#EXT-X-PLAYLIST-TYPE:LIVE")),
        (Rule::AttributeListSyntax, media("#EXT-X-MAP:URI=\"a\",X")),
        (Rule::DurationComma, media("#EXTINF:1\na")),
        (Rule::UnclaimedUri, multivariant("b")),
    ] {
        let found = rules(&text);
        assert!(
            found.contains(&rule.to_string()),
            "{rule:?} in {text:?}, found {found:?}"
        );
    }
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
