//! The names of the tags and the kind of playlist each belongs to.

/// Which kind of playlist a tag may appear in (section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagClass {
    Both,
    Media,
    Multivariant,
    Unknown,
}

/// A tag of the specification, or [`TagName::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TagName {
    /// `EXTM3U`.
    ExtM3u,
    /// `EXT-X-VERSION`.
    Version,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    IndependentSegments,
    /// `EXT-X-START`.
    Start,
    /// `EXT-X-DEFINE`.
    Define,
    /// `EXT-X-TARGETDURATION`.
    TargetDuration,
    /// `EXT-X-MEDIA-SEQUENCE`.
    MediaSequence,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    DiscontinuitySequence,
    /// `EXT-X-ENDLIST`.
    EndList,
    /// `EXT-X-PLAYLIST-TYPE`.
    PlaylistType,
    /// `EXT-X-I-FRAMES-ONLY`.
    IFramesOnly,
    /// `EXT-X-PART-INF`.
    PartInf,
    /// `EXT-X-SERVER-CONTROL`.
    ServerControl,
    /// `EXTINF`.
    Inf,
    /// `EXT-X-BYTERANGE`.
    ByteRange,
    /// `EXT-X-DISCONTINUITY`.
    Discontinuity,
    /// `EXT-X-KEY`.
    Key,
    /// `EXT-X-MAP`.
    Map,
    /// `EXT-X-PROGRAM-DATE-TIME`.
    ProgramDateTime,
    /// `EXT-X-GAP`.
    Gap,
    /// `EXT-X-BITRATE`.
    Bitrate,
    /// `EXT-X-PART`.
    Part,
    /// `EXT-X-DATERANGE`.
    DateRange,
    /// `EXT-X-SKIP`.
    Skip,
    /// `EXT-X-PRELOAD-HINT`.
    PreloadHint,
    /// `EXT-X-RENDITION-REPORT`.
    RenditionReport,
    /// `EXT-X-MEDIA`.
    Media,
    /// `EXT-X-STREAM-INF`.
    StreamInf,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    IFrameStreamInf,
    /// `EXT-X-SESSION-DATA`.
    SessionData,
    /// `EXT-X-SESSION-KEY`.
    SessionKey,
    /// `EXT-X-CONTENT-STEERING`.
    ContentSteering,
    /// Any other name that starts with `EXT`.
    Unknown,
}

impl TagName {
    /// The tag of that name, given without `#`; names are case-sensitive and match as a whole.
    pub fn from_bytes(name: &[u8]) -> Self {
        match name {
            // What most lines are comes first.
            b"EXTINF" => Self::Inf,
            b"EXT-X-PROGRAM-DATE-TIME" => Self::ProgramDateTime,
            b"EXT-X-BYTERANGE" => Self::ByteRange,
            b"EXT-X-PART" => Self::Part,
            b"EXTM3U" => Self::ExtM3u,
            b"EXT-X-VERSION" => Self::Version,
            b"EXT-X-INDEPENDENT-SEGMENTS" => Self::IndependentSegments,
            b"EXT-X-START" => Self::Start,
            b"EXT-X-DEFINE" => Self::Define,
            b"EXT-X-TARGETDURATION" => Self::TargetDuration,
            b"EXT-X-MEDIA-SEQUENCE" => Self::MediaSequence,
            b"EXT-X-DISCONTINUITY-SEQUENCE" => Self::DiscontinuitySequence,
            b"EXT-X-ENDLIST" => Self::EndList,
            b"EXT-X-PLAYLIST-TYPE" => Self::PlaylistType,
            b"EXT-X-I-FRAMES-ONLY" => Self::IFramesOnly,
            b"EXT-X-PART-INF" => Self::PartInf,
            b"EXT-X-SERVER-CONTROL" => Self::ServerControl,
            b"EXT-X-DISCONTINUITY" => Self::Discontinuity,
            b"EXT-X-KEY" => Self::Key,
            b"EXT-X-MAP" => Self::Map,
            b"EXT-X-GAP" => Self::Gap,
            b"EXT-X-BITRATE" => Self::Bitrate,
            b"EXT-X-DATERANGE" => Self::DateRange,
            b"EXT-X-SKIP" => Self::Skip,
            b"EXT-X-PRELOAD-HINT" => Self::PreloadHint,
            b"EXT-X-RENDITION-REPORT" => Self::RenditionReport,
            b"EXT-X-MEDIA" => Self::Media,
            b"EXT-X-STREAM-INF" => Self::StreamInf,
            b"EXT-X-I-FRAME-STREAM-INF" => Self::IFrameStreamInf,
            b"EXT-X-SESSION-DATA" => Self::SessionData,
            b"EXT-X-SESSION-KEY" => Self::SessionKey,
            b"EXT-X-CONTENT-STEERING" => Self::ContentSteering,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn class(self) -> TagClass {
        match self {
            Self::ExtM3u
            | Self::Version
            | Self::IndependentSegments
            | Self::Start
            | Self::Define => TagClass::Both,
            Self::TargetDuration
            | Self::MediaSequence
            | Self::DiscontinuitySequence
            | Self::EndList
            | Self::PlaylistType
            | Self::IFramesOnly
            | Self::PartInf
            | Self::ServerControl
            | Self::Inf
            | Self::ByteRange
            | Self::Discontinuity
            | Self::Key
            | Self::Map
            | Self::ProgramDateTime
            | Self::Gap
            | Self::Bitrate
            | Self::Part
            | Self::DateRange
            | Self::Skip
            | Self::PreloadHint
            | Self::RenditionReport => TagClass::Media,
            Self::Media
            | Self::StreamInf
            | Self::IFrameStreamInf
            | Self::SessionData
            | Self::SessionKey
            | Self::ContentSteering => TagClass::Multivariant,
            Self::Unknown => TagClass::Unknown,
        }
    }
}
