//! What a download would take, without taking it.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use hls_parse::{Resource, ResourceKind};
use segment_fetch::{Reach, Request};
use serde::Serialize;

use super::event::seconds;
use super::resolve::{Resolved, ResolvedTrack};
use super::{Chosen, DownloadRequest, Network, layout, range};
use crate::Result;

/// Segments of a track whose lengths are asked for; the others are taken to be like them.
const SAMPLES: usize = 12;
const SAMPLES_IN_FLIGHT: usize = 6;
/// Nobody waits longer than that for an estimate.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(10);

/// What `offline download --dry-run` answers.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// Length of the presentation in seconds.
    pub duration: f64,
    /// The tracks that would be stored.
    pub tracks: Vec<EstimatedTrack>,
    /// What the selection takes of a Multivariant Playlist: variants, renditions, what is inside them.
    pub chosen: Vec<Chosen>,
    /// Bytes of all of them, as far as they are known.
    pub bytes: u64,
    /// Bytes that are free where the store is.
    pub free: Option<u64>,
    /// Things the user should know, for example a language that is not offered.
    pub notes: Vec<String>,
}

/// A track that would be stored.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct EstimatedTrack {
    /// Its name, for example `variant-0`.
    pub name: String,
    /// Its segments.
    pub segments: usize,
    /// Its bytes; `None` when the server does not say how long its segments are.
    pub bytes: Option<u64>,
    /// Whether `bytes` is exact, or made of the lengths of some segments.
    pub exact: bool,
}

impl Network {
    /// Works out what a download would take. It reads the playlists, and where they do not say how long the segments are, the first byte of some of them.
    ///
    /// # Errors
    /// When the download would be refused, or the playlists cannot be read.
    pub async fn estimate(&self, request: &DownloadRequest, free: Option<u64>) -> Result<Estimate> {
        let mut resolved = self.resolve(request).await?;
        if !request.range.is_whole() {
            let timelines: Vec<_> = resolved
                .tracks
                .iter()
                .map(|track| (&track.timeline, layout::is_main(&track.name)))
                .collect();
            let wanted = range::of_timelines(request.range, &timelines)?;
            for (track, segments) in resolved.tracks.iter_mut().zip(wanted) {
                track.timeline = track.timeline.slice(segments);
            }
        }
        let mut estimate = Estimate {
            duration: 0.0,
            tracks: Vec::with_capacity(resolved.tracks.len()),
            chosen: std::mem::take(&mut resolved.chosen),
            bytes: 0,
            free,
            notes: std::mem::take(&mut resolved.notes),
        };
        self.estimate_tracks(&resolved, &mut estimate).await;
        let durations = resolved
            .tracks
            .iter()
            .map(|track| track.timeline.duration());
        estimate.duration = durations.max().map(seconds).unwrap_or_default();
        self.estimate_interstitials(request, &resolved, &mut estimate)
            .await;
        Ok(estimate)
    }

    /// Adds the tracks of a presentation.
    pub(super) async fn estimate_tracks(&self, resolved: &Resolved, estimate: &mut Estimate) {
        for track in &resolved.tracks {
            let track_estimate = self.estimate_track(track, resolved.reach).await;
            let bytes = track_estimate.bytes.unwrap_or_default();
            estimate.bytes = estimate.bytes.saturating_add(bytes);
            estimate.tracks.push(track_estimate);
        }
    }

    async fn estimate_track(&self, track: &ResolvedTrack, reach: Reach) -> EstimatedTrack {
        let timeline = &track.timeline;
        let segments: Vec<Resource> = timeline
            .resources()
            .into_iter()
            .filter(is_segment)
            .collect();
        let known = segments.iter().map(|segment| segment.byte_range);
        let exact = known.map(|range| Some(range?.length)).sum::<Option<u64>>();
        let bytes = match exact {
            Some(bytes) => Some(bytes),
            None => self.sampled(&segments, reach).await,
        };
        EstimatedTrack {
            name: track.name.clone(),
            segments: timeline.segments().len(),
            bytes,
            exact: exact.is_some(),
        }
    }

    /// The bytes of a track, if its segments are like some of them, evenly spread.
    async fn sampled(&self, segments: &[Resource], reach: Reach) -> Option<u64> {
        let step = segments.len().div_ceil(SAMPLES).max(1);
        let samples = segments.iter().step_by(step);
        let lengths = stream::iter(samples)
            .map(|segment| self.length(segment, reach))
            .buffer_unordered(SAMPLES_IN_FLIGHT);
        let (count, sum) = lengths
            .filter_map(std::future::ready)
            .fold((0u64, 0u64), |(count, sum), length| {
                std::future::ready((count + 1, sum.saturating_add(length)))
            })
            .await;
        let segments = u64::try_from(segments.len()).ok()?;
        sum.checked_div(count)
            .map(|length| length.saturating_mul(segments))
    }

    /// How long the server says a resource is.
    async fn length(&self, resource: &Resource, reach: Reach) -> Option<u64> {
        if let Some(range) = resource.byte_range {
            return Some(range.length);
        }
        let mut request = Request::get(resource.url.clone()).with_range(0..1);
        request.reach = reach;
        request.expect.total_timeout = Some(SAMPLE_TIMEOUT);
        let fetched = self.fetcher.fetch(request).await;
        let fetched = fetched
            .inspect_err(|error| tracing::info!(%error, "the length of a segment is not known"))
            .ok()?;
        let header = |name: &str| fetched.headers.get(name)?.to_str().ok();
        match header("content-range") {
            Some(range) => range.rsplit('/').next()?.parse().ok(),
            None => header("content-length")?.parse().ok(),
        }
    }
}

fn is_segment(resource: &Resource) -> bool {
    matches!(resource.kind, ResourceKind::Segment(_))
}
