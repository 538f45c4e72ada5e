//! What a download came to, as AVFoundation's `AVMetricDownloadSummaryEvent` tells it.

use std::time::Duration;

use segment_fetch::Summary;
use serde::Serialize;

use super::event::seconds;

/// What a download came to, however it ended. Requests for playlists are not among those counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DownloadSummary {
    /// Seconds from the first request for a resource to the end.
    pub duration: f64,
    /// Seconds until the first bytes of a resource had come; absent when none came.
    pub first_bytes: Option<f64>,
    /// Bytes received, those of failed attempts included.
    pub bytes: u64,
    /// Requests sent for segments, initialization sections and keys, those to follow redirects and of all attempts included.
    pub requests: u64,
    /// Of these, how many were made beside slow ones.
    pub hedges: u64,
    /// Resources that came.
    pub resources: u64,
    /// Of these, how many had come whole before.
    pub read_from_cache: u64,
    /// Resources that were given up, in all readings of the playlists.
    pub failed: u64,
    /// Attempts that failed and were made again.
    pub recoverable_errors: u64,
    /// Why the last of them failed: an error kind of segment-fetch, for example `Status(503)`.
    pub last_error: Option<String>,
    /// The tracks that were downloaded, for example `variant-0` and `audio-2`.
    pub tracks: Vec<String>,
}

impl DownloadSummary {
    /// What one pass over resources came to.
    pub(super) fn of(pass: &Summary, first_bytes: Option<Duration>, tracks: &[String]) -> Self {
        Self {
            duration: seconds(pass.duration),
            first_bytes: first_bytes.map(seconds),
            bytes: pass.bytes,
            requests: pass.requests,
            hedges: pass.hedges,
            resources: pass.finished,
            read_from_cache: pass.read_from_cache,
            failed: pass.failed,
            recoverable_errors: pass.recoverable_errors,
            last_error: pass.last_error.map(|error| format!("{error:?}")),
            tracks: tracks.to_vec(),
        }
    }

    /// Adds what the next pass came to.
    pub(super) fn append(&mut self, next: Self) {
        if let Some(first) = next.first_bytes {
            self.first_bytes.get_or_insert(self.duration + first);
        }
        self.duration += next.duration;
        for (sum, more) in [
            (&mut self.bytes, next.bytes),
            (&mut self.requests, next.requests),
            (&mut self.hedges, next.hedges),
            (&mut self.resources, next.resources),
            (&mut self.read_from_cache, next.read_from_cache),
            (&mut self.failed, next.failed),
            (&mut self.recoverable_errors, next.recoverable_errors),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.last_error = next.last_error.or(self.last_error.take());
        for track in next.tracks {
            if !self.tracks.contains(&track) {
                self.tracks.push(track);
            }
        }
    }
}
