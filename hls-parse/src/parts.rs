//! The partial segments of a timeline in little space.

use std::ops::Range;
use std::time::Duration;

use crate::low_latency::Part;
use crate::value::{ByteRange, Span};

/// Keeps partial segments in less than half the space of [`Part`].
#[derive(Debug, Clone, Default)]
pub(crate) struct PartStore {
    rows: Vec<Row>,
    ranges: Vec<ByteRange>,
    shared: Vec<Shared>,
    /// The Media Sequence Number of segment 0.
    media_sequence: u64,
}

/// What a part has for itself.
#[derive(Debug, Clone, Copy)]
struct Row {
    start: u64,
    nanoseconds: u64,
    uri: Span,
    /// The index of its parent.
    segment: u32,
    index: u32,
    shared: u32,
    /// The index of its byte range; [`NO_RANGE`] without one.
    range: u32,
    independent: bool,
    gap: bool,
}

const NO_RANGE: u32 = u32::MAX;

/// What parts in a row have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shared {
    map: Option<usize>,
    key_set: u32,
}

impl PartStore {
    /// Room for so many parts of segments counted from that Media Sequence Number.
    pub(crate) fn new(media_sequence: u64, parts: usize) -> Self {
        Self {
            rows: Vec::with_capacity(parts),
            media_sequence,
            ..Self::default()
        }
    }

    /// Adds a part of the segment at index `segment`; `None` when a number exceeds its bits.
    pub(crate) fn push(&mut self, segment: u32, part: &Part) -> Option<()> {
        let range = match part.byte_range {
            None => NO_RANGE,
            Some(range) => {
                self.ranges.push(range);
                u32::try_from(self.ranges.len() - 1).ok()?
            }
        };
        let shared = Shared {
            map: part.map,
            key_set: part.key_set,
        };
        if self.shared.last() != Some(&shared) {
            self.shared.push(shared);
        }
        self.rows.push(Row {
            start: u64::try_from(part.start.as_nanos()).ok()?,
            nanoseconds: u64::try_from(part.duration.as_nanos()).ok()?,
            uri: part.uri,
            segment,
            index: u32::try_from(part.index).ok()?,
            shared: u32::try_from(self.shared.len() - 1).ok()?,
            range,
            independent: part.independent,
            gap: part.gap,
        });
        Some(())
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.ranges.clear();
        self.shared.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many parts come before the one with that Part Index of the segment with that Media Sequence Number.
    pub(crate) fn count_before(&self, media_sequence_number: u64, index: u64) -> usize {
        self.rows.partition_point(|row| {
            (self.number_of(row), u64::from(row.index)) < (media_sequence_number, index)
        })
    }

    fn number_of(&self, row: &Row) -> u64 {
        self.media_sequence.saturating_add(u64::from(row.segment))
    }

    /// The Media Sequence Number of its parent.
    pub(crate) fn number(&self, index: usize) -> u64 {
        self.number_of(&self.rows[index])
    }

    pub(crate) fn uri(&self, index: usize) -> Span {
        self.rows[index].uri
    }

    pub(crate) fn key_set(&self, index: usize) -> u32 {
        self.shared[self.rows[index].shared as usize].key_set
    }

    pub(crate) fn get(&self, index: usize) -> Option<Part> {
        let row = self.rows.get(index)?;
        let shared = self.shared.get(row.shared as usize)?;
        Some(Part {
            media_sequence_number: self.number_of(row),
            index: u64::from(row.index),
            start: Duration::from_nanos(row.start),
            duration: Duration::from_nanos(row.nanoseconds),
            byte_range: self.ranges.get(row.range as usize).copied(),
            map: shared.map,
            independent: row.independent,
            gap: row.gap,
            key_set: shared.key_set,
            uri: row.uri,
        })
    }
}

/// The partial segments of a [`Timeline`](crate::Timeline), in order.
///
/// As [`Segments`](crate::Segments), they are made on demand and come by value.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'t> {
    store: &'t PartStore,
}

impl<'t> Parts<'t> {
    pub(crate) fn new(store: &'t PartStore) -> Self {
        Self { store }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.store.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.store.rows.is_empty()
    }

    /// The part at `index`, counted from 0 over all segments.
    pub fn get(self, index: usize) -> Option<Part> {
        self.store.get(index)
    }

    /// The first one.
    pub fn first(self) -> Option<Part> {
        self.get(0)
    }

    /// The last one.
    pub fn last(self) -> Option<Part> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One after the other.
    pub fn iter(self) -> PartIter<'t> {
        PartIter {
            parts: self,
            indices: 0..self.len(),
        }
    }
}

impl<'t> IntoIterator for Parts<'t> {
    type Item = Part;
    type IntoIter = PartIter<'t>;

    fn into_iter(self) -> PartIter<'t> {
        self.iter()
    }
}

/// Iterator over [`Parts`]; made by [`Parts::iter`].
#[derive(Debug, Clone)]
pub struct PartIter<'t> {
    parts: Parts<'t>,
    indices: Range<usize>,
}

impl Iterator for PartIter<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        self.parts.get(self.indices.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Part> {
        self.parts.get(self.indices.nth(n)?)
    }
}

impl DoubleEndedIterator for PartIter<'_> {
    fn next_back(&mut self) -> Option<Part> {
        self.parts.get(self.indices.next_back()?)
    }
}

impl ExactSizeIterator for PartIter<'_> {}
