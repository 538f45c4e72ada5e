//! The nouns of a resolved Media Playlist.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::lazy_url::LazyUrl;
use crate::low_latency::Details;
use crate::open_enum::open_enum;
use crate::playlist::{PlaylistType, Start};
use crate::segment_store::SegmentStore;
use crate::segments::Segments;
use crate::shared_text::SharedText;
use crate::value::{ByteRange, Span};

/// A Media Playlist with everything that a segment inherits spelled out; made by [`MediaPlaylist::resolve`](crate::MediaPlaylist::resolve).
///
/// Keys and maps are shared by index and [`Segments`] take little space, so that 100,000 of them stay cheap. Methods that take an index panic, as slices do, when there is no such item.
#[derive(Debug, Clone)]
pub struct Timeline {
    pub(crate) base: Url,
    /// The text of the playlist, followed by the URIs that have variables replaced.
    pub(crate) text: Arc<str>,
    pub(crate) segments: SegmentStore,
    pub(crate) keys: Vec<Key>,
    pub(crate) maps: Vec<Map>,
    pub(crate) key_sets: KeySets,
    pub(crate) target_duration: Duration,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) playlist_type: Option<PlaylistType>,
    pub(crate) start: Option<Start>,
    pub(crate) end_list: bool,
    pub(crate) i_frames_only: bool,
    pub(crate) independent_segments: bool,
    pub(crate) details: Details,
}

/// Lists of key indices, told apart by number; number 0 is the empty one.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeySets {
    indices: Vec<usize>,
    /// The end in `indices` of each list but the empty one; it starts where the one before it ends.
    ends: Vec<u32>,
}

impl KeySets {
    pub(crate) fn add(&mut self, keys: &[usize]) -> u32 {
        if keys.is_empty() {
            return 0;
        }
        self.indices.extend_from_slice(keys);
        let end = u32::try_from(self.indices.len());
        self.ends.push(end.unwrap_or(u32::MAX));
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn get(&self, set: u32) -> &[usize] {
        let Some(at) = (set as usize).checked_sub(1) else {
            return &[];
        };
        let end_at = |at: usize| self.ends.get(at).map(|end| *end as usize);
        let start = at.checked_sub(1).and_then(end_at).unwrap_or(0);
        let list = end_at(at).and_then(|end| self.indices.get(start..end));
        list.unwrap_or_default()
    }
}

/// A Media Segment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// Its Media Sequence Number.
    pub media_sequence_number: u64,
    /// Its Discontinuity Sequence Number.
    pub discontinuity_number: u64,
    /// When it starts, from the start of the playlist.
    pub start: Duration,
    /// How long it is.
    pub duration: Duration,
    /// The part of the resource that it is; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// The wall-clock time of its start: stated, or counted on from a stated one.
    pub program_date_time: Option<Timestamp>,
    /// The index of its Media Initialization Section in [`Timeline::maps`].
    pub map: Option<usize>,
    /// `EXT-X-BITRATE` in kilobits per second; never with a byte range.
    pub bitrate: Option<u64>,
    /// Whether there is a discontinuity right before it.
    pub discontinuity: bool,
    /// Whether it is absent by intent and not to be loaded.
    pub gap: bool,
    /// Whether [`program_date_time`](Self::program_date_time) is stated at this segment.
    pub has_stated_date: bool,
    pub(crate) key_set: u32,
    pub(crate) uri: Span,
    pub(crate) title: Span,
}

open_enum! {
    /// How segments are encrypted (section 4.4.4.4).
    KeyMethod {
        /// Whole segments with AES-128 in CBC mode.
        Aes128 = "AES-128",
        /// Samples with AES-128.
        SampleAes = "SAMPLE-AES",
        /// Samples with AES-128 in counter mode.
        SampleAesCtr = "SAMPLE-AES-CTR",
        /// Whole segments with AES-256 in Galois/counter mode; the IV is in the segment.
        Aes256Gcm = "AES-256-GCM",
    }
}

/// A key as an `EXT-X-KEY` names it; never one with `METHOD=NONE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Key {
    /// How segments are encrypted.
    pub method: KeyMethod,
    /// `URI` with variables replaced; empty when a key format needs none.
    pub uri: SharedText,
    /// The absolute URL; `None` when the URI of a key system is none by the rules of URLs. Schemes such as `skd:` stay as they are.
    pub url: Option<LazyUrl>,
    /// The explicit initialization vector.
    pub iv: Option<[u8; 16]>,
    /// `KEYFORMAT`; `identity` when it is missing.
    pub key_format: SharedText,
    /// `KEYFORMATVERSIONS`; `1` when it is missing.
    pub key_format_versions: Option<SharedText>,
    /// `KEYID`, hexadecimal with `0x`: what some key systems call the key. No attribute of the specification.
    pub key_id: Option<SharedText>,
}

impl Hash for Key {
    /// The URL follows from the URI, and takes longer than all the rest.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.uri, &self.iv, &self.method).hash(state);
        (&self.key_format, &self.key_format_versions, &self.key_id).hash(state);
    }
}

impl Key {
    /// Whether the resource is the key itself rather than a message of a key system.
    pub fn is_identity(&self) -> bool {
        self.key_format == Self::IDENTITY
    }

