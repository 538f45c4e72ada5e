//! Which segments were listed lately: what comes again is no new stream, whatever its numbers look like.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use hls_parse::Timeline;

use crate::session::source;

/// How many segments are remembered.
const LIMIT: usize = 4096;

/// The last segments of a playlist, each by what makes it the same in two copies.
#[derive(Debug, Default)]
pub(super) struct Known {
    order: VecDeque<u64>,
    marks: HashSet<u64>,
}

impl Known {
    /// Remembers what a copy lists at some indices.
    pub(super) fn add(&mut self, timeline: &Timeline, indices: Range<usize>) {
        let from = indices.end.saturating_sub(LIMIT).max(indices.start);
        for index in from..indices.end {
            let mark = mark(timeline, index);
            if self.marks.insert(mark) {
                self.order.push_back(mark);
            }
        }
        while self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.marks.remove(&oldest);
        }
    }

    /// The Media Sequence Number of the first segment of a copy that was not listed before; `None` when all were.
    pub(super) fn first_new(&self, timeline: &Timeline) -> Option<u64> {
        let count = timeline.segments().len();
        let new = (0..count).find(|&index| !self.marks.contains(&mark(timeline, index)))?;
        let segment = timeline.segments().get(new)?;
        Some(segment.media_sequence_number)
    }
}

/// Number, place and stated date. Signatures may change.
fn mark(timeline: &Timeline, index: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    source::identity(&timeline.segment_url(index)).hash(&mut hasher);
    if let Some(segment) = timeline.segments().get(index) {
        segment.media_sequence_number.hash(&mut hasher);
        segment.byte_range.hash(&mut hasher);
        let stated = segment
            .program_date_time
            .filter(|_| segment.has_stated_date);
        stated.hash(&mut hasher);
    }
    hasher.finish()
}
