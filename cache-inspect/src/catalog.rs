//! What a cache says about the assets that it holds.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use serde::Serialize;

/// A cache that can be asked what it holds.
///
/// Nothing else is known of the cache. Implementations should answer without waiting for a
/// download that is running.
///
/// [`MemoryCatalog`](crate::MemoryCatalog) is the simplest one. What all have to do is checked by
/// `testing::catalog_contract` (feature `testing`).
pub trait Catalog {
    /// What can go wrong when the cache is read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The ids of all assets.
    ///
    /// # Errors
    ///
    /// If the cache cannot be read.
    fn asset_ids(&self) -> Result<Vec<String>, Self::Error>;

    /// What the cache holds of one asset.
    ///
    /// # Errors
    ///
    /// If there is no such asset, or the cache cannot be read.
    fn asset(&self, id: &str) -> Result<AssetDescription, Self::Error>;

    /// Reads a file of an asset, whole, as a player would get it: decrypted, if its bytes are encrypted from the first to
    /// the last and the key is there. What `into` held before is replaced.
    ///
    /// It is called for one file of an asset after the other, in the order of their tracks.
    ///
    /// # Errors
    ///
    /// If there is no such asset, or the cache cannot be read. That one file cannot be had is no error but an answer.
    fn read(&self, id: &str, path: &str, into: &mut Vec<u8>) -> Result<Reading, Self::Error>;
}

/// What came out when a file was [read](Catalog::read). The buffer is empty unless it has the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// The buffer has the bytes as they are stored.
    Stored,
    /// The buffer has the bytes, decrypted.
    Decrypted,
    /// It is encrypted, and the key is not there, or is that of a key system.
    Encrypted,
    /// It does not open with its key: why.
    WrongKey(String),
    /// It is not there, or the medium does not give it back: why.
    Unreadable(String),
}

/// One asset: its variants, the tracks that they are made of, and the files that are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssetDescription {
    /// The id of the asset.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// The download of the asset is finished.
    pub complete: bool,
    /// The variants of its Multivariant Playlist, or one for a Media Playlist alone.
    pub variants: Vec<VariantDescription>,
    /// Every Media Playlist of the asset, and the renditions that have none of their own.
    pub tracks: Vec<Track>,
    /// Every file that is stored for the asset.
    pub files: Vec<File>,
    /// Words that it is filed under.
    pub tags: Vec<String>,
    /// How fresh it is.
    pub freshness: Freshness,
}

/// When something last happened to an asset. As JSON, times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Freshness {
    /// Its download began.
    #[serde(serialize_with = "unix_seconds")]
    pub created: Option<SystemTime>,
    /// All its bytes were read and found to be what they were.
    #[serde(serialize_with = "unix_seconds")]
    pub last_verified: Option<SystemTime>,
    /// It was played.
    #[serde(serialize_with = "unix_seconds")]
    pub last_played: Option<SystemTime>,
    /// Its playlists were compared with those of the server.
    #[serde(serialize_with = "unix_seconds")]
    pub last_compared: Option<SystemTime>,
    /// What had changed at the server then, in words; [`drift`](crate::drift) finds it.
    pub drift: Option<String>,
}

/// One variant of an asset. All numbers are indices into [`AssetDescription::tracks`]; one that
/// is out of range stands for a track that is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantDescription {
    /// What tells it from the other variants.
    pub id: String,
    /// Peak bits per second (BANDWIDTH).
    pub bandwidth: Option<u64>,
    /// Width and height in pixels (RESOLUTION).
    pub resolution: Option<(u64, u64)>,
    /// Formats in the sense of RFC 6381 (CODECS).
    pub codecs: Option<String>,
    /// Its own Media Playlist first, then the renditions of its VIDEO group.
    pub tracks: Vec<usize>,
    /// The renditions of its AUDIO group.
    pub audio: Vec<usize>,
    /// One of `audio` is needed besides the first of `tracks`: the variant itself has no sound.
    pub audio_required: bool,
    /// The renditions of its SUBTITLES group.
    pub subtitles: Vec<usize>,
    /// The renditions of its CLOSED-CAPTIONS group, which are inside its video.
    pub closed_captions: Vec<usize>,
}

