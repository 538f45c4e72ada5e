//! Partial Segments (appendix B): what is left of a segment that never became whole, and where else the bytes of one are whose own address fails.
//!
//! A recording is made of whole segments, which a server that blocks hands out as soon as they are whole; waiting for each of their parts would only be more
//! requests.

use std::ops::Range;
use std::time::Duration;

use hls_parse::{ByteRange, KeyMethod, NewSegment, Timeline};
use segment_fetch::Request;
use url::Url;

use super::row::{self, Origin, Row};
use super::track::{Last, Taken, Track};
use super::written::quotable;
use crate::session::{Network, layout, source};

/// Together the parts of a segment have at most so many bytes: they are put together in memory.
const MOST_BYTES: u64 = 64 << 20;

/// A resource, or a range of one, with some of a segment.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The index of its first part.
    pub(super) part: usize,
    pub(super) url: Url,
    pub(super) byte_range: Option<ByteRange>,
    duration: Duration,
    gap: bool,
}

impl Piece {
    fn of(timeline: &Timeline, index: usize) -> Option<Self> {
        let part = timeline.parts().get(index)?;
        Some(Self {
            part: index,
            url: timeline.part_url(index),
            byte_range: part.byte_range,
            duration: part.duration,
            gap: part.gap,
        })
    }

    /// Adds what comes right after it in the same resource; gives it back if that is somewhere else.
    fn extend(&mut self, next: Self) -> Option<Self> {
        let ranges = self.byte_range.as_mut().zip(next.byte_range);
        match ranges {
            Some((range, after))
                if self.url == next.url
                    && !self.gap
                    && !next.gap
                    && range.start.checked_add(range.length) == Some(after.start) =>
            {
                range.length = range.length.saturating_add(after.length);
                self.duration = self.duration.saturating_add(next.duration);
                None
            }
            _ => Some(next),
        }
    }
}

/// The parts at some indices, as few pieces as it takes.
fn pieces(timeline: &Timeline, parts: Range<usize>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before = None;
    for (at, index) in parts.enumerate() {
        let (Some(part), Some(piece)) = (timeline.parts().get(index), Piece::of(timeline, index))
        else {
            break;
        };
        if usize::try_from(part.index) != Ok(at) {
            // Nothing after one that could not be read can be played.
            break;
        }
        let state = (part.map, timeline.part_keys(index));
        // Each part is encrypted for itself.
        let may_extend = before == Some(state) && state.1.is_empty();
        before = Some(state);
        let left = match pieces.last_mut() {
            Some(last) if may_extend => last.extend(piece),
            _ => Some(piece),
        };
        pieces.extend(left);
    }
    pieces
}

/// Where the bytes of a listed segment are too: in its parts, when all of them are there and they are not each encrypted for itself.
pub(super) fn of_segment(timeline: &Timeline, index: usize) -> Vec<Piece> {
    let parts = timeline.segment_parts(index);
    let Some(segment) = timeline.segments().get(index).filter(|_| !parts.is_empty()) else {
        return Vec::new();
    };
    let keys = timeline.segment_keys(index);
    let is_whole_encrypted = keys.iter().any(|&key| {
        let key = timeline.keys().get(key);
        key.is_some_and(|key| key.method == KeyMethod::Aes128)
    });
    let is_alike = |part: usize| {
        let one = timeline.parts().get(part);
        one.is_some_and(|one| one.map == segment.map && !one.gap)
            && timeline.part_keys(part) == keys
    };
    let count = parts.len();
    let found = if is_whole_encrypted || !parts.clone().all(is_alike) {
        Vec::new()
    } else {
        pieces(timeline, parts)
    };
    // Those that could not be read would be missing in the middle of it.
    let duration: Duration = found.iter().map(|piece| piece.duration).sum();
    let tolerance = segment.duration / 20;
    let is_whole = duration.abs_diff(segment.duration) <= tolerance && count > 0;
    if is_whole { found } else { Vec::new() }
}

impl Track {
    /// Takes the parts of the segment that was to come next and will not, each as a segment.
    pub(super) fn take_unfinished(&mut self, timeline: &Timeline, epoch: u64, taken: &mut Taken) {
        let pending = timeline.pending();
        let origin = Origin {
            epoch,
            number: pending.media_sequence_number,
        };
        let follows = self.last.filter(|last| {
            let next = last.origin.number.checked_add(1);
            last.origin.epoch == epoch && next == Some(origin.number)
        });
        let pieces = pieces(timeline, timeline.unfinished_parts());
        let Some(last) = follows.filter(|_| !pieces.is_empty() && !self.is_full) else {
            return;
        };
        let is_discontinuous =
            pending.discontinuity || pending.discontinuity_number > last.discontinuity_number;
        let mut date = pending.program_date_time;
        for (at, piece) in pieces.into_iter().enumerate() {
            let mut segment = NewSegment::new(quotable(piece.url.as_str()), piece.duration);
            segment.byte_range = piece.byte_range;
            segment.gap = piece.gap;
            segment.bitrate = pending.bitrate;
            segment.discontinuity = at == 0 && is_discontinuous;
            segment.program_date_time = date.filter(|_| at == 0 && pending.has_stated_date);
            let mut row = Row::new(segment, pending.discontinuity_number);
            row.origin = Some(origin);
            row.is_part = true;
            row.date = date;
            date = date.and_then(|date| date.checked_add(piece.duration).ok());
            if !piece.gap {
                self.want_piece(timeline, &mut row, &piece, taken);
            }
            self.taken = self.taken.saturating_add(piece.duration);
            self.rows.push_back(row);
        }
        self.last = Some(Last {
            origin,
            discontinuity_number: pending.discontinuity_number,
            end_date: date,
            ..last
        });
    }

    /// Goes on after a segment of which an earlier run has taken the parts.
    pub(super) fn go_on_after(&mut self, unfinished: Option<u64>) {
        self.unfinished = unfinished;
        if let (Some(last), Some(number)) = (&mut self.last, unfinished)
            && last.origin.number.checked_add(1) == Some(number)
        {
            last.origin.number = number;
        }
    }

    fn want_piece(&mut self, timeline: &Timeline, row: &mut Row, piece: &Piece, taken: &mut Taken) {
        let number = self.next();
        let map = timeline.parts().get(piece.part).and_then(|part| part.map);
        let name = layout::numbered_segment(number, &piece.url, map.is_some(), self.subtitles);
        row.path = Some(format!("{}/{name}", self.name));
        match row::had_piece(timeline, piece, map).and_then(|had| self.unmapped(had)) {
            Ok(had) => self.want(row, number, had, Vec::new(), taken),
            Err(reason) => {
                row.has_failed = true;
                taken.refused.push((source::shown(&piece.url), reason));
            }
        }
    }
}

/// Fetches what makes one segment together.
pub(super) async fn together(
    network: &Network,
    requests: Vec<Request>,
) -> Result<Vec<u8>, segment_fetch::Error> {
    let mut bytes = Vec::new();
    for mut request in requests {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        request.expect.max_length = MOST_BYTES.saturating_sub(length);
        let fetched = network.fetcher.fetch(request).await?;
        bytes.extend_from_slice(&fetched.body);
    }
    Ok(bytes)
}
