//! Localized Multivariant Playlists.

use std::collections::HashSet;

use crate::local::media::write_key;
use crate::local::{push, push_uri, quotable};
use crate::playlist::Start;
use crate::value::Decimal;
use crate::variant::{
    ClosedCaptions, HdcpLevel, Multivariant, Rendition, RenditionKind, Variant, VideoRange,
};

/// What of a Multivariant Playlist is offered locally. Indices are those of the [`Multivariant`]; URIs are relative to the playlist to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalMultivariant {
    /// Variants and the URIs of their Media Playlists.
    pub variants: Vec<(usize, String)>,
    /// Renditions and the URIs of their Media Playlists; `None` for one that is inside the variants.
    pub renditions: Vec<(usize, Option<String>)>,
    /// I-frame variants and the URIs of their Media Playlists.
    pub i_frame_variants: Vec<(usize, String)>,
    /// Whether the session keys of key systems stay, for media that stay encrypted.
    pub session_keys: bool,
}

impl Multivariant {
    /// Writes the playlist of what is offered. Indices that do not exist are passed over.
    ///
    /// A variant names a group only when a member of it is offered; each audio and video group has exactly one default, each group of subtitles at most one.
    /// Closed captions, which are inside the video, stay. Session keys are left out unless
    /// [`session_keys`](LocalMultivariant::session_keys) says otherwise, and so are session data, steering and variables. When the audio
    /// renditions of a variant are not offered and none of them is inside it, its audio codecs are left out of `CODECS`.
    pub fn write_local(&self, offered: &LocalMultivariant) -> String {
        let variants: Vec<(&Variant, &str)> = offered
            .variants
            .iter()
            .filter_map(|(index, uri)| Some((self.variants.get(*index)?, uri.as_str())))
            .collect();
        let named = |rendition: &Rendition| {
            variants
                .iter()
                .any(|(variant, _)| variant.group(&rendition.kind) == Some(rendition.group_id()))
        };
        let mut chosen = HashSet::new();
        let mut renditions: Vec<(&Rendition, Option<&str>)> = offered
            .renditions
            .iter()
            .filter(|(index, _)| chosen.insert(*index))
            .filter_map(|(index, uri)| Some((self.renditions.get(*index)?, uri.as_deref())))
            .filter(|(rendition, uri)| {
                named(rendition) && (uri.is_some() || rendition.kind != RenditionKind::Subtitles)
            })
            .filter(|(rendition, _)| rendition.kind != RenditionKind::ClosedCaptions)
            .collect();
        let captions = self
            .renditions
            .iter()
            .filter(|rendition| rendition.kind == RenditionKind::ClosedCaptions);
        renditions.extend(
            captions
                .filter(|rendition| named(rendition))
                .map(|rendition| (rendition, None)),
        );

        let mut body = String::new();
        let defaults = defaults(&renditions);
        for (index, (rendition, uri)) in renditions.iter().enumerate() {
            write_rendition(&mut body, rendition, *uri, defaults.contains(&index));
        }
        let groups: HashSet<(&RenditionKind, &str)> = renditions
            .iter()
            .map(|(rendition, _)| (&rendition.kind, rendition.group_id()))
            .collect();
        for (variant, uri) in &variants {
            self.write_variant(&mut body, variant, uri, &groups);
        }
        let i_frames = offered.i_frame_variants.iter();
        let i_frames: Vec<(&Variant, &str)> = i_frames
            .filter_map(|(index, uri)| Some((self.i_frame_variants.get(*index)?, uri.as_str())))
            .collect();
        for (variant, uri) in &i_frames {
            write_i_frame_variant(&mut body, variant, uri);
        }
        let mut version = version(&renditions, variants.iter().chain(&i_frames));
        let mut keys = String::new();
        let kept = self.session_keys.iter().filter(|_| offered.session_keys);
        for key in kept.filter(|key| !key.is_identity()) {
            let needed = write_key(&mut keys, "#EXT-X-SESSION-KEY", key, key.iv, &key.uri);
            version = version.max(needed);
        }
        let mut out = header(version, self.independent_segments, self.start);
        out.push_str(&keys);
        out.push_str(&body);
        out
    }

