//! HTTP Live Streaming playlists: parse without loss, resolve, select, write localized copies.
//!
//! ```
//! use hls_parse::{Context, Playlist, SelectionRequest};
//! use url::Url;
//!
//! let outer = b"#EXTM3U
//! #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en.m3u8\"
//! #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,AUDIO=\"aac\"
//! low.m3u8
//! #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO=\"aac\"
//! high.m3u8
//! ";
//! let url = Url::parse("https://example.com/film/index.m3u8")?;
//! let Playlist::Multivariant(playlist) = hls_parse::parse(outer)?.playlist else {
//!     return Err("not a Multivariant Playlist".into());
//! };
//! let resolved = playlist.resolve(&Context::new(url))?;
//! let request = SelectionRequest {
//!     variants: vec!["height<=720".parse()?],
//!     ..SelectionRequest::default()
//! };
//! let selection = resolved.select(&request)?;
//! assert_eq!(resolved.variants[selection.variants[0]].url().as_str(), "https://example.com/film/low.m3u8");
//! assert_eq!(resolved.renditions[selection.renditions[0]].name(), "English");
//!
//! let inner = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n#EXT-X-BYTERANGE:1000@0\nall.ts\n#EXTINF:6,\n#EXT-X-BYTERANGE:900\nall.ts\n#EXT-X-ENDLIST\n";
//! let Playlist::Media(playlist) = hls_parse::parse(inner)?.playlist else {
//!     return Err("not a Media Playlist".into());
//! };
//! let timeline = playlist.resolve(&Context::new("https://example.com/film/low.m3u8".parse()?))?;
//! assert_eq!(timeline.segments().get(1).and_then(|segment| segment.byte_range).map(|range| range.start), Some(1000));
//! assert_eq!(timeline.resources().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The nouns
//!
//! * [`lines()`] and [`attributes()`] take text apart without copying; [`Document`] keeps every line and writes an untouched playlist back byte for byte.
//! * [`parse()`] makes a [`Playlist`] of bytes, with [`Diagnostic`]s for what is wrong. It is either a [`MultivariantPlaylist`] or a [`MediaPlaylist`].
//! * `resolve` needs a [`Context`], the place a playlist came from, and makes a [`Multivariant`] or a [`Timeline`] of it: variables replaced, URLs absolute,
//!   byte ranges, keys and maps known for every [`Segment`].
//! * What a [`Variant`] or [`Rendition`] says is looked up where it was read when somebody asks ([`Variant::codecs`]), and its URL is joined then ([`Variant::url`]); a
//!   [`SharedText`] is used as the `str` it is. All of them keep the text of the playlist in memory.
//! * Low-latency playlists have [`Part`]s, [`PreloadHint`]s and [`RenditionReport`]s beside the segments; a [`DateRange`] says what happens when, an
//!   [`Interstitial`] what is played in between, perhaps by way of an [`AssetList`]. Tags that the specification does not know are [`ForeignTag`]s, which read [`CueMarker`]s.
//! * [`Timeline::update`] merges a reloaded playlist, full or a delta update, and says what is new; [`Timeline::reload_delay`] and
//!   [`Timeline::next_directives`] say when to reload and what to ask for.
//! * [`History`] keeps what a live stream has listed and lists no more. [`Timeline::slice`] makes some of the segments a playlist of their own.
//! * [`MultivariantPlaylist::check_presentation`] checks that Media Playlists go together, [`MediaPlaylist::check_update`] that a copy may follow another,
//!   [`Playlist::check_delivery`] what depends on where a playlist came from. A [`Diagnostic`] may have a [`Fix`].
//! * [`Multivariant::select`] chooses variants and renditions for a [`SelectionRequest`]; [`Multivariant::media_playlists`] lists the playlists of a
//!   [`Selection`], [`Timeline::resources`] and [`selection_resources`] what has to be fetched for them.
//! * [`Timeline::write_local`] and [`Multivariant::write_local`] write playlists of what is there locally; [`Timeline::write`] and [`Multivariant::write`] write
//!   resolved playlists anew, and a [`MediaPlaylistBuilder`] new ones.
//! * With the feature `m3u8-rs`, `MediaPlaylist::to_m3u8_rs` and its relatives convert from and to the types of that crate, and list what is lost.
//!
//! Section numbers are those of draft-pantos-hls-rfc8216bis-22.
//!
//! # Guarantees
//!
//! * Any bytes may come in: there is no panic, and time and memory are linear in the input, within limits that [`ParseOptions`]
//!   and [`Context::max_expanded_bytes`] set.
//! * What is forgiven is reported; a [`Rule`] has a stable number.
//! * Durations and dates are integers in nanoseconds, sequence numbers and byte ranges have 64 bits, and overflow is an error.
//! * What was accepted by `resolve` has absolute URLs for everything that is to be fetched.
//! * What comes from a server cannot break out of its place in a playlist that is written.
//!
//! # Cookbook
//!
//! What is wrong with a playlist, by line, and what would put it right:
//!
//! ```
//! let parsed = hls_parse::parse(b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:9,\na.ts\n")?;
//! for diagnostic in &parsed.diagnostics {
//!     println!("{diagnostic}");
//! }
//! assert!(!parsed.diagnostics.is_empty());
//! # Ok::<(), hls_parse::Error>(())
//! ```
//!
//! What a reloaded live playlist brings that is new:
//!
//! ```
//! use hls_parse::{Context, MediaPlaylist, Playlist};
//!
//! fn media(text: &str) -> Result<MediaPlaylist, Box<dyn std::error::Error>> {
//!     match hls_parse::parse(text.as_bytes())?.playlist {
//!         Playlist::Media(playlist) => Ok(playlist),
//!         _ => Err("a Multivariant Playlist".into()),
//!     }
//! }
//!
//! let context = Context::new("https://example.com/live.m3u8".parse()?);
//! let first = media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n#EXTINF:4,\n1.ts\n")?;
//! let timeline = first.resolve(&context)?;
//! let second = media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n")?;
//! let update = timeline.update(&second, &context)?;
//! let new: Vec<String> = update.added.clone()
//!     .map(|index| update.timeline.segment_url(index).into())
//!     .collect();
//! assert_eq!(new, ["https://example.com/2.ts"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A line changed, and every other byte kept: [`Document`]. A playlist of one's own: [`MediaPlaylistBuilder`]. What a player gets of files that
//! are there: [`Timeline::write_local`]. A recording of a live stream: [`History`].
//!
//! # What it does not do
//!
//! It fetches, stores and decrypts nothing and asks no clock. It has no parser of JSON: with the feature `serde` an [`AssetList`] and a [`SteeringManifest`] are
//! read by the caller's.

