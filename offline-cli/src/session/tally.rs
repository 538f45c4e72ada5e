//! How far each track has come, kept while a download goes on.

use std::collections::HashSet;

use serde::Serialize;

use super::plan::Plan;

/// How far a track has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrackProgress {
    /// The track, for example `variant-0`.
    pub track: String,
    /// Bytes received by this run. What several tracks need counts for the first of them.
    pub bytes: u64,
    /// Segments stored.
    pub segments_stored: u64,
    /// Segments needed.
    pub segments: u64,
}

/// The tracks of a plan, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Vec<TrackProgress>);

impl Tally {
    /// With everything stored but what is `pending`, which are numbers of resources, and with the bytes that came `before`.
    pub(super) fn new(plan: &Plan, pending: &[usize], before: &Self) -> Self {
        let bytes = |name: &String| {
            let known = before.0.iter().find(|known| known.track == *name);
            known.map_or(0, |known| known.bytes)
        };
        let tracks = plan.tracks().iter().map(|track| TrackProgress {
            track: track.name.clone(),
            bytes: bytes(&track.name),
            segments_stored: 0,
            segments: 0,
        });
        let mut tally = Self(tracks.collect());
        let pending: HashSet<usize> = pending.iter().copied().collect();
        for index in 0..plan.len() {
            for (track, _) in plan.times(index) {
                if let Some(track) = tally.0.get_mut(track) {
                    track.segments = track.segments.saturating_add(1);
                }
            }
            if !pending.contains(&index) {
                tally.stored(plan, index);
            }
        }
        tally
    }

    /// Counts bytes that came of a resource.
    pub(super) fn received(&mut self, plan: &Plan, index: usize, bytes: u64) {
        let first = plan.needs(index).next();
        if let Some(track) = first.and_then(|(track, _)| self.0.get_mut(track)) {
            track.bytes = track.bytes.saturating_add(bytes);
        }
    }

    /// Counts a resource that is stored now.
    pub(super) fn stored(&mut self, plan: &Plan, index: usize) {
        for (track, _) in plan.times(index) {
            if let Some(track) = self.0.get_mut(track) {
                track.segments_stored = track.segments_stored.saturating_add(1);
            }
        }
    }

    pub(super) fn tracks(&self) -> Vec<TrackProgress> {
        self.0.clone()
    }
}
