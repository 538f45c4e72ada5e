//! The resume decision: what to do with a response, from what was asked and what its head says. No I/O, no clock.
//!
//! ```
//! use http::{HeaderMap, StatusCode};
//! use segment_fetch::resume::{Asked, Decision, decide};
//! use segment_fetch::{Expect, Position};
//!
//! // 400 bytes of a resource are held under a validator, so the rest is asked for on condition that it is unchanged.
//! let held = Position { length: 400, validator: "\"v1\"".parse().ok(), complete_length: Some(1_000) };
//! let expect = Expect::default();
//! let asked = Asked::new(None, &held, &expect);
//! let headers = asked.headers();
//! assert_eq!(headers["range"], "bytes=400-");
//! assert_eq!(headers["if-range"], "\"v1\"");
//!
//! // The server has another version by now and sends all of it: what is held is worthless.
//! let mut response = HeaderMap::new();
//! response.insert("etag", "\"v2\"".parse()?);
//! response.insert("content-length", "900".parse()?);
//! let Decision::Store(storing) = decide(&asked, StatusCode::OK, &response) else { panic!() };
//! assert_eq!((storing.offset, storing.complete_length), (0, Some(900)));
//! # Ok::<(), http::header::InvalidHeaderValue>(())
//! ```

mod asked;
mod decide;

pub use asked::Asked;
pub use decide::{Decision, Encoding, Rejection, Storing, decide};

pub use crate::retry::RetryAfter;

/// Whether an attempt that failed may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// It would fail again.
    Never,
    /// One more attempt is worth it: a 404 may be an edge that is a moment behind.
    Once,
    /// As often as the policy allows.
    Always,
}
