//! Parts between discontinuities: each has times of its own, and they follow each other.

use std::collections::BTreeMap;

use super::track::TrackBuilder;

/// Where parts begin, in flicks.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// By number: the earliest time in the part's own times, and where that is in the movie.
    places: BTreeMap<u64, (i64, i64)>,
    pub(super) duration: i64,
}

impl Parts {
    /// Where a time of a part is in the movie.
    pub(super) fn in_movie(&self, part: u64, time: i64) -> i64 {
        let (base, place) = self.places.get(&part).copied().unwrap_or_default();
        time.saturating_sub(base).saturating_add(place)
    }
}

/// Places each part at the end of the one before, whichever track is the longest. All tracks share the times of a
/// part, which keeps them in step.
pub(super) fn place(tracks: &[TrackBuilder]) -> Parts {
    let mut bounds: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
    for part in tracks.iter().flat_map(|track| &track.parts) {
        let (start, end) = bounds.entry(part.number).or_insert((part.start, part.end));
        *start = (*start).min(part.start);
        *end = (*end).max(part.end);
    }
    let mut parts = Parts::default();
    for (number, (start, end)) in bounds {
        parts.places.insert(number, (start, parts.duration));
        parts.duration = parts.duration.saturating_add(end.saturating_sub(start));
    }
    parts
}