    fn write_variant(
        &self,
        out: &mut String,
        variant: &Variant,
        uri: &str,
        groups: &HashSet<(&RenditionKind, &str)>,
    ) {
        out.push_str("#EXT-X-STREAM-INF:");
        push_rates(out, variant);
        let offered = |kind: &RenditionKind| {
            variant
                .group(kind)
                .filter(|group| groups.contains(&(kind, group)))
        };
        let silent = variant.audio().is_some()
            && offered(&RenditionKind::Audio).is_none()
            && !self.has_audio_inside(variant);
        let codecs: Vec<&str> = variant
            .codec_list()
            .filter(|codec| !(silent && is_audio(codec)))
            .collect();
        push_quoted(out, "CODECS", Some(codecs.join(",").as_str()));
        push_picture(out, variant, variant.frame_rate);
        for kind in [
            RenditionKind::Audio,
            RenditionKind::Video,
            RenditionKind::Subtitles,
            RenditionKind::ClosedCaptions,
        ] {
            push_quoted(out, kind.as_str(), offered(&kind));
        }
        if variant.closed_captions() == Some(ClosedCaptions::None) {
            out.push_str(",CLOSED-CAPTIONS=NONE");
        }
        out.push('\n');
        push_uri(out, uri);
        out.push('\n');
    }

    fn has_audio_inside(&self, variant: &Variant) -> bool {
        let mut members = self
            .renditions
            .iter()
            .filter(|rendition| {
                rendition.kind == RenditionKind::Audio
                    && Some(rendition.group_id()) == variant.audio()
            })
            .peekable();
        members.peek().is_none() || members.any(|rendition| rendition.url.is_none())
    }
}

fn push_rates(out: &mut String, variant: &Variant) {
    let peak = variant.bandwidth.unwrap_or(0);
    push(out, format_args!("BANDWIDTH={peak}"));
    if let Some(average) = variant.average_bandwidth {
        push(out, format_args!(",AVERAGE-BANDWIDTH={average}"));
    }
    if let Some(score) = variant.score {
        push(out, format_args!(",SCORE={score}"));
    }
}

fn push_picture(out: &mut String, variant: &Variant, frame_rate: Option<Decimal>) {
    push_quoted(out, "SUPPLEMENTAL-CODECS", variant.supplemental_codecs());
    if let Some(resolution) = variant.resolution {
        push(out, format_args!(",RESOLUTION={resolution}"));
    }
    if let Some(rate) = frame_rate {
        push(out, format_args!(",FRAME-RATE={rate}"));
    }
    let level = variant.hdcp_level();
    push_word(out, "HDCP-LEVEL", level.as_ref().map(HdcpLevel::as_str));
    push_quoted(out, "ALLOWED-CPC", variant.allowed_cpc());
    let range = variant.video_range();
    push_word(out, "VIDEO-RANGE", range.as_ref().map(VideoRange::as_str));
    push_quoted(out, "REQ-VIDEO-LAYOUT", variant.video_layout());
    push_quoted(out, "STABLE-VARIANT-ID", variant.stable_variant_id());
}

/// Section 4.4.6.3: what a variant has, without frame rate and groups. Its `VIDEO` group would be one of other I-frames.
fn write_i_frame_variant(out: &mut String, variant: &Variant, uri: &str) {
    out.push_str("#EXT-X-I-FRAME-STREAM-INF:");
    push_rates(out, variant);
    push_quoted(out, "CODECS", variant.codecs());
    push_picture(out, variant, None);
    out.push_str(",URI=\"");
    push_uri(out, uri);
    out.push_str("\"\n");
}

/// Writes a Multivariant Playlist with one variant, for a presentation whose URL was that of a Media Playlist.
///
/// ```
/// let text = hls_parse::local_multivariant_for_media("media.m3u8", 2_000_000, Some("avc1.64001f,mp4a.40.2"));
/// assert!(text.ends_with("#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\"\nmedia.m3u8\n"));
/// ```
pub fn local_multivariant_for_media(
    media_uri: &str,
    bandwidth: u64,
    codecs: Option<&str>,
) -> String {
    let mut out = header(1, false, None);
    push(
        &mut out,
        format_args!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}"),
    );
    push_quoted(&mut out, "CODECS", codecs);
    out.push('\n');
    push_uri(&mut out, media_uri);
    out.push('\n');
    out
}

