//! Merging a reloaded playlist into what is known (sections 6.2.1, 6.2.5.1 and 6.3.4).

use std::ops::Range;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::playlist::MediaPlaylist;
use crate::segment_store::{SegmentStore, counted_on};
use crate::timeline::{Segment, Timeline};
use crate::variables::Context;

/// What a reload of a Media Playlist brought; made by [`Timeline::update`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Update {
    /// What is known now.
    pub timeline: Timeline,
    /// What became of the playlist.
    pub change: Change,
    /// The indices in `timeline` of the segments that were not known before.
    pub added: Range<usize>,
    /// The indices in [`Timeline::parts`] of the parts that were not known before.
    pub added_parts: Range<usize>,
    /// How many segments have left at the start.
    pub removed: u64,
    /// How many segments came and went since the playlist was loaded before.
    pub missed: u64,
}

/// What became of a playlist between two loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Change {
    /// Nothing that matters to a player is new.
    Unchanged,
    /// Segments, parts, hints or date ranges are new, segments have left, or the playlist has ended.
    Advanced,
    /// The copy is older than what is known, as from an edge of a delivery network that lags. It was put aside.
    Stale,
    /// The stream has begun anew with other segments under old Media Sequence Numbers. Nothing of before is in the timeline, whose
    /// [epoch](Timeline::epoch) is the next one.
    Restarted,
}

impl Change {
    /// Whether the playlist has changed in the sense of the rules for reloading: there is something new to play.
    pub fn is_news(self) -> bool {
        matches!(self, Self::Advanced | Self::Restarted)
    }
}

/// How a copy of a playlist relates to the one before.
enum Relation {
    SameStream,
    Older,
    OtherStream,
}