    /// The URL of the key, when it can simply be loaded: an identity key with `http`, `https`, `data` or `file`.
    pub fn fetchable_url(&self) -> Option<&Url> {
        self.url.as_deref().filter(|url| {
            self.is_identity() && matches!(url.scheme(), "http" | "https" | "data" | "file")
        })
    }
}

impl Key {
    pub(crate) const IDENTITY: &str = "identity";

    /// The `KEYFORMAT` of keys that do not name any.
    pub(crate) fn identity_format() -> SharedText {
        static SHARED: LazyLock<SharedText> = LazyLock::new(|| Key::IDENTITY.into());
        SHARED.clone()
    }

    /// The same key without the text of its playlist, for what outlives that.
    pub(crate) fn detached(&self) -> Self {
        let detached = |text: &SharedText| SharedText::from(text.as_str());
        Self {
            method: self.method.clone(),
            uri: detached(&self.uri),
            url: self.url.as_deref().cloned().map(LazyUrl::from),
            iv: self.iv,
            key_format: if self.is_identity() {
                Self::identity_format()
            } else {
                detached(&self.key_format)
            },
            key_format_versions: self.key_format_versions.as_ref().map(detached),
            key_id: self.key_id.as_ref().map(detached),
        }
    }

    pub(crate) fn iv_for(&self, media_sequence_number: u64) -> Option<[u8; 16]> {
        let implicit =
            self.is_identity() && matches!(self.method, KeyMethod::Aes128 | KeyMethod::SampleAes);
        self.iv
            .or_else(|| implicit.then(|| u128::from(media_sequence_number).to_be_bytes()))
    }
}

/// A Media Initialization Section (`EXT-X-MAP`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Map {
    /// Where it is.
    pub url: Url,
    /// The part of the resource that it is; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// The indices in [`Timeline::keys`] of the keys in force at its tag, which encrypt it.
    pub keys: Vec<usize>,
}

impl Timeline {
    /// The URL of the playlist, after redirects.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The segments, in order.
    pub fn segments(&self) -> Segments<'_> {
        Segments::new(&self.segments)
    }

    /// Every distinct key, in order of first appearance.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Every distinct map, in order of first appearance.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// How long all segments are together, gaps included.
    pub fn duration(&self) -> Duration {
        self.segments.duration()
    }

    /// The target duration; zero when the playlist has none.
    pub fn target_duration(&self) -> Duration {
        self.target_duration
    }

    /// The Media Sequence Number of the first segment.
    pub fn media_sequence(&self) -> u64 {
        self.media_sequence
    }

    /// The Discontinuity Sequence Number that counting starts from.
    pub fn discontinuity_sequence(&self) -> u64 {
        self.discontinuity_sequence
    }

    /// `EXT-X-PLAYLIST-TYPE`.
    pub fn playlist_type(&self) -> Option<PlaylistType> {
        self.playlist_type
    }

    /// Whether there is an `EXT-X-ENDLIST`.
    pub fn has_end_list(&self) -> bool {
        self.end_list
    }

    /// Whether the playlist may still change: neither `EXT-X-ENDLIST` nor `EXT-X-PLAYLIST-TYPE:VOD`.
    pub fn is_live(&self) -> bool {
        !self.end_list && self.playlist_type != Some(PlaylistType::Vod)
    }

    /// Whether each segment is a single I-frame.
    pub fn i_frames_only(&self) -> bool {
        self.i_frames_only
    }

    /// Whether every segment can be decoded alone.
    pub fn independent_segments(&self) -> bool {
        self.independent_segments
    }

    /// Where to start playing.
    pub fn start(&self) -> Option<Start> {
        self.start
    }

    /// The absolute URL of a segment, without fragment.
    pub fn segment_url(&self, index: usize) -> Url {
        self.absolute(self.segment_uri(index))
    }

    pub(crate) fn absolute(&self, uri: &str) -> Url {
        let mut url = self
            .base
            .join(uri)
            // Resolution has refused what cannot be joined.
            .unwrap_or_else(|_| self.base.clone());
        url.set_fragment(None);
        url
    }

    /// The URI of a segment as written, variables replaced.
    pub fn segment_uri(&self, index: usize) -> &str {
        self.segments.uri(index).of(&self.text)
    }

    /// The title of a segment, if it has one.
    pub fn segment_title(&self, index: usize) -> Option<&str> {
        let title = self.segments.title(index).of(&self.text).trim();
        (!title.is_empty()).then_some(title)
    }

    /// The indices in [`Timeline::keys`] of the keys that apply to a segment, one for each key format.
    pub fn segment_keys(&self, index: usize) -> &[usize] {
        self.key_sets.get(self.segments.run(index).key_set)
    }

    /// The initialization vector for a segment and a key: the explicit one, else the Media Sequence Number as 16 bytes, big-endian, where section 4.4.4.4
    /// says so (identity keys with AES-128 or SAMPLE-AES).
    pub fn segment_iv(&self, segment: usize, key: usize) -> Option<[u8; 16]> {
        self.keys[key].iv_for(self.segments.number(segment))
    }
}
