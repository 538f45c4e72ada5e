//! Where things lie inside an asset: paths made from what a playlist says, never from its addresses.

use hls_parse::{Rendition, RenditionKind, Timeline};
use url::Url;

/// The pinned Multivariant Playlist.
pub(crate) const MULTIVARIANT: &str = "multivariant.m3u8";

/// The name of the only track of an asset whose address was a Media Playlist.
pub(crate) const ONLY_TRACK: &str = "media";

/// Roles of entries, as the store keeps them.
pub(crate) mod role {
    pub(crate) const PLAYLIST: &str = "playlist";
    pub(crate) const SEGMENT: &str = "segment";
    pub(crate) const INITIALIZATION: &str = "initialization";
    /// The store keeps entries of this role readable by their owner only.
    pub(crate) const KEY: &str = "key";
    pub(crate) const ARTWORK: &str = "artwork";
    pub(crate) const SESSION_DATA: &str = "session-data";
    /// The JSON that tells which interstitials are played in a break.
    pub(crate) const ASSET_LIST: &str = "asset-list";
}

/// The track of a variant: `variant-0`.
pub(crate) fn variant_track(index: usize) -> String {
    format!("variant-{index}")
}

/// Whether a track is that of a variant, or all there is.
pub(crate) fn is_main(track: &str) -> bool {
    track == ONLY_TRACK || track.starts_with("variant-")
}

/// The track of a rendition: `audio-1`, `subtitles-3`.
pub(crate) fn rendition_track(index: usize, rendition: &Rendition) -> String {
    let kind = match rendition.kind {
        RenditionKind::Audio => "audio",
        RenditionKind::Video => "video",
        RenditionKind::Subtitles => "subtitles",
        _ => "rendition",
    };
    format!("{kind}-{index}")
}

/// The track of an I-frame variant: `i-frames-0`.
pub(crate) fn i_frame_track(index: usize) -> String {
    format!("{I_FRAMES}{index}")
}

pub(crate) fn is_i_frame_track(name: &str) -> bool {
    name.starts_with(I_FRAMES)
}

const I_FRAMES: &str = "i-frames-";

/// The pinned Media Playlist of a track.
pub(crate) fn playlist(track: &str) -> String {
    format!("{track}/media.m3u8")
}

/// Files of one track. The names do not depend on the order of download.
#[derive(Clone, Debug)]
pub(crate) struct TrackLayout<'a> {
    pub(crate) track: &'a str,
    pub(crate) timeline: &'a Timeline,
    /// Whether the track carries subtitles, for segments whose address has no telling ending.
    pub(crate) subtitles: bool,
}

impl TrackLayout<'_> {
    pub(crate) fn segment(&self, index: usize) -> String {
        format!("{}/{}", self.track, self.segment_name(index))
    }

    pub(crate) fn map(&self, index: usize) -> String {
        format!("{}/{}", self.track, Self::map_name(index))
    }

    pub(crate) fn key(&self, index: usize) -> String {
        format!("{}/{}", self.track, Self::key_name(index))
    }

    /// `segment-00000012.ts`: the Media Sequence Number keeps names stable when playlists grow.
    pub(crate) fn segment_name(&self, index: usize) -> String {
        let segment = self.timeline.segments().get(index);
        let number = segment
            .as_ref()
            .map_or(0, |segment| segment.media_sequence_number);
        let mapped = segment.is_some_and(|segment| segment.map.is_some());
        let url = self.timeline.segment_url(index);
        numbered_segment(number, &url, mapped, self.subtitles)
    }

    pub(crate) fn map_name(index: usize) -> String {
        format!("init-{index}.mp4")
    }

    pub(crate) fn key_name(index: usize) -> String {
        format!("key-{index}.key")
    }
}

/// The name of a segment with a Media Sequence Number.
pub(crate) fn numbered_segment(number: u64, url: &Url, mapped: bool, subtitles: bool) -> String {
    format!("segment-{number:08}.{}", ending(url, mapped, subtitles))
}

/// The ending players expect for what a segment is; the origin's own ending only counts when it is one of those.
fn ending(url: &Url, mapped: bool, subtitles: bool) -> &'static str {
    let path = url.path();
    let last = path.rsplit('/').next().unwrap_or_default();
    let written = last
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    match written.as_str() {
        "vtt" | "webvtt" => "vtt",
        "aac" | "adts" => "aac",
        "ac3" => "ac3",
        "ec3" | "eac3" => "ec3",
        "mp3" => "mp3",
        _ if mapped => "m4s",
        "m4s" | "mp4" | "m4v" | "m4a" | "cmfv" | "cmfa" => "m4s",
        _ if subtitles => "vtt",
        _ => "ts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_follow_the_content_not_the_address() {
        let of =
            |text: &str, mapped, subtitles| ending(&Url::parse(text).unwrap(), mapped, subtitles);
        assert_eq!(of("https://h/a/1.ts?x=.vtt", false, false), "ts");
        assert_eq!(of("https://h/a/1.jpg", false, false), "ts");
        assert_eq!(of("https://h/a/1.php", true, false), "m4s");
        assert_eq!(of("https://h/a/sub", false, true), "vtt");
        assert_eq!(of("https://h/a/1.AAC", false, false), "aac");
        assert_eq!(of("https://h/..%2f..%2fetc/passwd", false, false), "ts");
    }
}
