//! What is cached: what plays offline, which options and time ranges, how many bytes.

mod catalog;
mod error;
mod inspect;
mod inspection;
pub mod media;
mod ranges;
mod track_state;
mod usage;
mod why;

pub use catalog::{
    AssetDescription, Catalog, File, Prerequisite, PrerequisiteKind, SegmentDescription, Track,
    TrackKind, VariantDescription,
};
pub use error::{Error, ErrorKind};
pub use inspect::inspect;
pub use inspection::{
    Inspection, MediaOption, MediaSelection, Missing, MissingKind, TrackInspection,
    VariantInspection,
};
pub use usage::{AssetUsage, Usage, usage};
pub use why::Why;
