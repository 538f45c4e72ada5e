//! The nouns of a resolved Multivariant Playlist.

use url::Url;

use crate::attribute_name::AttributeName;
use crate::entry_texts::{EntryText, EntryTexts, text_attributes};
use crate::lazy_url::LazyUrl;
use crate::open_enum::open_enum;
use crate::playlist::Start;
use crate::timeline::Key;
use crate::value::{Decimal, Resolution};
use crate::variables::Variables;

/// A Multivariant Playlist with its variables replaced and its URLs absolute.
///
/// What section 6.3.1 tells a client to ignore (variants with unknown requirements, renditions of unknown type) is left out.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Multivariant {
    /// The variants, in order.
    pub variants: Vec<Variant>,
    /// The renditions, in order.
    pub renditions: Vec<Rendition>,
    /// The variants that hold I-frames only (`EXT-X-I-FRAME-STREAM-INF`).
    pub i_frame_variants: Vec<Variant>,
    /// Keys announced ahead (`EXT-X-SESSION-KEY`).
    pub session_keys: Vec<Key>,
    /// Data about the presentation (`EXT-X-SESSION-DATA`).
    pub session_data: Vec<SessionData>,
    /// Where pathways are steered from (`EXT-X-CONTENT-STEERING`).
    pub content_steering: Option<ContentSteering>,
    /// Whether every segment of every variant can be decoded alone.
    pub independent_segments: bool,
    /// Where to start playing.
    pub start: Option<Start>,
    pub(crate) variables: Variables,
}

impl Multivariant {
    /// The variables, for [`Context::with_imports`](crate::Context::with_imports) of the Media Playlists.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The content steering pathways that variants are on, each once, in order of first appearance.
    pub fn pathways(&self) -> Vec<&str> {
        let mut pathways = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for pathway in self.variants.iter().map(Variant::pathway) {
            if seen.insert(pathway) {
                pathways.push(pathway);
            }
        }
        pathways
    }
}

open_enum! {
    /// The dynamic range of a variant.
    VideoRange {
        /// Standard dynamic range.
        Sdr = "SDR",
        /// Hybrid log-gamma.
        Hlg = "HLG",
        /// Perceptual quantization (SMPTE ST 2084).
        Pq = "PQ",
    }
}

open_enum! {
    /// The copy protection that an output must have.
    HdcpLevel {
        /// HDCP type 0.
        Type0 = "TYPE-0",
        /// HDCP type 1.
        Type1 = "TYPE-1",
        /// No protection.
        None = "NONE",
    }
}

open_enum! {
    /// What a rendition holds.
    RenditionKind {
        /// Sound.
        Audio = "AUDIO",
        /// Pictures.
        Video = "VIDEO",
        /// Text in a playlist of its own.
        Subtitles = "SUBTITLES",
        /// Text inside the video.
        ClosedCaptions = "CLOSED-CAPTIONS",
    }
}

/// What a variant says about closed captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ClosedCaptions<'a> {
    /// No variant has any.
    None,
    /// The group of their renditions.
    Group(&'a str),
}

/// A variant (sections 4.4.6.2 and 4.4.6.3). Attributes that are missing or cannot be read are `None`.
///
/// Text stays where it was read: a variant keeps the text of its playlist in memory, and what is asked for is looked up there.
///
/// ```
/// use hls_parse::{Variant, VideoRange};
///
/// let mut variant = Variant::new("https://example.com/high.m3u8".parse::<url::Url>()?, 5_000_000);
/// variant.set_codecs(Some("hvc1.2.4.L123.B0,mp4a.40.2"));
/// variant.set_video_range(Some(&VideoRange::Pq));
/// assert_eq!(variant.codecs(), Some("hvc1.2.4.L123.B0,mp4a.40.2"));
/// assert_eq!(variant.audio(), None);
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Variant {
    pub(crate) url: LazyUrl,
    /// `BANDWIDTH`: peak bits per second.
    pub bandwidth: Option<u64>,
    /// `AVERAGE-BANDWIDTH`: average bits per second.
    pub average_bandwidth: Option<u64>,
    /// `SCORE`: higher is better.
    pub score: Option<Decimal>,
    /// `RESOLUTION`.
    pub resolution: Option<Resolution>,
    /// `FRAME-RATE`: the highest, per second.
    pub frame_rate: Option<Decimal>,
    /// The line of its tag.
    pub line: u32,
    pub(crate) texts: EntryTexts,
}

