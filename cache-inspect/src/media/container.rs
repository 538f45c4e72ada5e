//! What kind of file some bytes are.

use std::fmt;

use serde::Serialize;

use super::frame;

/// What kind of file some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Container {
    /// MPEG-2 Transport Stream.
    MpegTs,
    /// MP4: an initialization section, fragments, or a whole file.
    Mp4,
    /// AAC in ADTS frames, with or without an ID3 tag before.
    Adts,
    /// MPEG audio layer 1 to 3, with or without an ID3 tag before.
    Mp3,
    /// AC-3, with or without an ID3 tag before.
    Ac3,
    /// Enhanced AC-3, with or without an ID3 tag before.
    Eac3,
    /// An ID3 tag, and nothing known after it.
    Id3,
    /// WebVTT.
    WebVtt,
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A GIF picture.
    Gif,
    /// An HTML page, where servers often mean an error or a login.
    Html,
    /// None of these.
    Unknown,
}

impl Container {
    /// Its name, as people know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MpegTs => "MPEG-TS",
            Self::Mp4 => "MP4",
            Self::Adts => "AAC",
            Self::Mp3 => "MP3",
            Self::Ac3 => "AC-3",
            Self::Eac3 => "E-AC-3",
            Self::Id3 => "ID3",
            Self::WebVtt => "WebVTT",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Html => "HTML",
            Self::Unknown => "unknown",
        }
    }

    /// RFC 8216bis section 3.1 knows it as the format of media segments.
    pub fn is_segment(self) -> bool {
        matches!(
            self,
            Self::MpegTs
                | Self::Mp4
                | Self::Adts
                | Self::Mp3
                | Self::Ac3
                | Self::Eac3
                | Self::WebVtt
        )
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tells what kind of file the bytes are, from their start.
///
/// The first kilobyte is enough for all but long ID3 tags; more makes the answer surer for
/// Transport Streams. Encrypted segments are [`Container::Unknown`].
pub fn identify(bytes: &[u8]) -> Container {
    let signatures: [(&[u8], Container); 4] = [
        (b"GIF87a", Container::Gif),
        (b"GIF89a", Container::Gif),
        (b"\x89PNG\r\n\x1a\n", Container::Png),
        (b"\xff\xd8\xff", Container::Jpeg),
    ];
    if let Some((_, picture)) = (signatures.iter()).find(|(start, _)| bytes.starts_with(start)) {
        return *picture;
    }
    if is_transport_stream(bytes) {
        return Container::MpegTs;
    }
    if is_mp4(bytes) {
        return Container::Mp4;
    }
    let (tagged, audio) = skip_id3(bytes);
    match identify_audio(audio) {
        Some(container) => container,
        None if tagged => Container::Id3,
        None => identify_text(bytes),
    }
}

/// A sync byte at each of the first packets that are there.
fn is_transport_stream(bytes: &[u8]) -> bool {
    const PACKET: usize = 188;
    const SYNC: u8 = 0x47;
    bytes.len() >= PACKET
        && (bytes.iter().step_by(PACKET).take(5)).all(|first_of_packet| *first_of_packet == SYNC)
}

fn is_mp4(bytes: &[u8]) -> bool {
    let (Some((size, rest)), true) = (bytes.split_first_chunk::<4>(), bytes.len() >= 8) else {
        return false;
    };
    // Size 0 is up to the end of the file, 1 a size of 64 bits after the type.
    let plausible = matches!(u32::from_be_bytes(*size), 0 | 1 | 8..);
    let known: [&[u8]; 9] = [
        b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"ssix", b"emsg", b"prft", b"mdat",
    ];
    plausible && known.iter().any(|kind| rest.starts_with(kind))
}

/// What follows the ID3 tags at the start, and whether there were any.
fn skip_id3(mut bytes: &[u8]) -> (bool, &[u8]) {
    let mut tagged = false;
    while let Some([b'I', b'D', b'3', _, _, flags, a, b, c, d]) = bytes.first_chunk::<10>() {
        if (a | b | c | d) & 0x80 != 0 {
            break;
        }
        tagged = true;
        let content = [a, b, c, d]
            .iter()
            .fold(0_usize, |size, byte| size << 7 | usize::from(**byte));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        bytes = bytes.get(10 + content + footer..).unwrap_or_default();
    }
    (tagged, bytes)
}

fn identify_audio(bytes: &[u8]) -> Option<Container> {
    if bytes.starts_with(&[0x0b, 0x77]) {
        // The bitstream identification (ATSC A/52 section 5.4.2.1, E.2.3.1.6): above 10 is Enhanced AC-3.
        return match bytes.get(5)? >> 3 {
            0..=10 => Some(Container::Ac3),
            11..=16 => Some(Container::Eac3),
            _ => None,
        };
    }
    if is_adts(bytes) {
        return Some(Container::Adts);
    }
    let [0xff, second, third, ..] = bytes else {
        return None;
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let (bit_rate, sample_rate) = (third >> 4, third >> 2 & 3);
    let is_frame = second & 0xe0 == 0xe0
        && version != 1
        && layer != 0
        && !matches!(bit_rate, 0 | 15)
        && sample_rate != 3;
    is_frame.then_some(Container::Mp3)
}

/// An ADTS header, and another one after the frame if that is there.
fn is_adts(bytes: &[u8]) -> bool {
    let Some(first) = frame::adts(bytes) else {
        return false;
    };
    match bytes.get(first.length..) {
        Some(next) if next.len() >= 7 => frame::adts(next).is_some(),
        _ => true,
    }
}

fn identify_text(bytes: &[u8]) -> Container {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Some(rest) = text.strip_prefix(b"WEBVTT")
        && matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
    {
        return Container::WebVtt;
    }
    let text = text.trim_ascii_start();
    let starts: [&[u8]; 5] = [b"<!doctype html", b"<html", b"<head", b"<body", b"<script"];
    let is_html = (starts.iter()).any(|start| {
        text.get(..start.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    });
    if is_html {
        Container::Html
    } else {
        Container::Unknown
    }
}
