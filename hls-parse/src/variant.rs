//! The nouns of a resolved Multivariant Playlist.

use url::Url;

use crate::lazy_url::LazyUrl;
use crate::open_enum::open_enum;
use crate::playlist::Start;
use crate::shared_text::SharedText;
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ClosedCaptions {
    /// No variant has any.
    None,
    /// The group of their renditions.
    Group(SharedText),
}

/// A variant (sections 4.4.6.2 and 4.4.6.3). Attributes that are missing or cannot be read are `None`.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Variant {
    /// The Media Playlist.
    pub url: LazyUrl,
    /// `BANDWIDTH`: peak bits per second.
    pub bandwidth: Option<u64>,
    /// `AVERAGE-BANDWIDTH`: average bits per second.
    pub average_bandwidth: Option<u64>,
    /// `SCORE`: higher is better.
    pub score: Option<Decimal>,
    /// `CODECS`: RFC 6381 formats with commas between.
    pub codecs: Option<SharedText>,
    /// `SUPPLEMENTAL-CODECS`.
    pub supplemental_codecs: Option<SharedText>,
    /// `RESOLUTION`.
    pub resolution: Option<Resolution>,
    /// `FRAME-RATE`: the highest, per second.
    pub frame_rate: Option<Decimal>,
    /// `HDCP-LEVEL`.
    pub hdcp_level: Option<HdcpLevel>,
    /// `ALLOWED-CPC`.
    pub allowed_cpc: Option<SharedText>,
    /// `VIDEO-RANGE`.
    pub video_range: Option<VideoRange>,
    /// `REQ-VIDEO-LAYOUT`.
    pub video_layout: Option<SharedText>,
    /// `STABLE-VARIANT-ID`.
    pub stable_variant_id: Option<SharedText>,
    /// `PATHWAY-ID`.
    pub pathway_id: Option<SharedText>,
    /// `AUDIO`: the group of its audio renditions.
    pub audio: Option<SharedText>,
    /// `VIDEO`: the group of its video renditions.
    pub video: Option<SharedText>,
    /// `SUBTITLES`: the group of its subtitles.
    pub subtitles: Option<SharedText>,
    /// `CLOSED-CAPTIONS`.
    pub closed_captions: Option<ClosedCaptions>,
    /// `NAME`, which older writers use.
    pub name: Option<SharedText>,
    /// The line of its tag.
    pub line: u32,
}

impl Variant {
    /// The group of that kind that the variant names.
    pub fn group(&self, kind: &RenditionKind) -> Option<&str> {
        match kind {
            RenditionKind::Audio => self.audio.as_deref(),
            RenditionKind::Video => self.video.as_deref(),
            RenditionKind::Subtitles => self.subtitles.as_deref(),
            RenditionKind::ClosedCaptions => match &self.closed_captions {
                Some(ClosedCaptions::Group(group)) => Some(group),
                _ => None,
            },
            RenditionKind::Other(_) => None,
        }
    }

    /// The content steering pathway it is on: `PATHWAY-ID`, or `.` without one.
    pub fn pathway(&self) -> &str {
        self.pathway_id.as_deref().unwrap_or(".")
    }

    /// The single entries of `CODECS`.
    pub fn codec_list(&self) -> impl Iterator<Item = &str> {
        let codecs = self.codecs.as_deref().unwrap_or_default();
        codecs
            .split(',')
            .map(str::trim)
            .filter(|codec| !codec.is_empty())
    }
}

/// A rendition (section 4.4.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Rendition {
    /// `TYPE`.
    pub kind: RenditionKind,
    /// The Media Playlist; `None` when it is inside the variants themselves.
    pub url: Option<LazyUrl>,
    /// `GROUP-ID`; empty when it is missing.
    pub group_id: SharedText,
    /// `NAME`; empty when it is missing.
    pub name: SharedText,
    /// `LANGUAGE`: an RFC 5646 tag.
    pub language: Option<SharedText>,
    /// `ASSOC-LANGUAGE`.
    pub associated_language: Option<SharedText>,
    /// `STABLE-RENDITION-ID`.
    pub stable_rendition_id: Option<SharedText>,
    /// `DEFAULT`: to be played when the user chooses nothing.
    pub default: bool,
    /// `AUTOSELECT`: may be chosen without the user; implied by `DEFAULT`.
    pub autoselect: bool,
    /// `FORCED`: subtitles that are always wanted.
    pub forced: bool,
    /// `INSTREAM-ID`.
    pub instream_id: Option<SharedText>,
    /// `BIT-DEPTH`.
    pub bit_depth: Option<u64>,
    /// `SAMPLE-RATE` in hertz.
    pub sample_rate: Option<u64>,
    /// `CHARACTERISTICS`: uniform type identifiers with commas between.
    pub characteristics: Option<SharedText>,
    /// `CHANNELS` as written: the number, then what there is to say about it, with slashes between.
    pub channels: Option<SharedText>,
    /// The line of its tag.
    pub line: u32,
}

impl Rendition {
    /// The single entries of `CHARACTERISTICS`.
    pub fn characteristic_list(&self) -> impl Iterator<Item = &str> {
        let characteristics = self.characteristics.as_deref().unwrap_or_default();
        characteristics
            .split(',')
            .map(str::trim)
            .filter(|characteristic| !characteristic.is_empty())
    }

    /// The number at the start of `CHANNELS`.
    pub fn channel_count(&self) -> Option<u64> {
        let first = self.channels.as_deref()?.split('/').next()?;
        crate::value::decimal_integer(first.as_bytes())
    }
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
