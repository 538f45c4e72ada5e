//! Fragmented MP4 (ISO/IEC 14496-12): which samples a fragment has, and where.

mod fields;
mod fragment;
mod initialization;

pub(crate) use fields::Fields;
pub(crate) use fragment::{Fragment, SampleGroup};

#[cfg(test)]
pub(crate) use initialization::Track;
pub(crate) use initialization::{Description, Initialization, Protection, Scheme};

use cache_inspect::media::mp4::Mp4Box;

/// Bytes of a box before its payload.
pub(crate) fn header(found: &Mp4Box<'_>) -> u64 {
    found.size() - found.payload().len() as u64
}