/// One Media Playlist, or a rendition whose media is inside the variants.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of its own"
)]
pub struct Track {
    /// What it is in its asset.
    pub kind: TrackKind,
    /// GROUP-ID, for renditions.
    pub group: Option<String>,
    /// NAME, for renditions.
    pub name: Option<String>,
    /// LANGUAGE (BCP 47), for renditions.
    pub language: Option<String>,
    /// Every segment begins with a frame that can be decoded alone (EXT-X-INDEPENDENT-SEGMENTS).
    pub independent_segments: bool,
    /// FORCED: subtitles that are shown even when nobody asks for any.
    pub forced: bool,
    /// CHARACTERISTICS: what there is to say about it, in uniform type identifiers.
    pub characteristics: Vec<String>,
    /// The download was asked for it. What is not selected is never called missing.
    pub selected: bool,
    /// A rendition without URI: its media is in the Media Playlist of every variant that uses its
    /// group, so it is complete where that is. `segments` is empty.
    pub muxed: bool,
    /// Its segments in the order of the playlist.
    pub segments: Vec<SegmentDescription>,
    /// Initialization sections and keys that its segments need.
    pub prerequisites: Vec<Prerequisite>,
    /// Key systems by name: a player needs a licence of one of them, which is not in the cache. Empty for what plays without.
    /// A playlist that names no key may not tell: then [`InitSection`](crate::media::mp4::InitSection) does.
    pub key_systems: Vec<String>,
}

/// What a track is in its asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrackKind {
    /// The Media Playlist of a variant.
    #[default]
    Main,
    /// A rendition of an AUDIO group.
    Audio,
    /// A rendition of a VIDEO group.
    Video,
    /// A rendition of a SUBTITLES group.
    Subtitles,
    /// An I-frame playlist.
    IFrames,
    /// A rendition of a CLOSED-CAPTIONS group.
    ClosedCaptions,
}

/// One media segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentDescription {
    /// Where it starts in the time of the playlist.
    pub start: Duration,
    /// How long it is (EXTINF).
    pub duration: Duration,
    /// Its bytes are stored, all of them.
    pub present: bool,
    /// The origin declares it absent (EXT-X-GAP).
    pub gap: bool,
    /// It need not go on from the segment before (EXT-X-DISCONTINUITY).
    pub discontinuity: bool,
    /// Where it came from.
    pub url: String,
    /// The path of its file inside the asset; empty if it has none.
    pub path: String,
    /// Its bytes, if known.
    pub length: Option<u64>,
}

/// Something without which segments cannot be played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prerequisite {
    /// What it is.
    pub what: PrerequisiteKind,
    /// Where it came from.
    pub url: String,
    /// The path of its file inside the asset; empty if it has none.
    pub path: String,
    /// Its bytes are stored, all of them.
    pub present: bool,
    /// The segments that need it, as indices into [`Track::segments`]. One that is used in several
    /// places is given several times.
    pub used_by: Range<usize>,
}

/// What a [`Prerequisite`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrerequisiteKind {
    /// A Media Initialization Section (EXT-X-MAP).
    #[default]
    Map,
    /// A key (EXT-X-KEY).
    Key,
}

/// One stored file of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its path inside the asset.
    pub path: String,
    /// The digest of its content, in hex: files of equal content have equal digests.
    pub blob: String,
    /// Its bytes.
    pub length: u64,
    /// What it is for, in the words of the cache: `segment`, `map`, `key`, `playlist` and so on.
    pub role: String,
    /// The track that it belongs to, as an index into [`AssetDescription::tracks`].
    pub track: Option<usize>,
}

#[expect(
    clippy::ref_option,
    reason = "the signature that serde's `serialize_with` calls"
)]
fn unix_seconds<S: serde::Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map(|since| since.as_secs()).serialize(serializer)
}
