//! The rules that diagnostics name.

use std::fmt;

use crate::diagnostic::Severity;

macro_rules! rules {
    ($($name:ident = $number:literal, $severity:ident, $section:literal, $summary:literal;)+) => {
        /// A rule of the specification that can be seen broken in a playlist.
        ///
        /// Numbers are stable: a rule keeps its number for ever. It is shown as `HLS` and the number, such as `HLS044`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Rule {
            $(#[doc = concat!("Section ", $section, ": ", $summary, ".")] $name = $number,)+
        }

        impl Rule {
            /// Every rule, by number.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),+];

            /// The section of draft-pantos-hls-rfc8216bis-22 it comes from.
            pub fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)+ }
            }

            /// What holds when the rule is kept.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)+ }
            }

            /// How serious a breach is to the specification; [`Diagnostic::severity`](crate::Diagnostic::severity) is how serious it was to a reading.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// Its stable number.
            pub fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }
        }
    };
}

rules! {
    HeaderLine = 1, Fatal, "4.4.1.1", "the first line is exactly #EXTM3U";
    NotUtf8 = 2, Error, "4.1", "the text is UTF-8 without a byte order mark";
    ControlCharacter = 3, Error, "4.1", "there are no control characters";
    NotNormalized = 4, Error, "4.1", "the text is in Unicode normalization form C";
    LoneCarriageReturn = 5, Error, "4.1", "lines end with LF or CR LF";
    StrayWhiteSpace = 6, Error, "4.1", "there is no white space around lines, names and values";
    FileType = 7, Error, "4", "the path ends with .m3u8 or .m3u, or the content type is that of a playlist";
    AttributeName = 8, Error, "4.2", "attribute names consist of A-Z, 0-9 and -";
    DuplicateAttribute = 9, Error, "4.2", "an attribute list has each name once";
    DecimalInteger = 10, Error, "4.2", "a decimal-integer has 1 to 20 digits and is at most 2^64-1";
    HexadecimalSequence = 11, Error, "4.2", "a hexadecimal-sequence is 0x followed by 0-9 and A-F";
    DecimalFloatingPoint = 12, Error, "4.2", "a decimal-floating-point has digits and one point only";
    QuotedString = 13, Error, "4.2", "a quoted-string is closed and not empty";
    AttributeForm = 14, Error, "4.2", "a value has the form that is defined for its attribute";
    DecimalResolution = 15, Error, "4.2", "a resolution is two decimal-integers with x between";
    MixedKinds = 16, Fatal, "4.1", "tags of both kinds of playlist do not appear together";
    RepeatedVersion = 17, Fatal, "4.4.1.2", "EXT-X-VERSION appears at most once";
    RepeatedHeaderTag = 18, Fatal, "4.4.2", "EXT-X-INDEPENDENT-SEGMENTS and EXT-X-START appear at most once each";
    RepeatedMediaTag = 19, Error, "4.4.3", "a Media Playlist tag appears at most once";
    RepeatedSkip = 20, Error, "4.4.5.2", "EXT-X-SKIP appears at most once";
    RepeatedContentSteering = 21, Error, "4.4.6.6", "EXT-X-CONTENT-STEERING appears at most once";
    TargetDuration = 22, Error, "4.4.3.1", "EXT-X-TARGETDURATION is present and at least 1";
    VersionForIv = 23, Error, "8", "IV needs version 2";
    VersionForFractionalDuration = 24, Error, "8", "fractional EXTINF durations need version 3";
    VersionForByteRange = 25, Error, "8", "EXT-X-BYTERANGE and EXT-X-I-FRAMES-ONLY need version 4";
    VersionForKeyFormat = 26, Error, "8", "SAMPLE-AES, KEYFORMAT, KEYFORMATVERSIONS and EXT-X-MAP need version 5";
    VersionForMap = 27, Error, "8", "EXT-X-MAP without EXT-X-I-FRAMES-ONLY needs version 6";
    VersionForService = 28, Error, "8", "INSTREAM-ID with SERVICE needs version 7";
    VersionForVariables = 29, Error, "8", "variables need version 8";
    VersionForSkip = 30, Error, "8", "EXT-X-SKIP needs version 9";
    VersionForRemovedDateRanges = 31, Error, "8", "EXT-X-SKIP that drops date ranges needs version 10";
    VersionForQueryParameter = 32, Error, "8", "QUERYPARAM needs version 11";
    VersionForRequirement = 33, Error, "8", "REQ- attributes need version 12";
    VersionForInstreamId = 34, Error, "8", "INSTREAM-ID on other than closed captions needs version 13";
    DefineOneSource = 35, Fatal, "4.4.2.3", "EXT-X-DEFINE has exactly one of NAME, IMPORT and QUERYPARAM";
    DefineValue = 36, Error, "4.4.2.3", "EXT-X-DEFINE with NAME has VALUE";
    DefineName = 37, Error, "4.4.2.3", "a variable name consists of A-Z, a-z, 0-9, _ and -";
    DuplicateVariable = 38, Fatal, "4.4.2.3", "a variable is defined once";
    ImportInMultivariant = 39, Error, "4.4.2.3", "IMPORT does not appear in a Multivariant Playlist";
    ImportedVariable = 40, Fatal, "4.4.2.3", "an imported variable is defined by the Multivariant Playlist";
    QueryParameter = 41, Fatal, "4.4.2.3", "a query parameter that is asked for is there and has a value";
    QueryParameterValue = 42, Error, "4.4.2.3", "a query parameter has a value that a quoted-string may have";
    UndefinedVariable = 43, Fatal, "4.3", "a variable is defined before it is used";
    SegmentDuration = 44, Error, "4.4.4.1", "each Media Segment has an EXTINF with a duration";
    DurationAboveTarget = 45, Error, "4.4.3.1", "no rounded EXTINF duration is above the target duration";
    ImplicitByteRange = 47, Fatal, "4.4.4.2", "a byte range without offset follows a range of the same resource";
    MediaSequencePlace = 48, Error, "4.4.3.2", "EXT-X-MEDIA-SEQUENCE comes before the first segment";
    DiscontinuitySequencePlace = 49, Error, "4.4.3.3", "EXT-X-DISCONTINUITY-SEQUENCE comes before the first segment and EXT-X-DISCONTINUITY";
    KeyMethod = 50, Error, "4.4.4.4", "EXT-X-KEY has METHOD";
    KeyUri = 51, Error, "4.4.4.4", "EXT-X-KEY has URI unless METHOD is NONE";
    KeyNoneAlone = 52, Error, "4.4.4.4", "METHOD=NONE stands alone";
    KeyIvForbidden = 53, Error, "4.4.4.4", "SAMPLE-AES-CTR and AES-256-GCM have no IV";
    KeyIvLength = 54, Error, "4.4.4.4", "an IV has 128 bits";
    KeyFormatVersions = 55, Error, "4.4.4.4", "KEYFORMATVERSIONS is integers with / between";
    MapUri = 56, Error, "4.4.4.5", "EXT-X-MAP has URI";
    MapByteRangeOffset = 57, Error, "4.4.4.5", "BYTERANGE of EXT-X-MAP has an offset";
    MapKeyIv = 58, Error, "4.4.4.5", "an AES-128 key that covers a map has an IV";
    RangeWithoutMap = 59, Error, "4.4.3.6", "the byte range of an I-frame leaves out its Media Initialization Section";
    Bitrate = 60, Error, "4.4.4.8", "EXT-X-BITRATE is within a tenth of the bit rate of the segment";
    AmbiguousDate = 61, Error, "6.2.1", "a date belongs to one place of the playlist";
    PartInfPresent = 62, Error, "4.4.3.7", "EXT-X-PART-INF is present when there are partial segments";
    PartTarget = 63, Error, "4.4.3.7", "EXT-X-PART-INF has PART-TARGET";
    PartAttributes = 64, Error, "4.4.4.9", "EXT-X-PART has URI and DURATION";
    PartDuration = 65, Error, "4.4.4.9", "no partial segment is longer than the part target duration";
    PartTooShort = 66, Error, "4.4.4.9", "a partial segment has at least 85 percent of the part target duration";
    PartPrecedence = 67, Error, "4.4.4.9", "what applies to a segment comes before its first partial segment";
    SkipHorizon = 69, Error, "4.4.3.8", "CAN-SKIP-UNTIL is at least six target durations";
    SkipDateRanges = 70, Error, "4.4.3.8", "CAN-SKIP-DATERANGES needs CAN-SKIP-UNTIL";
    HoldBack = 71, Error, "4.4.3.8", "HOLD-BACK is at least three target durations";
    PartHoldBack = 72, Error, "4.4.3.8", "PART-HOLD-BACK is present with EXT-X-PART-INF and at least twice the part target";
    HintAfterEnd = 73, Error, "4.4.5.3", "there is no EXT-X-PRELOAD-HINT with EXT-X-ENDLIST";
    HintAttributes = 74, Error, "4.4.5.3", "EXT-X-PRELOAD-HINT has TYPE and URI";
    ReportUri = 75, Error, "4.4.5.4", "EXT-X-RENDITION-REPORT has a relative URI";
    SkippedSegments = 76, Error, "4.4.5.2", "EXT-X-SKIP has SKIPPED-SEGMENTS";
    RemovedDateRanges = 77, Error, "6.2.5.1", "a delta update that may drop date ranges has RECENTLY-REMOVED-DATERANGES";
    RenditionReports = 78, Error, "B.1", "a low-latency playlist has an EXT-X-RENDITION-REPORT for each other one";
    HintPresent = 79, Error, "B.1", "a playlist with partial segments has an EXT-X-PRELOAD-HINT until it ends";
    LowLatencyDate = 80, Error, "B.1", "a low-latency playlist has an EXT-X-PROGRAM-DATE-TIME";
    DateRangeId = 81, Error, "4.4.5.1", "EXT-X-DATERANGE has ID";
    DateRangeStart = 82, Error, "4.4.5.1", "the first EXT-X-DATERANGE of an ID has START-DATE";
    DateRangeEnd = 83, Error, "4.4.5.1", "END-DATE is not before START-DATE";
    DateRangeDuration = 84, Error, "4.4.5.1", "DURATION and PLANNED-DURATION are not negative";
    DateRangeCue = 85, Error, "4.4.5.1", "CUE does not have both PRE and POST";
    DateRangeEndOnNext = 86, Error, "4.4.5.1", "END-ON-NEXT is YES, with CLASS, without DURATION and END-DATE, and ranges of its CLASS do not overlap";
    DateRangeAgreement = 87, Error, "4.4.5.1", "END-DATE is START-DATE plus DURATION";
    DateRangeWithoutDate = 88, Error, "4.4.5.1", "a playlist with date ranges has an EXT-X-PROGRAM-DATE-TIME";
    DateRangeConflict = 89, Error, "4.4.5.1", "date ranges of one ID have equal values for equal names";
    DateRangeClientAttribute = 90, Error, "4.4.5.1", "an X- attribute is a quoted-string, a hexadecimal-sequence or a number";
    InterstitialAsset = 91, Error, "D.2", "an interstitial has exactly one of X-ASSET-URI and X-ASSET-LIST";
    InterstitialUri = 92, Error, "D.2", "X-ASSET-URI is absolute";
    PreloadDateRange = 93, Error, "F", "a preload date range has its attributes and an end";
    SpliceInformation = 94, Error, "4.4.5.1.1", "SCTE-35 attributes hold a splice_info_section, and SCTE35-IN marks an end";
    MediaAttributes = 95, Error, "4.4.6.1", "EXT-X-MEDIA has TYPE, GROUP-ID and NAME";
    MediaUri = 96, Error, "4.4.6.2.1", "EXT-X-MEDIA has a URI with SUBTITLES and none with CLOSED-CAPTIONS";
    InstreamId = 97, Error, "4.4.6.1", "closed captions have an INSTREAM-ID, CC1 to CC4 or SERVICE1 to SERVICE63";
    MediaAttributeScope = 98, Error, "4.4.6.1", "FORCED is for subtitles, BIT-DEPTH, SAMPLE-RATE and CHANNELS are for audio";
    DefaultAutoselect = 99, Error, "4.4.6.1", "DEFAULT=YES does not go with AUTOSELECT=NO";
    StableId = 100, Error, "4.4.6.1", "a stable ID consists of A-Z, a-z, 0-9 and +/=.-_";
    GroupMembers = 101, Error, "4.4.6.1.1", "members of a group have different names and at most one is the default";
    GroupsAlike = 102, Error, "4.4.6.1.1", "groups of one type have the same members with the same attributes";
    ChannelsPresent = 103, Error, "4.4.6.1", "audio of the same name and codec has CHANNELS when it differs in them";
    StreamInf = 104, Error, "4.4.6.2", "EXT-X-STREAM-INF has BANDWIDTH and a URI line";
    GroupExists = 105, Error, "4.4.6.2", "a group that a variant names exists with that type";
    CaptionsNoneEverywhere = 106, Error, "4.4.6.2", "CLOSED-CAPTIONS=NONE is on all variants or on none";
    VideoLayout = 107, Error, "4.4.6.2", "REQ-VIDEO-LAYOUT has entries that are not empty";
    SupplementalCodecs = 108, Error, "4.4.6.2", "the base layer of SUPPLEMENTAL-CODECS is in CODECS";
    IFrameStreamInf = 109, Error, "4.4.6.3", "EXT-X-I-FRAME-STREAM-INF has BANDWIDTH and the URI of a playlist with EXT-X-I-FRAMES-ONLY";
    SessionData = 110, Error, "4.4.6.4", "EXT-X-SESSION-DATA has DATA-ID and exactly one of VALUE and URI";
    SessionKey = 111, Error, "4.4.6.5", "EXT-X-SESSION-KEY has a METHOD other than NONE and agrees with keys of the same URI";
    Steering = 112, Error, "4.4.6.6", "EXT-X-CONTENT-STEERING has SERVER-URI and a PATHWAY-ID that a variant has";
    SameTargetDuration = 113, Error, "6.2.4", "all Media Playlists have the same target duration";
    SamePlaylistType = 114, Error, "6.2.4", "EXT-X-PLAYLIST-TYPE is the same in all Media Playlists";
    DatesEverywhere = 115, Error, "6.2.4", "EXT-X-PROGRAM-DATE-TIME is in all Media Playlists or in none";
    SameServerControl = 116, Error, "6.2.4", "EXT-X-SERVER-CONTROL is the same in all Media Playlists";
    SameDateRanges = 117, Error, "6.2.4", "Media Playlists with date ranges have the same ones";
    SameDiscontinuities = 118, Error, "6.2.4", "discontinuity sequence numbers match between Media Playlists";
    SameStart = 119, Error, "4.4.2", "EXT-X-START has the same value in the Multivariant Playlist and a Media Playlist";
    TargetDurationChange = 120, Error, "6.2.1", "the target duration does not change";
    PlaylistTypeChange = 121, Error, "6.2.1", "a VOD playlist does not change and an EVENT playlist only grows";
    MediaSequenceChange = 122, Error, "6.2.2", "EXT-X-MEDIA-SEQUENCE grows by the number of segments removed";
    DiscontinuitySequenceChange = 123, Error, "6.2.2", "EXT-X-DISCONTINUITY-SEQUENCE grows by the number of discontinuities removed";
    SegmentChange = 124, Warning, "6.3.4", "a Media Sequence Number stays with its segment";
    Removal = 125, Error, "6.2.2", "segments leave a live playlist in order, enough of them stay, and keys stay as long as their segments";
    DateRangeChange = 126, Error, "6.2.1", "a date range stays while a segment overlaps it, and its ID is not used again";
    TagValue = 127, Error, "4.4", "a tag has the value that is defined for it";
    AttributeListSyntax = 128, Error, "4.2", "an attribute list is name=value pairs with commas between";
    IgnoredTag = 129, Warning, "6.3.1", "a tag whose requirements are unknown is ignored";
    DurationComma = 130, Warning, "4.4.4.1", "a comma follows the duration of EXTINF";
    UnclaimedUri = 131, Warning, "4.1", "a URI line belongs to a segment or a variant";
    RepeatedSegmentTag = 132, Warning, "4.4.4", "a tag that describes one segment appears once before it";
    UnknownValue = 133, Warning, "6.3.1", "an enumerated value is one that the specification defines";
    UnfinishedSegment = 134, Warning, "4.1", "an EXTINF is followed by a URI line";
    DateForm = 135, Warning, "4.4.4.6", "a date is ISO 8601 with a time zone";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HLS{:03}", self.number())
    }
}
