//! Every rule is reported by something that breaks it.

use hls_parse::Rule;

use crate::rules;

/// What a case is put after.
#[derive(Debug, Clone, Copy)]
enum Start {
    Header,
    Media,
    Multivariant,
}

impl Start {
    fn text(self) -> &'static str {
        match self {
            Self::Header => "#EXTM3U\n",
            Self::Media => "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n",
            Self::Multivariant => "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n",
        }
    }
}

const CASES: &[(Rule, Start, &str)] = &[
    (Rule::ControlCharacter, Start::Media, "#EXTINF:1,\u{1}\na"),
    (Rule::LoneCarriageReturn, Start::Media, "#EXTINF:1,\ra\nb"),
    (Rule::StrayWhiteSpace, Start::Media, "#EXTINF:1,\n a"),
    (
        Rule::AttributeName,
        Start::Media,
        "#EXT-X-MAP:uri=\"a\",URI=\"b\"",
    ),
    (
        Rule::DuplicateAttribute,
        Start::Media,
        "#EXT-X-MAP:URI=\"a\",URI=\"b\"",
    ),
    (
        Rule::DecimalInteger,
        Start::Media,
        "#EXT-X-MEDIA-SEQUENCE:18446744073709551616",
    ),
    (
        Rule::DecimalFloatingPoint,
        Start::Media,
        "#EXT-X-PART-INF:PART-TARGET=-1",
    ),
    (Rule::QuotedString, Start::Media, "#EXT-X-MAP:URI=\"a"),
    (Rule::AttributeForm, Start::Media, "#EXT-X-MAP:URI=a"),
    (
        Rule::DecimalResolution,
        Start::Multivariant,
        "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1X2\nb",
    ),
    (
        Rule::MixedKinds,
        Start::Media,
        "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb",
    ),
    (Rule::RepeatedVersion, Start::Media, "#EXT-X-VERSION:3"),
    (
        Rule::RepeatedHeaderTag,
        Start::Media,
        "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS",
    ),
    (
        Rule::RepeatedMediaTag,
        Start::Media,
        "#EXT-X-TARGETDURATION:6",
    ),
    (
        Rule::RepeatedSkip,
        Start::Media,
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1",
    ),
    (
        Rule::RepeatedContentSteering,
        Start::Multivariant,
        "#EXT-X-CONTENT-STEERING:SERVER-URI=\"a\"\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"a\"",
    ),
    (Rule::TargetDuration, Start::Header, "#EXTINF:1,\na"),
    (
        Rule::VersionForIv,
        Start::Header,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1",
    ),
    (
        Rule::VersionForFractionalDuration,
        Start::Header,
        "#EXTINF:1.5,\na",
    ),
    (
        Rule::VersionForByteRange,
        Start::Header,
        "#EXTINF:1,\n#EXT-X-BYTERANGE:1@1\na",
    ),
    (Rule::VersionForMap, Start::Header, "#EXT-X-MAP:URI=\"a\""),
    (
        Rule::VersionForQueryParameter,
        Start::Header,
        "#EXT-X-DEFINE:QUERYPARAM=\"a\"",
    ),
    (
        Rule::VersionForSkip,
        Start::Header,
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=1",
    ),
    (
        Rule::DefineOneSource,
        Start::Media,
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\",IMPORT=\"a\"",
    ),
    (Rule::DefineValue, Start::Media, "#EXT-X-DEFINE:NAME=\"a\""),
    (
        Rule::DefineName,
        Start::Media,
        "#EXT-X-DEFINE:NAME=\"a.b\",VALUE=\"\"",
    ),
    (
        Rule::DuplicateVariable,
        Start::Media,
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"",
    ),
    (
        Rule::ImportInMultivariant,
        Start::Multivariant,
        "#EXT-X-DEFINE:IMPORT=\"a\"",
    ),
    (
        Rule::UndefinedVariable,
        Start::Media,
        "#EXTINF:1,\n{$a}\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"",
    ),
    (Rule::SegmentDuration, Start::Media, "a"),
    (Rule::DurationAboveTarget, Start::Media, "#EXTINF:6.5,\na"),
    (
        Rule::ImplicitByteRange,
        Start::Media,
        "#EXTINF:1,\n#EXT-X-BYTERANGE:1@1\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:1\nb",
    ),
    (
        Rule::MediaSequencePlace,
        Start::Media,
        "#EXTINF:1,\na\n#EXT-X-MEDIA-SEQUENCE:3",
    ),
    (
        Rule::DiscontinuitySequencePlace,
        Start::Media,
        "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:3",
    ),
    (Rule::KeyMethod, Start::Media, "#EXT-X-KEY:URI=\"k\""),
    (Rule::KeyUri, Start::Media, "#EXT-X-KEY:METHOD=AES-128"),
    (
        Rule::KeyNoneAlone,
        Start::Media,
        "#EXT-X-KEY:METHOD=NONE,URI=\"k\"",
    ),
    (
        Rule::KeyIvForbidden,
        Start::Media,
        "#EXT-X-KEY:METHOD=AES-256-GCM,URI=\"k\",IV=0x00000000000000000000000000000001",
    ),
    (
        Rule::KeyIvLength,
        Start::Media,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1566B",
    ),
    (
        Rule::KeyFormatVersions,
        Start::Media,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMATVERSIONS=\"1,2\"",
    ),
    (Rule::MapUri, Start::Media, "#EXT-X-MAP:BYTERANGE=\"1@0\""),
    (
        Rule::MapByteRangeOffset,
        Start::Media,
        "#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1\"",
    ),
    (
        Rule::MapKeyIv,
        Start::Media,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"a\"",
    ),
    (
        Rule::PartInfPresent,
        Start::Media,
        "#EXT-X-PART:URI=\"a\",DURATION=1",
    ),
    (Rule::PartTarget, Start::Media, "#EXT-X-PART-INF:X=1"),
    (Rule::PartAttributes, Start::Media, "#EXT-X-PART:URI=\"a\""),
    (
        Rule::PartDuration,
        Start::Media,
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:URI=\"a\",DURATION=1.1",
    ),
    (
        Rule::SkipHorizon,
        Start::Media,
        "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=35.9",
    ),
    (
        Rule::SkipDateRanges,
        Start::Media,
        "#EXT-X-SERVER-CONTROL:CAN-SKIP-DATERANGES=YES",
    ),
    (
        Rule::HoldBack,
        Start::Media,
        "#EXT-X-SERVER-CONTROL:HOLD-BACK=17.9",
    ),
    (
        Rule::PartHoldBack,
        Start::Media,
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-SERVER-CONTROL:PART-HOLD-BACK=1.9",
    ),
    (
        Rule::HintAfterEnd,
        Start::Media,
        "#EXT-X-ENDLIST\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"a\"",
    ),
    (
        Rule::HintAttributes,
        Start::Media,
        "#EXT-X-PRELOAD-HINT:TYPE=PART",
    ),
    (
        Rule::ReportUri,
        Start::Media,
        "#EXT-X-RENDITION-REPORT:URI=\"https://h/a\"",
    ),
    (
        Rule::SkippedSegments,
        Start::Media,
        "#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"\"",
    ),
    (
        Rule::DateRangeId,
        Start::Media,
        "#EXT-X-DATERANGE:START-DATE=\"2026-01-01T00:00:00Z\"",
    ),
    (
        Rule::DateRangeStart,
        Start::Media,
        "#EXT-X-DATERANGE:ID=\"a\"",
    ),
    (
        Rule::DateRangeEndOnNext,
        Start::Media,
        "#EXT-X-DATERANGE:ID=\"a\",END-ON-NEXT=YES",
    ),
    (
        Rule::DateRangeWithoutDate,
        Start::Media,
        "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\"",
    ),
    (
        Rule::MediaAttributes,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\"",
    ),
    (
        Rule::MediaUri,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"g\",NAME=\"a\"",
    ),
    (
        Rule::InstreamId,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"g\",NAME=\"a\"",
    ),
    (
        Rule::MediaAttributeScope,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\",FORCED=NO",
    ),
    (
        Rule::DefaultAutoselect,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\",DEFAULT=YES,AUTOSELECT=NO",
    ),
    (
        Rule::GroupMembers,
        Start::Multivariant,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\"",
    ),
    (
        Rule::StreamInf,
        Start::Multivariant,
        "#EXT-X-STREAM-INF:CODECS=\"a\"\nb",
    ),
    (
        Rule::GroupExists,
        Start::Multivariant,
        "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\"\nb",
    ),
    (
        Rule::CaptionsNoneEverywhere,
        Start::Multivariant,
        "#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=NONE\nb",
    ),
    (
        Rule::IFrameStreamInf,
        Start::Multivariant,
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1",
    ),
    (
        Rule::SessionData,
        Start::Multivariant,
        "#EXT-X-SESSION-DATA:DATA-ID=\"a\"",
    ),
    (
        Rule::SessionKey,
        Start::Multivariant,
        "#EXT-X-SESSION-KEY:METHOD=NONE",
    ),
    (
        Rule::SteeringServer,
        Start::Multivariant,
        "#EXT-X-CONTENT-STEERING:PATHWAY-ID=\".\"",
    ),
    (Rule::TagValue, Start::Media, "#EXT-X-PLAYLIST-TYPE:LIVE"),
    (
        Rule::AttributeListSyntax,
        Start::Media,
        "#EXT-X-MAP:URI=\"a\",X",
    ),
    (Rule::DurationComma, Start::Media, "#EXTINF:1\na"),
    (Rule::UnclaimedUri, Start::Multivariant, "b"),
    (
        Rule::HexadecimalSequence,
        Start::Media,
        "#EXT-X-DATERANGE:ID=\"a\",SCTE35-OUT=FC30",
    ),
    (
        Rule::VersionForKeyFormat,
        Start::Header,
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"",
    ),
    (
        Rule::VersionForService,
        Start::Header,
        "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"n\",INSTREAM-ID=\"SERVICE3\"",
    ),
    (
        Rule::VersionForVariables,
        Start::Header,
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"",
    ),
    (
        Rule::VersionForRemovedDateRanges,
        Start::Header,
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=1,RECENTLY-REMOVED-DATERANGES=\"\"",
    ),
    (
        Rule::VersionForRequirement,
        Start::Header,
        "#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-VIDEO-LAYOUT=\"CH-STEREO\"\na",
    ),
    (
        Rule::VersionForInstreamId,
        Start::Header,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"c\",NAME=\"n\",INSTREAM-ID=\"1\"",
    ),
    (
        Rule::IgnoredTag,
        Start::Multivariant,
        "#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-NEW=\"x\"\na",
    ),
];

#[test]
fn each_rule_is_reported_by_something() {
    for (rule, start, body) in CASES {
        let text = format!("{}{body}\n", start.text());
        let found = rules(&text);
        assert!(
            found.contains(&rule.to_string()),
            "{rule:?} in {text:?}, found {found:?}"
        );
    }
}

#[test]
fn every_rule_but_those_of_the_first_line_has_a_case() {
    let tested_elsewhere = [Rule::HeaderLine, Rule::NotUtf8];
    let missing: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| !tested_elsewhere.contains(rule))
        .filter(|rule| CASES.iter().all(|(case, _, _)| case != rule))
        .collect();
    assert_eq!(missing, []);
}
