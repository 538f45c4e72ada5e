//! The segments of a timeline in little space.

use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::timeline::Segment;
use crate::value::{ByteRange, Span};

/// Keeps segments as what each has for itself, and as runs of what they have in common.
///
/// Most segments differ from the one before in URI, time, date and byte range only. A segment that can be told from the start of its run takes 32 bytes, and
/// some more for its range and its date; the others start a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentStore {
    rows: Vec<Row>,
    runs: Vec<Run>,
    ranges: Vec<ByteRange>,
    /// In order of the segments.
    dates: Vec<Date>,
    end: u64,
}

/// What a segment has for itself. Its duration is the time until the next one starts.
#[derive(Debug, Clone, Copy)]
struct Row {
    start: u64,
    uri: Span,
    title: Span,
    run: u32,
    /// The index of its byte range; [`NO_RANGE`] without one.
    range: u32,
}

const NO_RANGE: u32 = u32::MAX;

/// A date from which those of the segments from `index` on are counted.
#[derive(Debug, Clone, Copy)]
struct Date {
    index: u32,
    is_stated: bool,
    start: u64,
    value: Option<Timestamp>,
}

impl Date {
    fn of(&self, index: usize, start: u64) -> (Option<Timestamp>, bool) {
        let (then, now) = (
            Duration::from_nanos(self.start),
            Duration::from_nanos(start),
        );
        let date = self.value.and_then(|date| counted_on(date, then, now));
        (date, self.is_stated && self.index as usize == index)
    }
}

/// Segments that follow from the first of them.
#[derive(Debug, Clone)]
struct Run {
    index: usize,
    first: Segment,
}

impl Run {
    /// Whether the run gives what `segment` at `index` does not have for itself.
    fn continues_with(&self, index: usize, segment: &Segment) -> bool {
        let first = &self.first;
        let offset = (index - self.index) as u64;
        first.media_sequence_number.saturating_add(offset) == segment.media_sequence_number
            && first.discontinuity_number == segment.discontinuity_number
            && (first.map, first.bitrate) == (segment.map, segment.bitrate)
            && (first.gap, first.key_set) == (segment.gap, segment.key_set)
    }

    /// The segment at `index` of the timeline, if it belongs to this run.
    fn segment(
        &self,
        index: usize,
        row: &Row,
        end: u64,
        byte_range: Option<ByteRange>,
        (program_date_time, has_stated_date): (Option<Timestamp>, bool),
    ) -> Segment {
        let is_first = index == self.index;
        let offset = (index - self.index) as u64;
        Segment {
            media_sequence_number: self.first.media_sequence_number.saturating_add(offset),
            start: Duration::from_nanos(row.start),
            duration: Duration::from_nanos(end.saturating_sub(row.start)),
            byte_range,
            program_date_time,
            has_stated_date,
            discontinuity: self.first.discontinuity && is_first,
            uri: row.uri,
            title: row.title,
            ..self.first.clone()
        }
    }
}

/// The date at the time `now` of a timeline that has `date` at `then`; `None` beyond the year 9999.
pub(crate) fn counted_on(date: Timestamp, then: Duration, now: Duration) -> Option<Timestamp> {
    let passed = now.checked_sub(then)?;
    if passed.is_zero() {
        return Some(date);
    }
    date.checked_add(SignedDuration::try_from(passed).ok()?)
        .ok()
}

impl SegmentStore {
    /// Room for so many segments, of which so many have a byte range and so many a stated date.
    pub(crate) fn with_capacity(segments: usize, ranges: usize, dates: usize) -> Self {
        Self {
            rows: Vec::with_capacity(segments),
            ranges: Vec::with_capacity(ranges),
            // The one that is counted back from the first.
            dates: Vec::with_capacity(dates + 1),
            ..Self::default()
        }
    }

