//! Integration tests of cache-inspect.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should fail, and one that is skipped should say so"
)]

mod audio_bytes;
mod boxes;
mod contract;
mod drift;
mod files;
mod fragmented;
mod hostile;
mod identify;
mod inspection;
mod json;
mod known_good;
mod laws;
mod mp4_bytes;
mod mutations;
mod packed_audio;
mod real_files;
mod sequence;
mod support;
mod transport_stream;
mod ts_bytes;
mod usage;
mod verification;
mod webvtt;
mod why;
