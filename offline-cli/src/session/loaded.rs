//! Which media time of each track is stored, kept while a download goes on.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::DownloadEvent;
use super::event::seconds;
use super::plan::Plan;

/// Progress is told at most so often.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);
/// Loaded time ranges are told at most so often.
const LOADED_EVERY: Duration = Duration::from_millis(250);
/// More ranges of a track than this are not told.
const RANGES_TOLD: usize = 1000;

/// Time ranges that neither overlap nor touch, by their start.
#[derive(Debug, Default)]
struct Ranges(BTreeMap<Duration, Duration>);

impl Ranges {
    fn insert(&mut self, mut range: Range<Duration>) {
        if range.is_empty() {
            return;
        }
        // Its neighbours become part of it.
        while let Some((&start, &end)) = self.0.range(..=range.end).next_back()
            && end >= range.start
        {
            range.start = range.start.min(start);
            range.end = range.end.max(end);
            self.0.remove(&start);
        }
        self.0.insert(range.start, range.end);
    }
}

/// What is loaded of each track, and what of it the observer knows.
#[derive(Debug)]
pub(super) struct Loaded {
    tracks: Vec<Ranges>,
    changed: HashSet<usize>,
    told: Option<Instant>,
}

impl Loaded {
    /// With everything but what is `pending`, which are numbers of resources in order of the plan.
    pub(super) fn new(plan: &Plan, pending: &[usize]) -> Self {
        let mut loaded = Self {
            tracks: plan.tracks().iter().map(|_| Ranges::default()).collect(),
            changed: HashSet::new(),
            told: None,
        };
        let pending: HashSet<usize> = pending.iter().copied().collect();
        for index in (0..plan.len()).filter(|index| !pending.contains(index)) {
            loaded.insert(plan, index);
        }
        loaded
    }

    /// Adds a resource that is stored now.
    pub(super) fn insert(&mut self, plan: &Plan, index: usize) {
        for (track, range) in plan.times(index) {
            if let Some(ranges) = self.tracks.get_mut(track) {
                ranges.insert(range);
                self.changed.insert(track);
            }
        }
    }

    /// What the observer does not know yet, if it is time to tell.
    pub(super) fn news(&mut self, plan: &Plan, is_last: bool) -> Vec<DownloadEvent> {
        if self.changed.is_empty() || !is_due(&mut self.told, LOADED_EVERY, is_last) {
            return Vec::new();
        }
        let mut changed: Vec<usize> = self.changed.drain().collect();
        changed.sort_unstable();
        let news = changed.into_iter().filter_map(|track| {
            let ranges = self.tracks.get(track)?.0.iter().take(RANGES_TOLD);
            Some(DownloadEvent::Loaded {
                track: plan.tracks().get(track)?.name.clone(),
                ranges: ranges
                    .map(|(start, end)| (seconds(*start), seconds(*end)))
                    .collect(),
            })
        });
        news.collect()
    }
}

/// How often progress is told.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Instant>);

impl Pace {
    pub(super) fn is_due(&mut self, is_last: bool) -> bool {
        is_due(&mut self.0, PROGRESS_EVERY, is_last)
    }
}

fn is_due(told: &mut Option<Instant>, every: Duration, is_last: bool) -> bool {
    let now = Instant::now();
    let is_due = is_last || told.is_none_or(|told| now.duration_since(told) >= every);
    if is_due {
        *told = Some(now);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_are_the_union_of_what_was_inserted(parts in prop::collection::vec((0u64..60, 0u64..12), 0..40)) {
            let mut ranges = Ranges::default();
            let mut seconds = [false; 80];
            for (start, length) in parts {
                ranges.insert(Duration::from_secs(start)..Duration::from_secs(start + length));
                for second in start..start + length {
                    seconds[usize::try_from(second).unwrap()] = true;
                }
            }
            let mut expected = Vec::new();
            for (second, &is_in) in seconds.iter().enumerate() {
                let before = second.checked_sub(1).is_some_and(|before| seconds[before]);
                match (before, is_in) {
                    (false, true) => expected.push((second, second + 1)),
                    (true, true) => expected.last_mut().unwrap().1 += 1,
                    _ => {}
                }
            }
            let found: Vec<_> = ranges.0.iter().map(|(start, end)| (start.as_secs(), end.as_secs())).collect();
            let expected: Vec<_> = expected.iter().map(|&(start, end)| (start as u64, end as u64)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
