//! What a track remembers over the end of a process: how the stream is recognized, and what is settled.

use std::time::Duration;

use hls_parse::Timeline;

use super::row::{self, Origin};
use super::track::{Last, Shared, Target, Track};
use super::written::Written;
use crate::Result;
use crate::session::resolve::Received;

/// See [`Track::evidence`].
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) playlist: Received,
    pub(super) discontinuity_number: u64,
}

impl Track {
    /// What the stream is recognized by later: a playlist of the last segments, under the numbers they had at their origin, and the
    /// discontinuity number of its last.
    pub(super) fn evidence(&self) -> Result<Option<Evidence>> {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else {
            return Ok(self.seen.clone());
        };
        let Some(origin) = first.origin else {
            return Ok(None);
        };
        let mut playlist = Written::evidence(origin.number, first.discontinuity_number);
        for row in &self.recent {
            let mut segment = row.segment.clone();
            segment.program_date_time = row.date;
            segment.discontinuity = false;
            playlist.push(segment, None);
        }
        Ok(Some(Evidence {
            playlist: playlist.playlist(&self.url, std::iter::empty())?,
            discontinuity_number: last.discontinuity_number,
        }))
    }

    /// Goes on from what an earlier run has settled.
    ///
    /// `pinned` and `tail` are what is recorded, in order; `seen` is the evidence, which counts as epoch 0.
    pub(super) fn restore(
        &mut self,
        pinned: Option<&Timeline>,
        tail: Option<&Timeline>,
        seen: &Timeline,
        evidence: Evidence,
    ) {
        if let Some(pinned) = pinned {
            self.restore_all(pinned);
            self.ranges.pinned();
            self.tail = None;
        }
        if let Some(tail) = tail {
            self.restore_all(tail);
        }
        self.taken = self
            .whole
            .as_ref()
            .map_or(Duration::ZERO, |whole| whole.duration);
        self.last = seen.segments().last().map(|segment| Last {
            origin: Origin {
                epoch: 0,
                number: segment.media_sequence_number,
            },
            discontinuity_number: evidence.discontinuity_number,
            duration: segment.duration,
            end_date: segment
                .program_date_time
                .and_then(|date| date.checked_add(segment.duration).ok()),
        });
        self.seen = Some(evidence);
    }

    /// Takes in what is recorded; what is known already counts once.
    pub(super) fn restore_all(&mut self, timeline: &Timeline) {
        self.ranges.take(timeline, None);
        for (index, segment) in timeline.segments().iter().enumerate() {
            let number = segment.media_sequence_number;
            if self.whole.is_none() {
                self.front = number;
                self.start = segment.program_date_time;
                let mut whole = Written::new(number, timeline.discontinuity_sequence());
                // It has the second that was added before.
                let target = timeline.target_duration();
                whole.target(target.saturating_sub(Duration::from_secs(1)));
                self.whole = Some(whole);
            }
            if number == self.front {
                self.restore_one(timeline, index);
            }
        }
    }

    fn restore_one(&mut self, timeline: &Timeline, index: usize) {
        let Some(segment) = row::listed(timeline, index, false) else {
            return;
        };
        let needs = row::had(timeline, index, self.front)
            .ok()
            .map(|had| had.needs);
        if let Some(needs) = &needs {
            let numbered = self.numbers.of(needs);
            let keys = [numbered.key, numbered.map_key].into_iter().flatten();
            let all = keys.map(Target::Key).chain(numbered.map.map(Target::Map));
            for target in all {
                self.shared.insert(target, Shared::There);
                if !segment.gap {
                    // Or what was recorded would not be there.
                    self.proven.insert(target);
                }
            }
        }
        self.stored = self.stored.saturating_add(u64::from(!segment.gap));
        self.write_down(&segment, needs.as_ref());
    }
}
