//! Which attributes each tag has, in which form, and which it must have.

use crate::attribute_name::AttributeName;
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
#[derive(Debug)]
pub(crate) struct AttributeRule {
    pub(crate) name: &'static str,
    pub(crate) known: AttributeName,
    pub(crate) form: Form,
    pub(crate) required: Option<Rule>,
}

const fn may(name: &'static str, form: Form) -> AttributeRule {
    AttributeRule {
        name,
        known: AttributeName::known(name),
        form,
        required: None,
    }
}

const fn must(name: &'static str, form: Form, rule: Rule) -> AttributeRule {
    AttributeRule {
        name,
        known: AttributeName::known(name),
        form,
        required: Some(rule),
    }
}

/// The attributes of a tag.
#[derive(Debug)]
pub(crate) struct TagRules {
    attributes: &'static [AttributeRule],
    /// One more than the place in `attributes`, for each name; 0 for those that the tag does not have.
    places: [u8; AttributeName::COUNT],
    /// How many of `attributes` there are up to the last that must be there.
    required_end: usize,
}

impl TagRules {
    const fn new(attributes: &'static [AttributeRule]) -> Self {
        let mut places = [0; AttributeName::COUNT];
        let mut required_end = 0;
        let mut number = 0u8;
        while (number as usize) < attributes.len() {
            let rule = &attributes[number as usize];
            number += 1;
            places[rule.known.place()] = number;
            if rule.required.is_some() {
                required_end = number as usize;
            }
        }
        Self {
            attributes,
            places,
            required_end,
        }
    }

    /// The attributes that must be there, and others before the last of them.
    #[inline]
    pub(crate) fn up_to_last_required(&self) -> &'static [AttributeRule] {
        self.attributes.get(..self.required_end).unwrap_or_default()
    }

    /// What is said of an attribute, if the tag has it.
    #[inline]
    pub(crate) fn of(&self, name: AttributeName) -> Option<&'static AttributeRule> {
        let place = usize::from(self.places[name.place()]);
        self.attributes.get(place.checked_sub(1)?)
    }
}

use Form::{
    Float, Hexadecimal, Integer, Quoted, QuotedOrEmpty, QuotedOrNone, Resolution, SignedFloat,
    StableId, Word, Yes, YesNo,
};

/// The attributes of a tag, or `None` for a tag without an attribute list.
pub(crate) fn attributes_of(name: TagName) -> Option<&'static TagRules> {
    Some(match name {
        TagName::Start => &START,
        TagName::Define => &DEFINE,
        TagName::PartInf => &PART_INF,
        TagName::ServerControl => &SERVER_CONTROL,
        TagName::Key | TagName::SessionKey => &KEY,
        TagName::Map => &MAP,
        TagName::Part => &PART,
        TagName::DateRange => &DATE_RANGE,
        TagName::Skip => &SKIP,
        TagName::PreloadHint => &PRELOAD_HINT,
        TagName::RenditionReport => &RENDITION_REPORT,
        TagName::Media => &MEDIA,
        TagName::StreamInf => &STREAM_INF,
        TagName::IFrameStreamInf => &I_FRAME_STREAM_INF,
        TagName::SessionData => &SESSION_DATA,
        TagName::ContentSteering => &CONTENT_STEERING,
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

static KEY: TagRules = TagRules::new(&[
    must("METHOD", METHOD, Rule::KeyMethod),
    may("URI", Quoted),
    may("IV", Hexadecimal),
    may("KEYFORMAT", Quoted),
    may("KEYFORMATVERSIONS", Quoted),
]);

static MEDIA: TagRules = TagRules::new(&[
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
]);

static STREAM_INF: TagRules = TagRules::new(&[
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
]);

static I_FRAME_STREAM_INF: TagRules = TagRules::new(&[
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
]);

static START: TagRules = TagRules::new(&[may("TIME-OFFSET", SignedFloat), may("PRECISE", YesNo)]);

static DEFINE: TagRules = TagRules::new(&[
    may("NAME", Quoted),
    may("VALUE", QuotedOrEmpty),
    may("IMPORT", Quoted),
    may("QUERYPARAM", Quoted),
]);

static PART_INF: TagRules = TagRules::new(&[must("PART-TARGET", Float, Rule::PartTarget)]);

static SERVER_CONTROL: TagRules = TagRules::new(&[
    may("CAN-SKIP-UNTIL", Float),
    may("CAN-SKIP-DATERANGES", Yes),
    may("HOLD-BACK", Float),
    may("PART-HOLD-BACK", Float),
    may("CAN-BLOCK-RELOAD", Yes),
]);

static MAP: TagRules =
    TagRules::new(&[must("URI", Quoted, Rule::MapUri), may("BYTERANGE", Quoted)]);

static PART: TagRules = TagRules::new(&[
    must("URI", Quoted, Rule::PartAttributes),
    must("DURATION", Float, Rule::PartAttributes),
    may("INDEPENDENT", Yes),
    may("BYTERANGE", Quoted),
    may("GAP", Yes),
]);

static DATE_RANGE: TagRules = TagRules::new(&[
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
]);

static SKIP: TagRules = TagRules::new(&[
    must("SKIPPED-SEGMENTS", Integer, Rule::SkippedSegments),
    may("RECENTLY-REMOVED-DATERANGES", QuotedOrEmpty),
]);

static PRELOAD_HINT: TagRules = TagRules::new(&[
    must("TYPE", HINT_TYPE, Rule::HintAttributes),
    must("URI", Quoted, Rule::HintAttributes),
    may("BYTERANGE-START", Integer),
    may("BYTERANGE-LENGTH", Integer),
]);

static RENDITION_REPORT: TagRules = TagRules::new(&[
    must("URI", Quoted, Rule::ReportUri),
    may("LAST-MSN", Integer),
    may("LAST-PART", Integer),
]);

static SESSION_DATA: TagRules = TagRules::new(&[
    must("DATA-ID", Quoted, Rule::SessionData),
    may("VALUE", Quoted),
    may("URI", Quoted),
    may("FORMAT", Word(&["JSON", "RAW"])),
    may("LANGUAGE", Quoted),
]);

static CONTENT_STEERING: TagRules = TagRules::new(&[
    must("SERVER-URI", Quoted, Rule::Steering),
    may("PATHWAY-ID", Quoted),
]);