text_attributes! { Variant:
    /// `CODECS`: RFC 6381 formats with commas between.
    codecs, set_codecs = Codecs;
    /// `SUPPLEMENTAL-CODECS`.
    supplemental_codecs, set_supplemental_codecs = SupplementalCodecs;
    /// `ALLOWED-CPC`.
    allowed_cpc, set_allowed_cpc = AllowedCpc;
    /// `REQ-VIDEO-LAYOUT`.
    video_layout, set_video_layout = ReqVideoLayout;
    /// `STABLE-VARIANT-ID`.
    stable_variant_id, set_stable_variant_id = StableVariantId;
    /// `PATHWAY-ID`.
    pathway_id, set_pathway_id = PathwayId;
    /// `AUDIO`: the group of its audio renditions.
    audio, set_audio = Audio;
    /// `VIDEO`: the group of its video renditions.
    video, set_video = Video;
    /// `SUBTITLES`: the group of its subtitles.
    subtitles, set_subtitles = Subtitles;
    /// `NAME`, which older writers use.
    name, set_name = Name;
}

impl Variant {
    /// The URL of its Media Playlist.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Sets [`url`](Self::url).
    pub fn set_url(&mut self, url: Url) {
        self.texts.keep_source_of(Some(&self.url));
        self.url = url.into();
    }

    fn text(&self, name: AttributeName) -> Option<&str> {
        self.texts.get(Some(&self.url), name)
    }

    /// Whether variables are replaced in the attribute.
    pub(crate) fn has_variables(name: AttributeName) -> bool {
        Self::is_text(name) || name == AttributeName::ClosedCaptions
    }

    /// `HDCP-LEVEL`.
    pub fn hdcp_level(&self) -> Option<HdcpLevel> {
        self.text(AttributeName::HdcpLevel).map(Into::into)
    }

    /// Sets [`hdcp_level`](Self::hdcp_level); `None` takes the attribute away.
    pub fn set_hdcp_level(&mut self, level: Option<&HdcpLevel>) {
        let level = level.map(HdcpLevel::as_str);
        self.texts.set(AttributeName::HdcpLevel, level);
    }

    /// `VIDEO-RANGE`.
    pub fn video_range(&self) -> Option<VideoRange> {
        self.text(AttributeName::VideoRange).map(Into::into)
    }

    /// Sets [`video_range`](Self::video_range); `None` takes the attribute away.
    pub fn set_video_range(&mut self, range: Option<&VideoRange>) {
        let range = range.map(VideoRange::as_str);
        self.texts.set(AttributeName::VideoRange, range);
    }

    /// `CLOSED-CAPTIONS`.
    pub fn closed_captions(&self) -> Option<ClosedCaptions<'_>> {
        let text = self
            .texts
            .entry(Some(&self.url), AttributeName::ClosedCaptions)?;
        Some(match text.value {
            "NONE" if !text.quoted => ClosedCaptions::None,
            group => ClosedCaptions::Group(group),
        })
    }

    /// Sets [`closed_captions`](Self::closed_captions); `None` takes the attribute away.
    pub fn set_closed_captions(&mut self, captions: Option<ClosedCaptions<'_>>) {
        let text = captions.map(|captions| match captions {
            ClosedCaptions::None => EntryText {
                quoted: false,
                value: "NONE",
            },
            ClosedCaptions::Group(value) => EntryText {
                quoted: true,
                value,
            },
        });
        self.texts.set_entry(AttributeName::ClosedCaptions, text);
    }

    /// The group of that kind that the variant names.
    pub fn group(&self, kind: &RenditionKind) -> Option<&str> {
        match kind {
            RenditionKind::Audio => self.audio(),
            RenditionKind::Video => self.video(),
            RenditionKind::Subtitles => self.subtitles(),
            RenditionKind::ClosedCaptions => match self.closed_captions() {
                Some(ClosedCaptions::Group(group)) => Some(group),
                _ => None,
            },
            RenditionKind::Other(_) => None,
        }
    }

    /// The content steering pathway it is on: `PATHWAY-ID`, or `.` without one.
    pub fn pathway(&self) -> &str {
        self.pathway_id().unwrap_or(".")
    }

    /// The single entries of `CODECS`.
    pub fn codec_list(&self) -> impl Iterator<Item = &str> {
        entries_of(self.codecs())
    }
}

