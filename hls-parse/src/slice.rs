//! A part of a timeline as a timeline of its own.

use std::ops::Range;
use std::time::Duration;

use jiff::SignedDuration;

use crate::date_range::DateRange;
use crate::low_latency::{Details, Pending};
use crate::parts::PartStore;
use crate::segment_store::SegmentStore;
use crate::timeline::{Segment, Timeline};

impl Timeline {
    /// The indices of the segments that overlap a time, counted from the start of the playlist. Those that are no longer than a moment count when they are inside.
    pub fn segments_within(&self, time: Range<Duration>) -> Range<usize> {
        let end = self.segments.started_before(time.end);
        let first = self.segments.started_at(time.start).saturating_sub(1);
        // The segment that ends right there is not part of it.
        let is_before = |index: usize| {
            let segment = self.segments.get(index);
            segment.is_some_and(|segment| {
                segment.start.saturating_add(segment.duration) <= time.start
                    && segment.start < time.start
            })
        };
        let first = if is_before(first) { first + 1 } else { first };
        first.min(end)..end
    }

    /// Some of the segments as a playlist of their own, which begins at time zero. Indices beyond the end count as the end.
    ///
    /// Media and Discontinuity Sequence Numbers, dates, keys and maps are those of the whole, and so are the indices in [`keys`](Self::keys) and
    /// [`maps`](Self::maps), used or not. The first segment states its date, if it has one. Date ranges that are over before, or begin after, are left out,
    /// interstitials also that begin before (but not those with a `CUE` before or after the primary content), as are partial segments and what else is about segments to come; so is a place to start from that is not inside.
    ///
    /// ```
    /// use hls_parse::Context;
    ///
    /// let text = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXTINF:6,\nb.ts\n#EXTINF:6,\nc.ts\n#EXT-X-ENDLIST\n";
    /// let parsed = hls_parse::parse(text)?;
    /// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
    /// let timeline = playlist.resolve(&Context::new("https://example.com/a.m3u8".parse()?))?;
    /// let seconds = |from, to| std::time::Duration::from_secs(from)..std::time::Duration::from_secs(to);
    /// let part = timeline.slice(timeline.segments_within(seconds(7, 12)));
    /// assert_eq!((part.media_sequence(), part.segments().len(), part.segment_uri(0)), (1, 1, "b.ts"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn slice(&self, segments: Range<usize>) -> Timeline {
        let count = self.segments.len();
        let end = segments.end.min(count);
        let start = segments.start.min(end);
        let is_part = end - start < count;
        let first = self.segments.get(start);
        let began = first
            .as_ref()
            .map_or(self.duration(), |segment| segment.start);
        let mut store = SegmentStore::with_capacity(end - start, 0, 0);
        for index in start..end {
            let Some(segment) = self.segments.get(index) else {
                break;
            };
            let is_first = index == start;
            // A part of what fitted fits.
            let _ = store.push(&Segment {
                has_stated_date: segment.has_stated_date
                    || (is_first && is_part && segment.program_date_time.is_some()),
                discontinuity: segment.discontinuity && (start == 0 || !is_first),
                ..segment
            });
        }
        let (media_sequence, discontinuity_sequence) = match &first {
            _ if start == 0 => (self.media_sequence, self.discontinuity_sequence),
            Some(first) => (first.media_sequence_number, first.discontinuity_number),
            None => (self.media_sequence, self.discontinuity_sequence),
        };
        let ended = began.saturating_add(store.duration());
        let mut slice = Timeline {
            base: self.base.clone(),
            text: self.text.clone(),
            keys: self.keys.clone(),
            maps: self.maps.clone(),
            key_sets: self.key_sets.clone(),
            details: self.details.slice(start..end),
            start: self.start.filter(|start| {
                let offset = start.time_offset;
                if offset.is_negative() {
                    ended == self.duration() && offset.unsigned_abs() <= ended.saturating_sub(began)
                } else {
                    (began..ended).contains(&offset.unsigned_abs())
                }
            }),
            segments: store,
            media_sequence,
            discontinuity_sequence,
            ..*self
        };
        if let Some(start) = slice
            .start
            .as_mut()
            .filter(|start| !start.time_offset.is_negative())
        {
            let began = SignedDuration::try_from(began).unwrap_or(SignedDuration::MAX);
            start.time_offset = start.time_offset.saturating_sub(began);
        }
        let last = slice
            .segments
            .len()
            .checked_sub(1)
            .and_then(|last| slice.segments.get(last));
        slice.details.pending = Pending {
            media_sequence_number: last.as_ref().map_or(media_sequence, |last| {
                last.media_sequence_number.saturating_add(1)
            }),
            discontinuity_number: last
                .as_ref()
                .map_or(discontinuity_sequence, |last| last.discontinuity_number),
            start: slice.duration(),
            ..Pending::default()
        };
        let dates = first
            .and_then(|first| first.program_date_time)
            .zip(slice.date_at_end());
        if let Some((from, to)) = dates {
            let is_inside = |range: &DateRange| {
                if range.cue.pre || range.cue.post {
                    // Played before or after the whole, whatever its date.
                    return true;
                }
                let began_before = range.start < from && start > 0;
                range.start < to
                    && match range.end {
                        // It is played where it begins, and not in the middle of what it would have been played before.
                        _ if range.interstitial.is_some() => !began_before,
                        end => end.is_none_or(|end| end > from || range.start >= from),
                    }
            };
            slice.details.date_ranges.retain(is_inside);
        }
        slice
    }

    /// When the last segment ends.
    fn date_at_end(&self) -> Option<jiff::Timestamp> {
        let last = self.segments().last()?;
        let duration = SignedDuration::try_from(last.duration).ok()?;
        last.program_date_time?.checked_add(duration).ok()
    }
}

impl Details {
    /// What is about these segments.
    fn slice(&self, segments: Range<usize>) -> Self {
        let start = u32::try_from(segments.start).unwrap_or(u32::MAX);
        let is_inside = |segment: u32| segments.contains(&(segment as usize));
        let mut foreign_tags = self.foreign_tags.clone();
        foreign_tags.retain(|entry| is_inside(entry.segment));
        for entry in &mut foreign_tags {
            entry.segment = entry.segment.saturating_sub(start);
        }
        let in_force = self
            .bitrates
            .iter()
            .rev()
            .find(|(segment, _)| *segment < start);
        let in_force = in_force.map(|(_, bitrate)| (0, *bitrate));
        let inside = self
            .bitrates
            .iter()
            .filter(|(segment, _)| is_inside(*segment));
        let inside = inside.map(|(segment, bitrate)| (segment - start, *bitrate));
        Self {
            dates_inherited_from: None,
            parts: PartStore::default(),
            hints: Vec::new(),
            reports: Vec::new(),
            pending: Pending::default(),
            bitrates: in_force.into_iter().chain(inside).collect(),
            foreign_tags,
            ..self.clone()
        }
    }
}
