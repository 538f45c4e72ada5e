//! Tags that the specification does not define, and what is known of some of them: advertisement markers.

use std::time::Duration;

use crate::attributes::AttributeList;
use crate::timeline::Timeline;
use crate::value::{self, Span};

/// A tag of a resolved Media Playlist that the specification does not define, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ForeignTag<'a> {
    /// Its name, without `#`.
    pub name: &'a str,
    /// What follows the `:`; empty without one.
    pub value: &'a str,
    /// The Media Sequence Number of the segment that comes after it.
    pub media_sequence_number: u64,
}

/// A foreign tag by place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignEntry {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) segment: u32,
}

/// An advertisement marker of the kind that predates `EXT-X-DATERANGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CueMarker {
    /// What it marks.
    pub kind: CueMarkerKind,
    /// How long the break is.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub duration: Option<Duration>,
    /// How much of the break has passed.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub elapsed: Option<Duration>,
    /// The SCTE-35 `splice_info_section`.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_hexadecimal")
    )]
    pub scte35: Option<Vec<u8>>,
}

/// What a [`CueMarker`] marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum CueMarkerKind {
    /// A break begins (`EXT-X-CUE-OUT`).
    Out,
    /// A break goes on (`EXT-X-CUE-OUT-CONT`).
    OutContinued,
    /// A break ends (`EXT-X-CUE-IN`).
    In,
    /// A splice message without a direction of its own (`EXT-OATCLS-SCTE35`, `EXT-X-SCTE35`).
    Splice,
}

impl ForeignTag<'_> {
    /// Reads the tag as an advertisement marker, if it is one: `EXT-X-CUE-OUT`, `EXT-X-CUE-OUT-CONT`, `EXT-X-CUE-IN`, `EXT-X-CUE`, `EXT-OATCLS-SCTE35`,
    /// `EXT-X-SCTE35`.
    ///
    /// Durations are read as `30`, `DURATION=30` or, where a break goes on, `8/30`; what cannot be read is `None`.
    pub fn cue_marker(&self) -> Option<CueMarker> {
        let list = AttributeList::new(self.value);
        let kind = match self.name {
            "EXT-X-CUE-OUT" => CueMarkerKind::Out,
            "EXT-X-CUE-OUT-CONT" => CueMarkerKind::OutContinued,
            "EXT-X-CUE-IN" => CueMarkerKind::In,
            "EXT-X-SCTE35" if list.is_yes("CUE-OUT") => CueMarkerKind::Out,
            "EXT-X-SCTE35" if list.text("CUE-OUT") == Some("CONT") => CueMarkerKind::OutContinued,
            "EXT-X-SCTE35" if list.is_yes("CUE-IN") => CueMarkerKind::In,
            "EXT-X-SCTE35" | "EXT-OATCLS-SCTE35" => CueMarkerKind::Splice,
            "EXT-X-CUE" => match list.text("TYPE") {
                Some("SpliceOut") => CueMarkerKind::Out,
                Some("SpliceIn") => CueMarkerKind::In,
                _ => CueMarkerKind::Splice,
            },
            _ => return None,
        };
        let bare = self.value.split(',').next().unwrap_or_default().trim();
        let (elapsed, duration) = match bare.split_once('/') {
            Some((elapsed, duration)) => (seconds(elapsed), seconds(duration)),
            None => (None, seconds(bare)),
        };
        let named = |names: [&str; 2]| names.iter().find_map(|name| seconds(list.text(name)?));
        let message = if self.name == "EXT-OATCLS-SCTE35" {
            Some(self.value)
        } else {
            list.text("SCTE35").or_else(|| list.text("CUE"))
        };
        Some(CueMarker {
            kind,
            duration: duration.or_else(|| named(["DURATION", "Duration"])),
            elapsed: elapsed.or_else(|| named(["ELAPSED", "ElapsedTime"])),
            scte35: message.and_then(splice_message),
        })
    }
}

impl Timeline {
    /// The tags that the specification does not define, in order.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hls_parse::{Context, CueMarkerKind};
    ///
    /// let text = b"#EXTM3U\n#EXT-X-CUE-OUT:30\n#EXTINF:6,\na.ts\n#EXT-X-CUE-IN\n#EXTINF:6,\nb.ts\n";
    /// let parsed = hls_parse::parse(text)?;
    /// let timeline = parsed.playlist.as_media().ok_or("no Media Playlist")?.resolve(&Context::new("https://example.com/".parse()?))?;
    /// let markers: Vec<_> = timeline.foreign_tags().filter_map(|tag| tag.cue_marker()).collect();
    /// assert_eq!((markers[0].kind, markers[0].duration), (CueMarkerKind::Out, Some(Duration::from_secs(30))));
    /// assert_eq!(markers[1].kind, CueMarkerKind::In);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn foreign_tags(&self) -> impl Iterator<Item = ForeignTag<'_>> {
        self.details.foreign_tags.iter().map(|tag| ForeignTag {
            name: tag.name.of(&self.text),
            value: tag.value.of(&self.text),
            media_sequence_number: self.media_sequence.saturating_add(u64::from(tag.segment)),
        })
    }
}

fn seconds(text: &str) -> Option<Duration> {
    value::decimal_billionths(text.trim().as_bytes()).map(Duration::from_nanos)
}

/// A `splice_info_section` in base64, as is usual, or in hexadecimal.
fn splice_message(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    value::hexadecimal_bytes(text).or_else(|| base64(text))
}

/// Decodes base64 with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    (count < 6 && !digits.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_whole_bytes() {
        assert_eq!(base64("/DAl"), Some(vec![0xfc, 0x30, 0x25]));
        assert_eq!(base64("/DA="), Some(vec![0xfc, 0x30]));
        assert_eq!(base64("/A"), Some(vec![0xfc]));
        for odd in ["", "=", "/", "/DAlA", "/D!l"] {
            assert_eq!(base64(odd), None, "{odd}");
        }
    }
}
