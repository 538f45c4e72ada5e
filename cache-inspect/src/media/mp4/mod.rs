//! The boxes of fragmented MP4 (ISO/IEC 14496-12), read with bounds.
//!
//! Nothing here copies, decodes or allocates what a header asks for: a box must lie inside its
//! parent, size 0 is for the last box of the file only, nesting ends at [`MAX_DEPTH`], and what is
//! counted is bounded by the bytes that are there.
//!
//! ```
//! use cache_inspect::media::mp4::{Boxes, FourCc};
//!
//! let bytes = b"\0\0\0\x10moof\0\0\0\x08free\0\0\0\x08mdat";
//! let kinds: Vec<FourCc> = Boxes::new(bytes)
//!     .map(|found| found.map(|found| found.kind()))
//!     .collect::<Result<_, _>>()?;
//! assert_eq!(kinds, [FourCc(*b"moof"), FourCc(*b"mdat")]);
//! # Ok::<(), cache_inspect::Error>(())
//! ```

mod boxes;
mod fields;
mod fragment;
mod init;

pub use boxes::{Boxes, FourCc, MAX_DEPTH, Mp4Box};
pub use fragment::{Fragment, FragmentTrack, Fragments, fragments};
pub use init::{InitSection, InitTrack, Protection, SampleEntry};

/// More tracks than any real initialization section or fragment has.
const MAX_TRACKS: usize = 256;
