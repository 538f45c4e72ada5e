//! The segments of a timeline in little space.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::room::make_room;
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

/// What segments that follow each other have in common, and the numbers of the first of them.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    index: u32,
    pub(crate) key_set: u32,
    media_sequence_number: u64,
    discontinuity_number: u64,
    pub(crate) bitrate: Option<u64>,
    map: Option<u32>,
    pub(crate) gap: bool,
    /// Whether there is a discontinuity before the first.
    discontinuity: bool,
}

impl Run {
    /// The run that `segment` at `index` starts.
    fn of(index: usize, segment: &Segment) -> Option<Self> {
        Some(Self {
            index: u32::try_from(index).ok()?,
            key_set: segment.key_set,
            media_sequence_number: segment.media_sequence_number,
            discontinuity_number: segment.discontinuity_number,
            bitrate: segment.bitrate,
            map: segment.map.map(u32::try_from).transpose().ok()?,
            gap: segment.gap,
            discontinuity: segment.discontinuity,
        })
    }

    /// The index of the map.
    pub(crate) fn map(&self) -> Option<usize> {
        self.map.map(|map| map as usize)
    }

    /// The Media Sequence Number of the segment at `index` of the timeline.
    fn number(&self, index: usize) -> u64 {
        let offset = (index - self.index as usize) as u64;
        self.media_sequence_number.saturating_add(offset)
    }

    /// Whether there is a discontinuity before the segment at `index` of the timeline.
    fn has_discontinuity(&self, index: usize) -> bool {
        self.discontinuity && index == self.index as usize
    }

    /// Whether the run gives what `segment` at `index` does not have for itself.
    fn continues_with(&self, index: usize, segment: &Segment) -> bool {
        self.number(index) == segment.media_sequence_number
            && self.discontinuity_number == segment.discontinuity_number
            && (self.map(), self.bitrate) == (segment.map, segment.bitrate)
            && (self.gap, self.key_set) == (segment.gap, segment.key_set)
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
        Segment {
            media_sequence_number: self.number(index),
            discontinuity_number: self.discontinuity_number,
            start: Duration::from_nanos(row.start),
            duration: Duration::from_nanos(end.saturating_sub(row.start)),
            byte_range,
            program_date_time,
            map: self.map(),
            bitrate: self.bitrate,
            discontinuity: self.has_discontinuity(index),
            gap: self.gap,
            has_stated_date,
            key_set: self.key_set,
            uri: row.uri,
            title: row.title,
        }
    }
}

/// What is told of a segment wherever it is kept.
#[derive(Debug)]
pub(crate) struct Outline<'t> {
    pub(crate) run: &'t Run,
    pub(crate) nanoseconds: u64,
    /// The date that is stated at it.
    pub(crate) date: Option<Timestamp>,
    pub(crate) discontinuity: bool,
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
    pub(crate) fn push(&mut self, segment: &Segment) -> Option<()> {
        let duration = u64::try_from(segment.duration.as_nanos()).ok()?;
        let end = self.end.checked_add(duration)?;
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
                .is_some_and(|run| run.continues_with(index, segment))
        {
            row.run -= 1;
        } else {
            let run = Run::of(index, segment)?;
            // Runs are taken to be as long on as they have been.
            make_room(&mut self.runs, index, self.rows.capacity());
            self.runs.push(run);
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
        self.run(index).number(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many segments start at that time or before.
    pub(crate) fn started_at(&self, time: Duration) -> usize {
        self.rows
            .partition_point(|row| Duration::from_nanos(row.start) <= time)
    }

    /// How many segments start before that time.
    pub(crate) fn started_before(&self, time: Duration) -> usize {
        self.rows
            .partition_point(|row| Duration::from_nanos(row.start) < time)
    }

    pub(crate) fn title(&self, index: usize) -> Span {
        self.rows[index].title
    }

    /// Whether any segment has a bitrate.
    pub(crate) fn has_bitrates(&self) -> bool {
        self.runs.iter().any(|run| run.bitrate.is_some())
    }

    /// Whether a date is stated at any segment.
    pub(crate) fn has_stated_dates(&self) -> bool {
        self.dates.iter().any(|date| date.is_stated)
    }

    /// What the segment has in common with others.
    pub(crate) fn run(&self, index: usize) -> &Run {
        &self.runs[self.rows[index].run as usize]
    }

    /// What is told of segments wherever they are kept, one after the other.
    pub(crate) fn outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        let stated = self.dates.iter().filter(|date| date.is_stated);
        let mut stated = stated.peekable();
        self.rows.iter().enumerate().map(move |(index, row)| {
            let end = self.rows.get(index + 1).map_or(self.end, |next| next.start);
            let run = self.run(index);
            let date = stated.next_if(|date| date.index as usize == index);
            Outline {
                run,
                nanoseconds: end.saturating_sub(row.start),
                date: date.and_then(|date| date.value),
                discontinuity: run.has_discontinuity(index),
            }
        })
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

    pub(crate) fn get(&self, index: usize) -> Option<Segment> {
        self.make(index, self.date(index))
    }

    /// The segment at `index`; `dated` is the index of a date at or before it, which is brought closer.
    pub(crate) fn get_next(&self, index: usize, dated: &mut usize) -> Option<Segment> {
        let is_near = |at: usize| {
            let date = self.dates.get(at);
            date.is_some_and(|date| date.index as usize <= index)
        };
        while is_near(*dated + 1) {
            *dated += 1;
        }
        self.make(index, self.dates.get(*dated).filter(|_| is_near(*dated)))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segments::Segments;

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
                prop_assert_eq!(store.push(segment), Some(()));
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
        assert_eq!(store.push(&segment), Some(()));
        segment.discontinuity = false;
        segment.has_stated_date = false;
        segment.program_date_time = None;
        for _ in 0..2 {
            segment.media_sequence_number += 1;
            assert_eq!(store.push(&segment), Some(()));
        }
        assert_eq!(store.runs.len(), 1);
        segment.duration = Duration::from_nanos(u64::MAX);
        assert_eq!(store.push(&segment), None);
    }
}
