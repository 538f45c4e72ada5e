//! Sorted ranges of time.

use std::ops::Range;
use std::time::Duration;

/// Segments that are not further apart than this touch: playlists round their durations.
const TOLERANCE: Duration = Duration::from_millis(1);

/// Adds a range that starts at or after the start of the last one.
pub(crate) fn push(ranges: &mut Vec<Range<Duration>>, range: Range<Duration>) {
    if range.is_empty() {
        return;
    }
    match ranges.last_mut() {
        Some(last) if range.start <= last.end.saturating_add(TOLERANCE) => {
            last.end = last.end.max(range.end);
        }
        _ => ranges.push(range),
    }
}

/// What is in both; each sorted and without overlaps.
pub(crate) fn intersect(
    one: &[Range<Duration>],
    other: &[Range<Duration>],
) -> Vec<Range<Duration>> {
    let mut both = Vec::new();
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(left), Some(right)) = (ones.peek(), others.peek()) {
        let common = left.start.max(right.start)..left.end.min(right.end);
        if !common.is_empty() {
            both.push(common);
        }
        if left.end <= right.end {
            ones.next();
        } else {
            others.next();
        }
    }
    both
}

/// How long they are together.
pub(crate) fn total(ranges: &[Range<Duration>]) -> Duration {
    ranges.iter().fold(Duration::ZERO, |sum, range| {
        sum.saturating_add(range.end.saturating_sub(range.start))
    })
}