/// A rendition (section 4.4.6.1). Text stays where it was read, as that of a [`Variant`] does.
#[derive(Clone)]
#[non_exhaustive]
pub struct Rendition {
    /// `TYPE`.
    pub kind: RenditionKind,
    pub(crate) url: Option<LazyUrl>,
    /// `DEFAULT`: to be played when the user chooses nothing.
    pub default: bool,
    /// `AUTOSELECT`: may be chosen without the user; implied by `DEFAULT`.
    pub autoselect: bool,
    /// `FORCED`: subtitles that are always wanted.
    pub forced: bool,
    /// `BIT-DEPTH`.
    pub bit_depth: Option<u64>,
    /// `SAMPLE-RATE` in hertz.
    pub sample_rate: Option<u64>,
    /// The line of its tag.
    pub line: u32,
    pub(crate) texts: EntryTexts,
}

text_attributes! { Rendition:
    /// `LANGUAGE`: an RFC 5646 tag.
    language, set_language = Language;
    /// `ASSOC-LANGUAGE`.
    associated_language, set_associated_language = AssocLanguage;
    /// `STABLE-RENDITION-ID`.
    stable_rendition_id, set_stable_rendition_id = StableRenditionId;
    /// `INSTREAM-ID`.
    instream_id, set_instream_id = InstreamId;
    /// `CHARACTERISTICS`: uniform type identifiers with commas between.
    characteristics, set_characteristics = Characteristics;
    /// `CHANNELS` as written: the number, then what there is to say about it, with slashes between.
    channels, set_channels = Channels;
}

impl Rendition {
    /// The URL of its Media Playlist; `None` when it is inside the variants themselves.
    pub fn url(&self) -> Option<&Url> {
        self.url.as_deref()
    }

    /// Sets [`url`](Self::url).
    pub fn set_url(&mut self, url: Option<Url>) {
        self.texts.keep_source_of(self.url.as_ref());
        self.url = url.map(Into::into);
    }

    fn text(&self, name: AttributeName) -> Option<&str> {
        self.texts.get(self.url.as_ref(), name)
    }

    /// Whether variables are replaced in the attribute.
    pub(crate) fn has_variables(name: AttributeName) -> bool {
        Self::is_text(name) || matches!(name, AttributeName::GroupId | AttributeName::Name)
    }

    /// `GROUP-ID`; empty when it is missing.
    pub fn group_id(&self) -> &str {
        self.text(AttributeName::GroupId).unwrap_or_default()
    }

    /// Sets [`group_id`](Self::group_id).
    pub fn set_group_id(&mut self, group_id: &str) {
        self.texts.set(AttributeName::GroupId, Some(group_id));
    }

    /// `NAME`; empty when it is missing.
    pub fn name(&self) -> &str {
        self.text(AttributeName::Name).unwrap_or_default()
    }

    /// Sets [`name`](Self::name).
    pub fn set_name(&mut self, name: &str) {
        self.texts.set(AttributeName::Name, Some(name));
    }

    /// The single entries of `CHARACTERISTICS`.
    pub fn characteristic_list(&self) -> impl Iterator<Item = &str> {
        entries_of(self.characteristics())
    }

    /// The number at the start of `CHANNELS`.
    pub fn channel_count(&self) -> Option<u64> {
        let first = self.channels()?.split('/').next()?;
        crate::value::decimal_integer(first.as_bytes())
    }
}

/// What is between commas.
fn entries_of(list: Option<&str>) -> impl Iterator<Item = &str> {
    let entries = list.unwrap_or_default().split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// Data about the presentation (section 4.4.6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SessionData {
    /// `DATA-ID`.
    pub data_id: String,
    /// `VALUE`.
    pub value: Option<String>,
    /// `URI`, absolute.
    pub url: Option<Url>,
    /// `FORMAT` as written; JSON when it is missing.
    pub format: Option<String>,
    /// `LANGUAGE`.
    pub language: Option<String>,
}

/// Where pathways are steered from (section 4.4.6.6).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ContentSteering {
    /// `SERVER-URI`, absolute.
    pub server_url: Url,
    /// `PATHWAY-ID`: the pathway to begin with.
    pub pathway_id: Option<String>,
}