impl Timeline {
    /// Merges a later copy of the same Media Playlist, full or a delta update, into what is known.
    ///
    /// The result is the same for both: segments, keys, maps, discontinuity numbers, bitrates and byte ranges are those of the full playlist, and with
    /// [date ranges skipped](crate::ServerControl::can_skip_date_ranges), so are the date ranges. Dates that were known stay known when the tag they were
    /// counted from has left. Parts of skipped segments are left out.
    ///
    /// A stream that begins anew with the numbers and file names of before and without dates cannot be told from a stale copy. When nothing but
    /// [`Change::Stale`] comes for long, take the next copy with [`MediaPlaylist::resolve`].
    ///
    /// # Errors
    /// [`ErrorKind::NeedFullReload`] when a delta update skips what is not known or belongs to a stream that has begun anew: request the playlist without
    /// `_HLS_skip` and call this again. Otherwise as [`MediaPlaylist::resolve`].
    ///
    /// ```
    /// use hls_parse::{Change, Context};
    ///
    /// let context = Context::new("https://example.com/live.m3u8".parse()?);
    /// let media = |text: &str| hls_parse::parse(text.as_bytes()).ok()?.playlist.as_media().cloned();
    /// let full = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\n7.ts\n#EXTINF:4,\n8.ts\n";
    /// let delta = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:4,\n9.ts\n";
    /// let before = media(full).ok_or("no Media Playlist")?.resolve(&context)?;
    /// let update = before.update(&media(delta).ok_or("no Media Playlist")?, &context)?;
    /// assert_eq!((update.change, update.added, update.removed), (Change::Advanced, 1..2, 1));
    /// assert_eq!(update.timeline.segment_uri(0), "8.ts");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update(&self, reloaded: &MediaPlaylist, context: &Context) -> Result<Update, Error> {
        let skip = reloaded.skip();
        let mut next = reloaded.resolve_after(context, Some(self))?;
        let skipped = skip.map_or(0, |skip| skip.skipped_segments);
        match self.relation(&next, skipped) {
            Relation::OtherStream if skip.is_some() => Err(Error::new(
                ErrorKind::NeedFullReload,
                "the delta update is of a stream that has begun anew, a full playlist is needed",
            )),
            Relation::OtherStream => {
                next.details.epoch = self.details.epoch.saturating_add(1);
                Ok(Update {
                    change: Change::Restarted,
                    added: 0..next.segments.len(),
                    added_parts: 0..next.details.parts.len(),
                    removed: 0,
                    missed: 0,
                    timeline: next,
                })
            }
            Relation::Older => Ok(Update {
                change: Change::Stale,
                added: self.segments.len()..self.segments.len(),
                added_parts: self.details.parts.len()..self.details.parts.len(),
                removed: 0,
                missed: 0,
                timeline: self.clone(),
            }),
            Relation::SameStream => {
                next.details.epoch = self.details.epoch;
                next.inherit_dates(self);
                Ok(self.advance(next))
            }
        }
    }

    /// How often the stream has begun anew since it was first resolved. Epoch and Media Sequence Number together tell segments apart.
    pub fn epoch(&self) -> u64 {
        self.details.epoch
    }

    /// How long to wait before the next reload, counted from when the last one began (section 6.3.4): the target duration, half of it when the last load
    /// brought [nothing new](Change::is_news). `None` when the playlist will not change any more. A [blocking
    /// reload](crate::DeliveryDirectives::is_blocking) need not wait after news, since the server makes it wait.
    pub fn reload_delay(&self, is_news: bool) -> Option<Duration> {
        if !self.is_live() {
            return None;
        }
        let longest = || {
            let durations = self.segments().iter().map(|segment| segment.duration);
            durations
                .max()
                .unwrap_or_default()
                .max(Duration::from_secs(1))
        };
        let target = match self.target_duration {
            Duration::ZERO => longest(),
            target => target,
        };
        Some(if is_news { target } else { target / 2 })
    }

    /// How far the playlist has come: the number of the segment to come, and how many parts of it there are.
    fn position(&self) -> (u64, u64) {
        let pending = &self.details.pending;
        (pending.media_sequence_number, pending.part_count)
    }

    fn relation(&self, next: &Timeline, skipped: u64) -> Relation {
        let (start, end) = (self.media_sequence, self.position().0);
        let (next_start, next_end) = (next.media_sequence, next.position().0);
        let overlap = start.max(next_start)..end.min(next_end);
        if overlap.is_empty() {
            if next_start >= end || (next_start >= start && start == end) {
                return Relation::SameStream;
            }
            if next_start == next_end {
                return Relation::Older;
            }
            let last_date = |timeline: &Timeline| timeline.segments().last()?.program_date_time;
            return match (last_date(self), last_date(next)) {
                (Some(last), Some(next)) if next <= last => Relation::Older,
                _ => Relation::OtherStream,
            };
        }
        // What a delta update skips was taken from here and says nothing.
        let listed = overlap.start.max(next_start.saturating_add(skipped))..overlap.end;
        let sure = (self.first_sure_date(), next.first_sure_date());
        let (mut same, mut different) = (0u64, 0u64);
        for number in listed {
            let (Some(one), Some(other)) = (self.index_of(number), next.index_of(number)) else {
                continue;
            };
            if self.is_same_segment(one, next, other, sure) {
                same += 1;
            } else {
                different += 1;
            }
        }
        if different > same {
            return Relation::OtherStream;
        }
        let has_newly_ended = next.end_list && !self.end_list;
        let is_behind = next_end < end
            || (next_end == end && !has_newly_ended && next.position().1 < self.position().1)
            || (next.position() == self.position()
                && (next_start < start || (self.end_list && !next.end_list)));
        if is_behind {
            Relation::Older
        } else {
            Relation::SameStream
        }
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.media_sequence)?).ok()?;
        (index < self.segments.len()).then_some(index)
    }

    /// Whether two segments of one number are the same: by their dates, or else by file name and byte range, since hosts and tokens may change. A date that is
    /// merely counted back, before the first that is `sure` in either timeline, is no proof of another segment.
    fn is_same_segment(
        &self,
        index: usize,
        other: &Timeline,
        other_index: usize,
        sure: (usize, usize),
    ) -> bool {
        let (Some(one), Some(two)) = (
            self.segments().get(index),
            other.segments().get(other_index),
        ) else {
            return false;
        };
        if let (Some(one), Some(two)) = (one.program_date_time, two.program_date_time) {
            let apart = one.duration_since(two).unsigned_abs();
            let is_near = apart <= self.target_duration.max(Duration::from_secs(1));
            if is_near || (index >= sure.0 && other_index >= sure.1) {
                return is_near;
            }
        }
        one.byte_range == two.byte_range
            && file_name(self.segment_uri(index)) == file_name(other.segment_uri(other_index))
    }

    /// The index of the first segment whose date is stated, counted on or was known before; what comes before it is dated by counting back.
    fn first_sure_date(&self) -> usize {
        let mut segments = self.segments().iter();
        let stated = segments.position(|segment| segment.has_stated_date);
        let stated = stated.unwrap_or(self.segments.len());
        self.details
            .dates_inherited_from
            .map_or(stated, |inherited| inherited.min(stated))
    }

    /// Dates the segments before the first that states a date as they were dated before.
    fn inherit_dates(&mut self, previous: &Timeline) {
        let first = self.segments().first();
        if first.is_none_or(|first| first.has_stated_date) || !previous.has_dates() {
            return;
        }
        let mut store = SegmentStore::with_capacity(self.segments.len(), 0, 0);
        let (mut dated, mut is_stated, mut inherited_from) = (None, false, None);
        let sure = previous.first_sure_date();
        for (at, segment) in self.segments().iter().enumerate() {
            is_stated |= segment.has_stated_date;
            let mut known = || {
                let index = previous.index_of(segment.media_sequence_number)?;
                let date = previous.segments().get(index)?.program_date_time;
                if date.is_some() && index >= sure {
                    inherited_from.get_or_insert(at);
                }
                date
            };
            let date = if is_stated {
                segment.program_date_time
            } else {
                known()
            };
            dated = date.map(|date| (date, segment.start)).or(dated);
            let counted = dated.and_then(|(date, since)| counted_on(date, since, segment.start));
            let program_date_time = counted.or(segment.program_date_time);
            // Their times have fitted before.
            let _ = store.push(&Segment {
                program_date_time,
                ..segment
            });
        }
        let end = store.duration();
        self.segments = store;
        self.details.dates_inherited_from = inherited_from;
        let pending = &mut self.details.pending;
        if !pending.has_stated_date {
            let counted = dated.and_then(|(date, since)| counted_on(date, since, end));
            pending.program_date_time = counted.or(pending.program_date_time);
        }
    }

    fn has_dates(&self) -> bool {
        self.segments()
            .last()
            .is_some_and(|segment| segment.program_date_time.is_some())
    }

    fn advance(&self, next: Timeline) -> Update {
        let (end, part_count) = self.position();
        let next_start = next.media_sequence;
        let is_same = next.position() == self.position()
            && next_start == self.media_sequence
            && next.end_list == self.end_list
            && next.details.hints == self.details.hints
            && next.details.date_ranges == self.details.date_ranges;
        let first_new = end.saturating_sub(next_start);
        let first_new = usize::try_from(first_new)
            .map_or(next.segments.len(), |first| first.min(next.segments.len()));
        let parts = &next.details.parts;
        let first_new_part = parts.count_before(end, part_count);
        Update {
            change: if is_same {
                Change::Unchanged
            } else {
                Change::Advanced
            },
            added: first_new..next.segments.len(),
            added_parts: first_new_part..parts.len(),
            removed: next_start.min(end).saturating_sub(self.media_sequence),
            missed: next_start.saturating_sub(end),
            timeline: next,
        }
    }
}

fn file_name(uri: &str) -> &str {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}