fn header(version: u64, independent_segments: bool, start: Option<Start>) -> String {
    let mut out = String::from("#EXTM3U\n");
    if version > 1 {
        push(&mut out, format_args!("#EXT-X-VERSION:{version}\n"));
    }
    if independent_segments {
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    if let Some(start) = start {
        out.push_str(&start_tag(start));
        out.push('\n');
    }
    out
}

pub(crate) fn start_tag(start: Start) -> String {
    let offset = start.time_offset;
    let sign = if offset.is_negative() { "-" } else { "" };
    let nanoseconds = u64::try_from(offset.as_nanos().unsigned_abs()).unwrap_or(u64::MAX);
    let precise = if start.precise { ",PRECISE=YES" } else { "" };
    format!(
        "#EXT-X-START:TIME-OFFSET={sign}{}{precise}",
        crate::value::billionths_to_text(nanoseconds)
    )
}

fn version<'a>(
    renditions: &[(&Rendition, Option<&str>)],
    mut variants: impl Iterator<Item = &'a (&'a Variant, &'a str)>,
) -> u64 {
    let of_rendition = |rendition: &Rendition| match (rendition.instream_id(), &rendition.kind) {
        (Some(id), RenditionKind::ClosedCaptions) if id.starts_with("SERVICE") => 7,
        (Some(_), kind) if *kind != RenditionKind::ClosedCaptions => 13,
        _ => 1,
    };
    let layout = variants.any(|(variant, _)| variant.video_layout().is_some());
    renditions
        .iter()
        .map(|(rendition, _)| of_rendition(rendition))
        .chain([if layout { 12 } else { 1 }])
        .max()
        .unwrap_or(1)
}

/// The indices of the members that are written as default: one of each group of audio or video, at most one of each other.
fn defaults(renditions: &[(&Rendition, Option<&str>)]) -> HashSet<usize> {
    let mut groups: Vec<(&RenditionKind, &str)> = Vec::new();
    let mut best: Vec<(u8, usize)> = Vec::new();
    for (index, (rendition, _)) in renditions.iter().enumerate() {
        let always = matches!(rendition.kind, RenditionKind::Audio | RenditionKind::Video);
        let rank = match (rendition.default, rendition.autoselect) {
            (true, _) => 3,
            (false, true) if always => 2,
            (false, false) if always => 1,
            _ => 0,
        };
        let group = (&rendition.kind, rendition.group_id());
        match groups
            .iter()
            .position(|known| *known == group)
            .and_then(|at| best.get_mut(at))
        {
            Some(entry) if entry.0 < rank => *entry = (rank, index),
            Some(_) => {}
            None => {
                groups.push(group);
                best.push((rank, index));
            }
        }
    }
    best.into_iter()
        .filter(|(rank, _)| *rank > 0)
        .map(|(_, index)| index)
        .collect()
}

fn write_rendition(out: &mut String, rendition: &Rendition, uri: Option<&str>, default: bool) {
    out.push_str("#EXT-X-MEDIA:TYPE=");
    out.push_str(rendition.kind.as_str());
    push_quoted(out, "GROUP-ID", Some(rendition.group_id()));
    push_quoted(
        out,
        "NAME",
        Some(if rendition.name().is_empty() {
            "-"
        } else {
            rendition.name()
        }),
    );
    push_quoted(out, "LANGUAGE", rendition.language());
    push_quoted(out, "ASSOC-LANGUAGE", rendition.associated_language());
    push_quoted(out, "STABLE-RENDITION-ID", rendition.stable_rendition_id());
    out.push_str(if default {
        ",DEFAULT=YES"
    } else {
        ",DEFAULT=NO"
    });
    out.push_str(if default || rendition.autoselect {
        ",AUTOSELECT=YES"
    } else {
        ",AUTOSELECT=NO"
    });
    if rendition.forced && rendition.kind == RenditionKind::Subtitles {
        out.push_str(",FORCED=YES");
    }
    push_quoted(out, "INSTREAM-ID", rendition.instream_id());
    if rendition.kind == RenditionKind::Audio {
        if let Some(depth) = rendition.bit_depth {
            push(out, format_args!(",BIT-DEPTH={depth}"));
        }
        if let Some(rate) = rendition.sample_rate {
            push(out, format_args!(",SAMPLE-RATE={rate}"));
        }
        push_quoted(out, "CHANNELS", rendition.channels());
    }
    push_quoted(out, "CHARACTERISTICS", rendition.characteristics());
    if let Some(uri) = uri {
        out.push_str(",URI=\"");
        push_uri(out, uri);
        out.push('"');
    }
    out.push('\n');
}

pub(super) fn push_quoted(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        push(out, format_args!(",{name}=\"{}\"", quotable(value)));
    }
}

fn push_word(out: &mut String, name: &str, value: Option<&str>) {
    let is_word = |value: &&str| {
        !value.is_empty()
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if let Some(value) = value.filter(is_word) {
        push(out, format_args!(",{name}={value}"));
    }
}

/// Whether an entry of `CODECS` is one of sound.
fn is_audio(codec: &str) -> bool {
    const AUDIO: [&str; 10] = [
        "mp4a", "ac-3", "ec-3", "ac-4", "alac", "flac", "fLaC", "opus", "Opus", "mp3",
    ];
    AUDIO.iter().any(|name| codec.starts_with(name))
}
