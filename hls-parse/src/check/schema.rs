//! Which attributes each tag has, in which form, and which it must have.

use crate::rule::Rule;
use crate::tag::TagName;

/// The form of a value (section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Integer,
    Hexadecimal,
    Float,
    SignedFloat,
    /// A quoted-string that is not empty.
    Quoted,
    /// A quoted-string that may be empty.
    QuotedOrEmpty,
    /// An enumerated-string, and the values that are defined for it.
    Word(&'static [&'static str]),
    /// An enumerated-string that is YES or NO.
    YesNo,
    /// An enumerated-string that is YES.
    Yes,
    /// A quoted-string of the characters that a stable ID may have.
    StableId,
    Resolution,
    /// A quoted-string, or the word NONE.
    QuotedOrNone,
}

/// One attribute of a tag, and the rule that is broken when it is missing.
pub(crate) struct AttributeRule {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) required: Option<Rule>,
}

const fn may(name: &'static str, form: Form) -> AttributeRule {
    AttributeRule {
        name,
        form,
        required: None,
    }
}

const fn must(name: &'static str, form: Form, rule: Rule) -> AttributeRule {
    AttributeRule {
        name,
        form,
        required: Some(rule),
    }
}

use Form::{
    Float, Hexadecimal, Integer, Quoted, QuotedOrEmpty, QuotedOrNone, Resolution, SignedFloat,
    StableId, Word, Yes, YesNo,
};

/// The attributes of a tag, or `None` for a tag without an attribute list.
pub(crate) fn attributes_of(name: TagName) -> Option<&'static [AttributeRule]> {
    Some(match name {
        TagName::Start => START,
        TagName::Define => DEFINE,
        TagName::PartInf => PART_INF,
        TagName::ServerControl => SERVER_CONTROL,
        TagName::Key | TagName::SessionKey => KEY,
        TagName::Map => MAP,
        TagName::Part => PART,
        TagName::DateRange => DATE_RANGE,
        TagName::Skip => SKIP,
        TagName::PreloadHint => PRELOAD_HINT,
        TagName::RenditionReport => RENDITION_REPORT,
        TagName::Media => MEDIA,
        TagName::StreamInf => STREAM_INF,
        TagName::IFrameStreamInf => I_FRAME_STREAM_INF,
        TagName::SessionData => SESSION_DATA,
        TagName::ContentSteering => CONTENT_STEERING,
        _ => return None,
    })
}