    /// Adds a segment, which starts where the last one ends; `None` when time exceeds 64 bits of nanoseconds.
    pub(crate) fn push(&mut self, mut segment: Segment) -> Option<()> {
        let duration = u64::try_from(segment.duration.as_nanos()).ok()?;
        let end = self.end.checked_add(duration)?;
        segment.start = Duration::from_nanos(self.end);
        let range = match segment.byte_range {
            None => NO_RANGE,
            Some(range) => {
                self.ranges.push(range);
                u32::try_from(self.ranges.len() - 1).ok()?
            }
        };
        let mut row = Row {
            start: self.end,
            uri: segment.uri,
            title: segment.title,
            run: u32::try_from(self.runs.len()).ok()?,
            range,
        };
        let index = self.rows.len();
        let date = (segment.program_date_time, segment.has_stated_date);
        let is_counted_on = || {
            let last = self.dates.last();
            last.map_or((None, false), |last| last.of(index, row.start)) == date
        };
        if segment.has_stated_date || !is_counted_on() {
            self.dates.push(Date {
                index: u32::try_from(index).ok()?,
                is_stated: date.1,
                start: row.start,
                value: date.0,
            });
        }
        if !segment.discontinuity
            && self
                .runs
                .last()
                .is_some_and(|run| run.continues_with(index, &segment))
        {
            row.run -= 1;
        } else {
            self.runs.push(Run {
                index,
                first: segment,
            });
        }
        self.rows.push(row);
        self.end = end;
        Some(())
    }

    /// Dates the segments before the first dated one from it.
    pub(crate) fn count_dates_back(&mut self) {
        let Some(first) = self.dates.first().filter(|first| first.index > 0) else {
            return;
        };
        let back = SignedDuration::try_from(Duration::from_nanos(first.start)).ok();
        let value = first
            .value
            .zip(back)
            .and_then(|(date, back)| date.checked_sub(back).ok());
        let counted = Date {
            index: 0,
            is_stated: false,
            start: 0,
            value,
        };
        self.dates.insert(0, counted);
    }

    /// How long all segments are together.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_nanos(self.end)
    }

    pub(crate) fn uri(&self, index: usize) -> Span {
        self.rows[index].uri
    }

    /// The Media Sequence Number.
    pub(crate) fn number(&self, index: usize) -> u64 {
        let run = &self.runs[self.rows[index].run as usize];
        let offset = (index - run.index) as u64;
        run.first.media_sequence_number.saturating_add(offset)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many segments start at that time or before.
    pub(crate) fn started_at(&self, time: Duration) -> usize {
        self.rows
            .partition_point(|row| Duration::from_nanos(row.start) <= time)
    }

    pub(crate) fn title(&self, index: usize) -> Span {
        self.rows[index].title
    }

    /// Whether any segment has a bitrate.
    pub(crate) fn has_bitrates(&self) -> bool {
        self.runs.iter().any(|run| run.first.bitrate.is_some())
    }

    /// What the segment has in common with others; everything but time, range, URI and title.
    pub(crate) fn shared(&self, index: usize) -> &Segment {
        &self.runs[self.rows[index].run as usize].first
    }

    /// The date that the one of a segment is counted from.
    fn date(&self, index: usize) -> Option<&Date> {
        // Usually all segments have a date of their own, or none has.
        let own = self.dates.get(index);
        own.filter(|date| date.index as usize == index).or_else(|| {
            let after = self
                .dates
                .partition_point(|date| date.index as usize <= index);
            self.dates.get(after.checked_sub(1)?)
        })
    }

    fn get(&self, index: usize) -> Option<Segment> {
        self.make(index, self.date(index))
    }

    /// The segment at `index`, dated from `date`.
    fn make(&self, index: usize, date: Option<&Date>) -> Option<Segment> {
        let row = self.rows.get(index)?;
        let end = self.rows.get(index + 1).map_or(self.end, |next| next.start);
        let byte_range = self.ranges.get(row.range as usize).copied();
        let date = date.map_or((None, false), |date| date.of(index, row.start));
        let run = self.runs.get(row.run as usize)?;
        Some(run.segment(index, row, end, byte_range, date))
    }
}

/// The segments of a [`Timeline`](crate::Timeline), in order.
///
/// They are kept in less space than [`Segment`] takes and made on demand, so they come by value.
///
/// ```
/// use hls_parse::Context;
///
/// let text = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXTINF:4,\nb.ts\n#EXT-X-ENDLIST\n";
/// let parsed = hls_parse::parse(text)?;
/// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
/// let timeline = playlist.resolve(&Context::new("https://example.com/a.m3u8".parse()?))?;
/// let starts: Vec<u64> = timeline.segments().iter().map(|segment| segment.start.as_secs()).collect();
/// assert_eq!(starts, [0, 6]);
/// assert_eq!(timeline.segments().get(2), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Segments<'t> {
    store: &'t SegmentStore,
}

