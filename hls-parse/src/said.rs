//! What variants and renditions say, all of it: what they are compared, shown and serialized by.

use std::fmt;

use crate::lazy_url::LazyUrl;
use crate::value::{Decimal, Resolution};
use crate::variant::{self, ClosedCaptions, HdcpLevel, RenditionKind, VideoRange};

#[derive(Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
struct Variant<'a> {
    url: &'a LazyUrl,
    bandwidth: Option<u64>,
    average_bandwidth: Option<u64>,
    score: Option<Decimal>,
    codecs: Option<&'a str>,
    supplemental_codecs: Option<&'a str>,
    resolution: Option<Resolution>,
    frame_rate: Option<Decimal>,
    hdcp_level: Option<HdcpLevel>,
    allowed_cpc: Option<&'a str>,
    video_range: Option<VideoRange>,
    video_layout: Option<&'a str>,
    stable_variant_id: Option<&'a str>,
    pathway_id: Option<&'a str>,
    audio: Option<&'a str>,
    video: Option<&'a str>,
    subtitles: Option<&'a str>,
    closed_captions: Option<ClosedCaptions<'a>>,
    name: Option<&'a str>,
    line: u32,
}

impl<'a> Variant<'a> {
    fn of(variant: &'a variant::Variant) -> Self {
        Self {
            url: &variant.url,
            bandwidth: variant.bandwidth,
            average_bandwidth: variant.average_bandwidth,
            score: variant.score,
            codecs: variant.codecs(),
            supplemental_codecs: variant.supplemental_codecs(),
            resolution: variant.resolution,
            frame_rate: variant.frame_rate,
            hdcp_level: variant.hdcp_level(),
            allowed_cpc: variant.allowed_cpc(),
            video_range: variant.video_range(),
            video_layout: variant.video_layout(),
            stable_variant_id: variant.stable_variant_id(),
            pathway_id: variant.pathway_id(),
            audio: variant.audio(),
            video: variant.video(),
            subtitles: variant.subtitles(),
            closed_captions: variant.closed_captions(),
            name: variant.name(),
            line: variant.line,
        }
    }
}

#[derive(Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
struct Rendition<'a> {
    kind: &'a RenditionKind,
    url: Option<&'a LazyUrl>,
    group_id: &'a str,
    name: &'a str,
    language: Option<&'a str>,
    associated_language: Option<&'a str>,
    stable_rendition_id: Option<&'a str>,
    default: bool,
    autoselect: bool,
    forced: bool,
    instream_id: Option<&'a str>,
    bit_depth: Option<u64>,
    sample_rate: Option<u64>,
    characteristics: Option<&'a str>,
    channels: Option<&'a str>,
    line: u32,
}

impl<'a> Rendition<'a> {
    fn of(rendition: &'a variant::Rendition) -> Self {
        Self {
            kind: &rendition.kind,
            url: rendition.url.as_ref(),
            group_id: rendition.group_id(),
            name: rendition.name(),
            language: rendition.language(),
            associated_language: rendition.associated_language(),
            stable_rendition_id: rendition.stable_rendition_id(),
            default: rendition.default,
            autoselect: rendition.autoselect,
            forced: rendition.forced,
            instream_id: rendition.instream_id(),
            bit_depth: rendition.bit_depth,
            sample_rate: rendition.sample_rate,
            characteristics: rendition.characteristics(),
            channels: rendition.channels(),
            line: rendition.line,
        }
    }
}

/// Does for a type what its namesake of this module does.
macro_rules! as_said {
    ($($name:ident),+) => {$(
        impl PartialEq for variant::$name {
            fn eq(&self, other: &Self) -> bool {
                $name::of(self) == $name::of(other)
            }
        }

        impl Eq for variant::$name {}

        impl fmt::Debug for variant::$name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $name::of(self).fmt(f)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for variant::$name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $name::of(self).serialize(serializer)
            }
        }
    )+};
}

as_said!(Variant, Rendition);
