//! All jobs of a stream, in numbers.

use std::time::Duration;

use crate::ErrorKind;

/// What a stream of jobs came to so far, as AVFoundation's download summary has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Bytes of bodies received, in all attempts, as they came over the network.
    pub bytes: u64,
    /// Requests sent, those to follow redirects included.
    pub requests: u64,
    /// Jobs that finished.
    pub finished: u64,
    /// Of these, how many were complete before and needed no body.
    pub read_from_cache: u64,
    /// Requests made beside slow ones.
    pub hedges: u64,
    /// Jobs that were given up.
    pub failed: u64,
    /// Attempts that failed and were made again.
    pub recoverable_errors: u64,
    /// Why the last of them failed.
    pub last_error: Option<ErrorKind>,
    /// Since the stream was first polled.
    pub duration: Duration,
}