impl<'t> Segments<'t> {
    pub(crate) fn new(store: &'t SegmentStore) -> Self {
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

    /// The segment at `index`, counted from 0.
    pub fn get(self, index: usize) -> Option<Segment> {
        self.store.get(index)
    }

    /// The first one.
    pub fn first(self) -> Option<Segment> {
        self.get(0)
    }

    /// The last one.
    pub fn last(self) -> Option<Segment> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One after the other.
    pub fn iter(self) -> SegmentIter<'t> {
        SegmentIter {
            segments: self,
            indices: 0..self.len(),
            dated: 0,
        }
    }
}

impl<'t> IntoIterator for Segments<'t> {
    type Item = Segment;
    type IntoIter = SegmentIter<'t>;

    fn into_iter(self) -> SegmentIter<'t> {
        self.iter()
    }
}

/// Iterator over [`Segments`]; made by [`Segments::iter`].
#[derive(Debug, Clone)]
pub struct SegmentIter<'t> {
    segments: Segments<'t>,
    indices: Range<usize>,
    /// The index of a date at or before the next segment.
    dated: usize,
}

impl Iterator for SegmentIter<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let index = self.indices.next()?;
        let store = self.segments.store;
        let is_near = |at: usize| {
            store
                .dates
                .get(at)
                .is_some_and(|date| date.index as usize <= index)
        };
        while is_near(self.dated + 1) {
            self.dated += 1;
        }
        store.make(
            index,
            store.dates.get(self.dated).filter(|_| is_near(self.dated)),
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Segment> {
        self.segments.get(self.indices.nth(n)?)
    }
}

impl DoubleEndedIterator for SegmentIter<'_> {
    fn next_back(&mut self) -> Option<Segment> {
        self.segments.get(self.indices.next_back()?)
    }
}

impl ExactSizeIterator for SegmentIter<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn segments()(
            choices in prop::collection::vec((0u32..3, any::<[bool; 5]>(), 0u64..3), 0..40),
        ) -> Vec<Segment> {
            let (mut start, mut discontinuities) = (Duration::ZERO, 0);
            let mut anchor = None;
            choices.into_iter().zip(0u64..).map(|((kind, flags, seconds), number)| {
                let [discontinuity, gap, dated, ranged, mapped] = flags.map(|flag| flag && kind == 0);
                let duration = Duration::from_millis(seconds * 1001);
                discontinuities += u64::from(discontinuity);
                if dated {
                    anchor = Timestamp::from_second(1_000_000 * i64::from(kind + 1)).ok().map(|date| (date, start));
                }
                let segment = Segment {
                    media_sequence_number: 7 + number,
                    discontinuity_number: discontinuities,
                    start,
                    duration,
                    byte_range: ranged.then_some(ByteRange { start: number, length: seconds }),
                    program_date_time: anchor.and_then(|(date, since)| counted_on(date, since, start)),
                    map: mapped.then_some(2),
                    bitrate: (kind == 1).then_some(800),
                    discontinuity,
                    gap,
                    has_stated_date: dated,
                    key_set: kind / 2,
                    uri: Span::new(usize::from(gap), 3),
                    title: Span::default(),
                };
                start += duration;
                segment
            }).collect()
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(segments in segments()) {
            let mut store = SegmentStore::default();
            for segment in &segments {
                prop_assert_eq!(store.push(segment.clone()), Some(()));
            }
            let out: Vec<Segment> = Segments::new(&store).iter().collect();
            prop_assert_eq!(&out, &segments);
            let back: Vec<Segment> = Segments::new(&store).iter().rev().collect();
            prop_assert!(back.iter().rev().eq(&segments));
        }
    }

    #[test]
    fn segments_that_follow_share_a_run_and_time_does_not_wrap() {
        let mut store = SegmentStore::default();
        let mut segment = Segment {
            media_sequence_number: u64::MAX - 2,
            discontinuity_number: 0,
            start: Duration::ZERO,
            duration: Duration::from_secs(6),
            byte_range: None,
            program_date_time: Some(Timestamp::MAX),
            map: None,
            bitrate: None,
            discontinuity: true,
            gap: false,
            has_stated_date: true,
            key_set: 0,
            uri: Span::default(),
            title: Span::default(),
        };
        assert_eq!(store.push(segment.clone()), Some(()));
        segment.discontinuity = false;
        segment.has_stated_date = false;
        segment.program_date_time = None;
        for _ in 0..2 {
            segment.media_sequence_number += 1;
            assert_eq!(store.push(segment.clone()), Some(()));
        }
        assert_eq!(store.runs.len(), 1);
        segment.duration = Duration::from_nanos(u64::MAX);
        assert_eq!(store.push(segment), None);
    }
}
