//! What of a track can be played.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use crate::catalog::{Prerequisite, PrerequisiteKind, SegmentDescription, Track};
use crate::ranges;
use crate::why::Incomplete;

/// What of a track can be played.
pub(crate) struct TrackState {
    /// Segments that are stored with all they need.
    pub(crate) present: usize,
    /// The other ones, declared gaps apart.
    pub(crate) incomplete: Incomplete,
    /// All segments together, declared gaps included.
    pub(crate) duration: Duration,
    pub(crate) loaded: Vec<Range<Duration>>,
    pub(crate) loaded_total: Duration,
}

impl TrackState {
    pub(crate) fn new(track: &Track) -> Self {
        let mut present = 0;
        let mut duration = Duration::ZERO;
        let mut incomplete = Incomplete {
            segments: track.segments.len(),
            ..Incomplete::default()
        };
        let mut segments_loaded = Vec::new();
        for (segment, usable) in track.segments.iter().zip(usable(track)) {
            duration = duration.saturating_add(segment.duration);
            if segment.gap {
                continue;
            }
            if segment.present && usable {
                present += 1;
                segments_loaded.push(segment.start..end(segment));
                continue;
            }
            if incomplete.missing == 0 {
                incomplete.first = segment.start;
            }
            incomplete.missing += 1;
        }
        // What is used in several places is given several times.
        let missing: HashSet<(PrerequisiteKind, &str)> = missing_prerequisites(track)
            .map(|prerequisite| (prerequisite.what, &*prerequisite.url))
            .collect();
        for (what, _) in missing {
            match what {
                PrerequisiteKind::Map => incomplete.missing_maps += 1,
                PrerequisiteKind::Key => incomplete.missing_keys += 1,
            }
        }

        // Playlists are in order of time, but a description may say anything.
        if !segments_loaded.is_sorted_by_key(|range| range.start) {
            segments_loaded.sort_by_key(|range| range.start);
        }
        let mut loaded = Vec::new();
        for range in segments_loaded {
            ranges::push(&mut loaded, range);
        }
        Self {
            present,
            incomplete,
            duration,
            loaded_total: ranges::total(&loaded),
            loaded,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.incomplete.missing == 0 && self.present > 0
    }
}

/// Initialization sections and keys that some segment needs and that are not stored.
pub(crate) fn missing_prerequisites(track: &Track) -> impl Iterator<Item = &Prerequisite> {
    let segments = track.segments.len();
    (track.prerequisites.iter()).filter(move |needed| {
        !needed.present && !needed.used_by.is_empty() && needed.used_by.start < segments
    })
}

/// For each segment, whether all its prerequisites are stored.
///
/// Counts at each segment how many missing prerequisites begin and end there, so that the time is
/// linear however many there are and however they overlap.
fn usable(track: &Track) -> impl Iterator<Item = bool> {
    let segments = track.segments.len();
    let mut begins = Vec::new();
    let mut ends = Vec::new();
    for prerequisite in missing_prerequisites(track) {
        let used_by = &prerequisite.used_by;
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
