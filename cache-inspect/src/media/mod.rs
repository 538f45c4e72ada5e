//! What media bytes are, without trusting the playlist that names them.
//!
//! ```
//! use cache_inspect::media::{Container, identify};
//!
//! assert_eq!(identify(b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"), Container::WebVtt);
//! assert_eq!(identify(b"<!DOCTYPE html><title>Log in</title>"), Container::Html);
//! ```

mod container;
pub mod mp4;

pub use container::{Container, identify};
