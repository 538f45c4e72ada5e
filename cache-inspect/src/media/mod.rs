//! What media bytes are, without trusting the playlist that names them.
//!
//! [`identify`] tells the format of a file from its start, [`examine`] reads a segment whole and says what is in it and
//! what is wrong, and a [`Sequence`] says whether segments belong where a playlist has them. The modules have the formats
//! one by one.
//!
//! ```
//! use cache_inspect::media::{Container, identify};
//!
//! assert_eq!(identify(b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"), Container::WebVtt);
//! assert_eq!(identify(b"<!DOCTYPE html><title>Log in</title>"), Container::Html);
//! ```
//!
//! All bytes may be damaged or hostile: what is wrong with them is an answer, the time is linear, and no more memory is
//! taken than a small multiple of their number.

pub mod clock;
mod container;
mod fragmented;
mod frame;
mod initialization;
pub mod mp4;
pub mod packed_audio;
mod problem;
mod segment;
mod sequence;
mod stream;
mod text_times;
pub mod ts;
pub mod webvtt;

pub use container::{Container, identify};
pub use initialization::Initialization;
pub use problem::{Problem, ProblemKind};
pub use segment::{Segment, examine};
pub use sequence::{Announced, Sequence};
pub use stream::{Stream, StreamKind};
