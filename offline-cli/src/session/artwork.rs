//! The picture of an asset: given by the user, or named by the stream.

use std::io::Read;

use asset_store::{Asset, AssetWriter, Entry, EntryAttributes, Store};
use bytes::Bytes;
use hls_parse::Multivariant;
use serde::Serialize;
use url::Url;

use super::layout::role;
use super::resolve::Received;
use crate::{Error, Result};

/// The entry that holds it.
pub(crate) const PATH: &str = "artwork";
/// What a stream calls it, by Apple's convention that players and downloaders follow.
const POSTER: &str = "com.apple.hls.poster";
/// Posters are asked for at this width and height, where they come in any.
const EDGE: &str = "1024";
/// Bytes after which every type of image is told.
const TELLING: u64 = 32;

/// The picture of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Artwork {
    /// Fetched with the download; one that cannot be had, or is no image, is left out with a [note](super::DownloadEvent::Note).
    Address(Url),
    /// These bytes. [`Artwork::image`] makes sure that they are an image.
    Image(Bytes),
}

impl Artwork {
    /// Larger pictures are refused.
    pub const LIMIT: u64 = 16 << 20;

    /// An image: AVIF, GIF, HEIC, JPEG, PNG or WebP, up to 16 MiB.
    ///
    /// # Errors
    /// When the bytes are none of these, or too many.
    pub fn image(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        if image_type(&bytes).is_none() {
            return Err(Error::usage("the artwork is no image")
                .hint("give a picture in AVIF, GIF, HEIC, JPEG, PNG or WebP"));
        }
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= Self::LIMIT) {
            return Ok(Self::Image(bytes));
        }
        let hint = "give a picture of no more than 16 MiB";
        Err(Error::usage("the artwork is too large").hint(hint))
    }
}

/// The stored picture of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoredArtwork {
    /// `image/png`, as its first bytes tell.
    pub media_type: &'static str,
    /// How long it is.
    pub bytes: u64,
}

/// Stores a picture that is at hand.
pub(super) fn put(writer: &AssetWriter, artwork: Option<&Artwork>) -> Result<()> {
    if let Some(Artwork::Image(bytes)) = artwork {
        let is_there = |entry: &Entry| entry.digest == asset_store::Digest::of(bytes);
        if !writer.asset().entry(PATH).is_some_and(is_there) || !writer.contains(PATH) {
            writer.put(PATH, bytes, EntryAttributes::new(role::ARTWORK))?;
        }
    }
    Ok(())
}

/// The stored picture, if it is one, and what type of image it is: nothing else is ever shown as an image.
pub(crate) fn stored(store: &Store, asset: &Asset) -> Option<(Entry, &'static str)> {
    let entry = asset.entry(PATH)?;
    let mut start = Vec::new();
    let file = store.open_entry(entry).ok()?;
    file.take(TELLING).read_to_end(&mut start).ok()?;
    Some((entry.clone(), image_type(&start)?))
}

/// Where the stream says that its picture is.
pub(super) fn named(multivariant: &Multivariant, at: &Received) -> Option<Url> {
    let mut data = multivariant.session_data.iter();
    let poster = data.find(|data| data.data_id == POSTER)?;
    let url = match (&poster.url, &poster.value) {
        (Some(url), _) => url.clone(),
        (None, Some(value)) => at.url.join(&filled_in(value)).ok()?,
        (None, None) => return None,
    };
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Whether session data is the name of the picture, not something to keep besides.
pub(super) fn is_poster(data_id: &str) -> bool {
    data_id == POSTER
}

/// A template of Apple's image servers (`{w}x{h}{c}.{f}`) with width, height, crop and format.
fn filled_in(template: &str) -> String {
    template
        .replace("{w}", EDGE)
        .replace("{h}", EDGE)
        .replace("{c}", "")
        .replace("{f}", "jpg")
}

/// What image bytes are, by their beginning; SVG is none, since it may run scripts.
pub(crate) fn image_type(bytes: &[u8]) -> Option<&'static str> {
    let brand = || bytes.get(4..12);
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => match brand()? {
            b"ftypavif" | b"ftypavis" => Some("image/avif"),
            b"ftypheic" | b"ftypheix" => Some("image/heic"),
            _ => None,
        },
    }
}

/// The usual ending of files of a type.
pub(crate) fn ending(media_type: &str) -> &str {
    match media_type.strip_prefix("image/").unwrap_or_default() {
        "jpeg" => "jpg",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_are_images() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a..", Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x20ftypavif\0\0", Some("image/avif")),
            (b"RIFF\x01\x02\x03\x04WAVEfmt ", None),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", None),
            (b"<!doctype html>", None),
            (b"\0\0\0\x20ftypisom", None),
            (b"\x89PNG", None),
            (b"", None),
        ] {
            assert_eq!(image_type(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn templates_are_filled_in() {
        assert_eq!(
            filled_in("https://i.example/a/{w}x{h}{c}.{f}"),
            "https://i.example/a/1024x1024.jpg"
        );
    }
}