const METHOD: Form = Word(&[
    "NONE",
    "AES-128",
    "SAMPLE-AES",
    "SAMPLE-AES-CTR",
    "AES-256-GCM",
]);
const MEDIA_TYPE: Form = Word(&["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]);
const HINT_TYPE: Form = Word(&["PART", "MAP"]);
const HDCP_LEVEL: Form = Word(&["TYPE-0", "TYPE-1", "NONE"]);
const VIDEO_RANGE: Form = Word(&["SDR", "HLG", "PQ"]);

const KEY: &[AttributeRule] = &[
    must("METHOD", METHOD, Rule::KeyMethod),
    may("URI", Quoted),
    may("IV", Hexadecimal),
    may("KEYFORMAT", Quoted),
    may("KEYFORMATVERSIONS", Quoted),
];

const MEDIA: &[AttributeRule] = &[
    must("TYPE", MEDIA_TYPE, Rule::MediaAttributes),
    may("URI", Quoted),
    must("GROUP-ID", Quoted, Rule::MediaAttributes),
    may("LANGUAGE", Quoted),
    may("ASSOC-LANGUAGE", Quoted),
    must("NAME", Quoted, Rule::MediaAttributes),
    may("STABLE-RENDITION-ID", StableId),
    may("DEFAULT", YesNo),
    may("AUTOSELECT", YesNo),
    may("FORCED", YesNo),
    may("INSTREAM-ID", Quoted),
    may("BIT-DEPTH", Integer),
    may("SAMPLE-RATE", Integer),
    may("CHARACTERISTICS", Quoted),
    may("CHANNELS", Quoted),
];

const STREAM_INF: &[AttributeRule] = &[
    must("BANDWIDTH", Integer, Rule::StreamInf),
    may("AVERAGE-BANDWIDTH", Integer),
    may("SCORE", Float),
    may("CODECS", Quoted),
    may("SUPPLEMENTAL-CODECS", Quoted),
    may("RESOLUTION", Resolution),
    may("FRAME-RATE", Float),
    may("HDCP-LEVEL", HDCP_LEVEL),
    may("ALLOWED-CPC", Quoted),
    may("VIDEO-RANGE", VIDEO_RANGE),
    may("REQ-VIDEO-LAYOUT", Quoted),
    may("STABLE-VARIANT-ID", StableId),
    may("PATHWAY-ID", Quoted),
    may("AUDIO", Quoted),
    may("VIDEO", Quoted),
    may("SUBTITLES", Quoted),
    may("CLOSED-CAPTIONS", QuotedOrNone),
    may("NAME", Quoted),
];

const I_FRAME_STREAM_INF: &[AttributeRule] = &[
    must("BANDWIDTH", Integer, Rule::IFrameStreamInf),
    must("URI", Quoted, Rule::IFrameStreamInf),
    may("AVERAGE-BANDWIDTH", Integer),
    may("SCORE", Float),
    may("CODECS", Quoted),
    may("SUPPLEMENTAL-CODECS", Quoted),
    may("RESOLUTION", Resolution),
    may("HDCP-LEVEL", HDCP_LEVEL),
    may("ALLOWED-CPC", Quoted),
    may("VIDEO-RANGE", VIDEO_RANGE),
    may("REQ-VIDEO-LAYOUT", Quoted),
    may("STABLE-VARIANT-ID", StableId),
    may("PATHWAY-ID", Quoted),
    may("VIDEO", Quoted),
];

const START: &[AttributeRule] = &[may("TIME-OFFSET", SignedFloat), may("PRECISE", YesNo)];

const DEFINE: &[AttributeRule] = &[
    may("NAME", Quoted),
    may("VALUE", QuotedOrEmpty),
    may("IMPORT", Quoted),
    may("QUERYPARAM", Quoted),
];

const PART_INF: &[AttributeRule] = &[must("PART-TARGET", Float, Rule::PartTarget)];

const SERVER_CONTROL: &[AttributeRule] = &[
    may("CAN-SKIP-UNTIL", Float),
    may("CAN-SKIP-DATERANGES", Yes),
    may("HOLD-BACK", Float),
    may("PART-HOLD-BACK", Float),
    may("CAN-BLOCK-RELOAD", Yes),
];

const MAP: &[AttributeRule] = &[must("URI", Quoted, Rule::MapUri), may("BYTERANGE", Quoted)];

const PART: &[AttributeRule] = &[
    must("URI", Quoted, Rule::PartAttributes),
    must("DURATION", Float, Rule::PartAttributes),
    may("INDEPENDENT", Yes),
    may("BYTERANGE", Quoted),
    may("GAP", Yes),
];

const DATE_RANGE: &[AttributeRule] = &[
    must("ID", Quoted, Rule::DateRangeId),
    may("CLASS", Quoted),
    may("START-DATE", Quoted),
    may("CUE", Quoted),
    may("END-DATE", Quoted),
    may("DURATION", Float),
    may("PLANNED-DURATION", Float),
    may("END-ON-NEXT", YesNo),
    may("SCTE35-CMD", Hexadecimal),
    may("SCTE35-OUT", Hexadecimal),
    may("SCTE35-IN", Hexadecimal),
];

const SKIP: &[AttributeRule] = &[
    must("SKIPPED-SEGMENTS", Integer, Rule::SkippedSegments),
    may("RECENTLY-REMOVED-DATERANGES", QuotedOrEmpty),
];

const PRELOAD_HINT: &[AttributeRule] = &[
    must("TYPE", HINT_TYPE, Rule::HintAttributes),
    must("URI", Quoted, Rule::HintAttributes),
    may("BYTERANGE-START", Integer),
    may("BYTERANGE-LENGTH", Integer),
];

const RENDITION_REPORT: &[AttributeRule] = &[
    must("URI", Quoted, Rule::ReportUri),
    may("LAST-MSN", Integer),
    may("LAST-PART", Integer),
];

const SESSION_DATA: &[AttributeRule] = &[
    must("DATA-ID", Quoted, Rule::SessionData),
    may("VALUE", Quoted),
    may("URI", Quoted),
    may("FORMAT", Word(&["JSON", "RAW"])),
    may("LANGUAGE", Quoted),
];

const CONTENT_STEERING: &[AttributeRule] = &[
    must("SERVER-URI", Quoted, Rule::Steering),
    may("PATHWAY-ID", Quoted),
];
