//! Integration tests of cache-inspect.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod boxes;
mod hostile;
mod identify;
mod inspection;
mod json;
mod known_good;
mod laws;
mod mp4_bytes;
mod support;
mod usage;
mod why;