mod asset_list;
mod attribute_name;
mod attributes;
mod build;
mod check;
mod date;
mod date_range;
mod delivery;
mod diagnostic;
mod document;
mod entry_attributes;
mod entry_texts;
mod error;
#[cfg(feature = "m3u8-rs")]
mod exchange;
mod foreign;
mod history;
mod interstitial;
mod lazy_url;
mod lines;
mod local;
mod low_latency;
mod media;
mod multivariant;
mod open_enum;
mod options;
mod parse;
mod part_fields;
mod parts;
mod playlist;
mod qualifier;
mod range_attributes;
mod reference;
mod resolve;
mod resources;
mod room;
mod rule;
mod said;
mod segment_store;
mod segments;
mod selection;
#[cfg(feature = "serde")]
mod serialize;
mod shared_text;
mod slice;
mod source;
mod steering;
mod tag;
mod timeline;
mod update;
mod value;
mod variables;
mod variant;

pub use asset_list::{AssetList, AssetListDefect, ListedAsset};
pub use attributes::{Attribute, AttributeDefect, Attributes, attributes};
pub use build::{MediaPlaylistBuilder, NewDateRange, NewPart, NewSegment};
pub use check::presentation::{Finding, PresentationMember};
pub use date_range::{Cue, DateRange};
pub use delivery::{DeliveryDirectives, SkipDirective};
pub use diagnostic::{Diagnostic, Fix, Severity};
pub use document::Document;
pub use error::{Error, ErrorKind};
#[cfg(feature = "m3u8-rs")]
pub use exchange::{Converted, Loss, LossPlace, LossReason, Lost};
pub use foreign::{CueMarker, CueMarkerKind, ForeignTag};
pub use history::{Break, History};
pub use interstitial::{
    Interstitial, InterstitialAsset, Preload, Restrictions, SkipControl, Snap, TimelineOccupies,
    TimelineStyle,
};
pub use lazy_url::LazyUrl;
pub use lines::{Ending, Line, LineKind, Lines, lines};
pub use local::{
    LocalEvent, LocalKey, LocalMedia, LocalMultivariant, local_multivariant_for_media,
};
pub use low_latency::{HintKind, Part, Pending, PreloadHint, RenditionReport, ServerControl};
pub use options::{ParseOptions, Strictness};
pub use parse::{parse, parse_with};
pub use parts::{PartIter, Parts};
pub use playlist::{
    MediaPlaylist, MultivariantPlaylist, Parsed, Playlist, PlaylistType, Skip, Start, Tag,
};
pub use qualifier::Qualifier;
pub use range_attributes::{AttributeValue, DateRangeAttributes};
pub use resources::{
    Protection, Resource, ResourceKind, SharedResource, key_system_name, selection_resources,
};
pub use rule::Rule;
pub use segments::{SegmentIter, Segments};
pub use selection::{
    AuxiliaryRequest, MediaSelectionCriteria, PlaylistUser, RenditionRequest, SelectedPlaylist,
    Selection, SelectionOptions, SelectionRequest, Unmatched, UnmatchedCharacteristic,
    language_covers,
};
pub use shared_text::SharedText;
pub use steering::{PathwayClone, SteeringManifest, UriReplacement};
pub use tag::TagName;
pub use timeline::{Key, KeyMethod, Map, Segment, Timeline};
pub use update::{Change, Update};
pub use value::{ByteRange, Decimal, Resolution};
pub use variables::{Context, Variables};
pub use variant::{
    ClosedCaptions, ContentSteering, HdcpLevel, Multivariant, Rendition, RenditionKind,
    SessionData, Variant, VideoRange,
};

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
