//! What is cached: what plays offline, which options and time ranges, how many bytes.
//!
//! ```
//! use std::time::Duration;
//! use cache_inspect::{AssetDescription, SegmentDescription, Track, VariantDescription, inspect};
//!
//! let segment = |start, present| SegmentDescription {
//!     start: Duration::from_secs(start),
//!     duration: Duration::from_secs(6),
//!     present,
//!     url: format!("https://media.example/{start}.ts"),
//!     ..SegmentDescription::default()
//! };
//! let asset = AssetDescription {
//!     id: "film".to_owned(),
//!     complete: true,
//!     variants: vec![VariantDescription {
//!         id: "720p".to_owned(),
//!         tracks: vec![0],
//!         ..VariantDescription::default()
//!     }],
//!     tracks: vec![Track {
//!         selected: true,
//!         segments: vec![segment(0, true), segment(6, false), segment(12, true)],
//!         ..Track::default()
//!     }],
//!     ..AssetDescription::default()
//! };
//!
//! let inspection = inspect(&asset);
//! assert!(!inspection.playable_offline);
//! assert_eq!(
//!     inspection.why_not[0].to_string(),
//!     "variant 720p: 1 of 3 segments missing, the first at 0:00:06"
//! );
//! assert_eq!(inspection.missing[0].url, "https://media.example/6.ts");
//! assert_eq!(inspection.loaded_time_ranges.len(), 2);
//! ```
//!
//! # Nouns
//!
//! * A [`Catalog`] is any cache that can describe its assets and give their bytes back. The crate knows
//!   nothing else of it. [`MemoryCatalog`] is the simplest one.
//! * An [`AssetDescription`] has variants, the [`Track`]s they are made of (their Media Playlists and
//!   renditions) and the [`File`]s that are stored.
//! * An [`Inspection`] says of one asset what AVFoundation's `AVAssetCache` says, which is whether it
//!   is playable offline and with which options, and what that does not say: why not, which time
//!   ranges are loaded, and what is missing.
//! * [`Usage`] says of a whole catalog how many bytes there are and whose they are: by asset, rendition, role, tag
//!   and age. [`Holdings`] also say what a purge plan would take.
//! * A [`Verification`] says what is wrong with the media of an asset, read from the first byte to the last.
//! * [`Drift`] says how far the server's playlists have moved on.
//! * [`media`] tells what bytes are without trusting the playlist that names them.
//!
//! # Guarantees
//!
//! * What is called playable offline has every segment of one variant, with the initialization
//!   sections and keys these need, and of one rendition of its AUDIO group if the variant has no
//!   sound of its own. What is not comes with at least one [`Why`].
//! * Nothing that was asked for is missing silently; what the origin declares absent is not called missing.
//! * No description and no bytes, however damaged or hostile, lead to a panic. Time grows in
//!   proportion to what was given (sorting apart), and media bytes never cost more memory than
//!   four times themselves.
//! * Damage is a finding with its place, and the rest is looked at all the same.
//!
//! # Cookbook
//!
//! What bytes are, whatever the playlist calls them:
//!
//! ```
//! use cache_inspect::media::{Container, identify};
//!
//! assert_eq!(identify(b"<html><title>Please log in</title></html>"), Container::Html);
//! ```
//!
//! Whether the media of an asset are whole, read from the first byte to the last:
//!
//! ```
//! use cache_inspect::{AssetDescription, MemoryCatalog, verify};
//!
//! let mut catalog = MemoryCatalog::default();
//! catalog.insert(AssetDescription { id: "film".to_owned(), ..AssetDescription::default() });
//! assert_eq!(verify(&catalog, "film")?.harmful().count(), 0);
//! # Ok::<(), cache_inspect::UnknownAsset>(())
//! ```
//!
//! Whose bytes they are, and how many removing would free: [`usage()`], [`Holdings`]. How far the server has moved on since:
//! [`drift()`].
//!
//! # Features
//!
//! * `testing`: the module `testing` with the contract of catalogs.
//!
//! # What it does not do
//!
//! It reads no files and parses no playlists. It decodes and decrypts nothing: whether a key is right shows in what the
//! catalog decrypts.

mod catalog;
mod drift;
mod error;
mod explain;
mod holdings;
mod inspect;
mod inspection;
pub mod media;
mod memory;
mod ranges;
#[cfg(feature = "testing")]
pub mod testing;
mod track_state;
mod usage;
mod verify;
mod why;

pub use catalog::{
    AssetDescription, Catalog, File, Freshness, Prerequisite, PrerequisiteKind, Reading,
    SegmentDescription, Track, TrackKind, VariantDescription,
};
pub use drift::{Drift, TrackDrift, drift};
pub use error::{Error, ErrorKind};
pub use holdings::{Bytes, Holdings, Removal, RemovedAsset};
pub use inspect::inspect;
pub use inspection::{
    GroupInspection, Inspection, MediaOption, MediaSelection, Missing, MissingKind,
    OptionInspection, TrackInspection, VariantInspection,
};
pub use memory::{MemoryCatalog, UnknownAsset};
pub use usage::{Age, AgeUsage, AssetUsage, Duplicate, GroupUsage, RenditionUsage, Usage, usage};
pub use verify::{MediaFinding, Verification, verify};
pub use why::{Incomplete, Why};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
