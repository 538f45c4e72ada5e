//! Parts between discontinuities: each has times of its own, and they follow each other.

use std::collections::BTreeMap;

use super::track::TrackBuilder;

/// Where parts begin, in flicks.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// By number: the earliest time in the part's own times, and where that is in the movie.
    places: BTreeMap<u64, (i64, i64)>,
    pub(crate) duration: i64,
}

impl Parts {
    /// Places parts, each at the end of the one before. By number, their first and last times in flicks.
    pub(crate) fn of(bounds: BTreeMap<u64, (i64, i64)>) -> Self {
        let mut parts = Self::default();
        for (number, (start, end)) in bounds {
            parts.places.insert(number, (start, parts.duration));
            parts.duration = parts.duration.saturating_add(end.saturating_sub(start));
        }
        parts
    }

    /// The earliest time of a part, in its own times.
    pub(crate) fn start(&self, part: u64) -> Option<i64> {
        self.places.get(&part).map(|(start, _)| *start)
    }

    /// The number of the part that the movie begins with.
    pub(crate) fn first(&self) -> u64 {
        self.places.first_key_value().map_or(0, |(part, _)| *part)
    }

    /// Where a time of a part is in the movie, in flicks.
    pub(crate) fn in_movie(&self, part: u64, time: i64) -> i64 {
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
    Parts::of(bounds)
}
