//! What of a track can be played.

use std::ops::Range;
use std::time::Duration;

use crate::catalog::{SegmentDescription, Track};
use crate::ranges;

/// What of a track can be played.
pub(crate) struct TrackState {
    pub(crate) segments: usize,
    /// Segments that are stored with all they need.
    pub(crate) present: usize,
    /// Segments that are not, declared gaps apart.
    pub(crate) missing: usize,
    /// Start of the first of them.
    pub(crate) first_missing: Option<Duration>,
    /// All segments together, declared gaps included.
    pub(crate) duration: Duration,
    pub(crate) loaded: Vec<Range<Duration>>,
    pub(crate) loaded_total: Duration,
}

impl TrackState {
    pub(crate) fn new(track: &Track) -> Self {
        let mut state = Self {
            segments: track.segments.len(),
            present: 0,
            missing: 0,
            first_missing: None,
            duration: Duration::ZERO,
            loaded: Vec::new(),
            loaded_total: Duration::ZERO,
        };
        let mut loaded = Vec::new();
        for (segment, usable) in track.segments.iter().zip(usable(track)) {
            state.duration = state.duration.saturating_add(segment.duration);
            if segment.gap {
                continue;
            }
            if segment.present && usable {
                state.present += 1;
                loaded.push(segment.start..end(segment));
            } else {
                state.missing += 1;
                state.first_missing.get_or_insert(segment.start);
            }
        }
        // Playlists are in order of time, but a description may say anything.
        if !loaded.is_sorted_by_key(|range| range.start) {
            loaded.sort_by_key(|range| range.start);
        }
        for range in loaded {
            ranges::push(&mut state.loaded, range);
        }
        state.loaded_total = ranges::total(&state.loaded);
        state
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.missing == 0 && self.present > 0
    }
}

/// For each segment, whether all its prerequisites are stored.
///
/// Counts at each segment how many missing prerequisites begin and end there, so that the time is
/// linear however many there are and however they overlap.
fn usable(track: &Track) -> impl Iterator<Item = bool> {
    let segments = track.segments.len();
    let mut begins = Vec::new();
    let mut ends = Vec::new();
    for prerequisite in track.prerequisites.iter().filter(|needed| !needed.present) {
        let used_by = &prerequisite.used_by;
        if used_by.is_empty() || used_by.start >= segments {
            continue;
        }
        begins.resize(segments, 0_usize);
        ends.resize(segments, 0_usize);
        if let Some(count) = begins.get_mut(used_by.start) {
            *count += 1;
        }
        if let Some(count) = ends.get_mut(used_by.end) {
            *count += 1;
        }
    }
    let mut lacking = 0_usize;
    (0..segments).map(move |index| {
        lacking += begins.get(index).copied().unwrap_or_default();
        lacking = lacking.saturating_sub(ends.get(index).copied().unwrap_or_default());
        lacking == 0
    })
}

/// When a segment ends.
pub(crate) fn end(segment: &SegmentDescription) -> Duration {
    segment.start.saturating_add(segment.duration)
}
