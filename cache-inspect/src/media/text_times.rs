//! Where the cues of segmented WebVTT belong.

use std::time::Duration;

use super::sequence::{Announced, TOLERANCE, around};
use super::stream::Stream;

/// What the cues of segments say of how far the time of the media is ahead of that of the playlist, in nanoseconds.
///
/// A cue belongs to every segment during which it is shown (RFC 8216bis section 3.5). So the first one begins before
/// its segment ends, and the last one ends after its segment begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextTimes {
    least: i128,
    most: i128,
}

impl TextTimes {
    /// What one segment says; nothing if it has no cue.
    pub(super) fn new(announced: &Announced, stream: &Stream) -> Option<Self> {
        let signed = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        let (first, last) = (stream.start?, stream.end()?);
        let end = announced.start.saturating_add(announced.duration);
        Some(Self {
            least: signed(first) - signed(end),
            most: signed(last) - signed(announced.start),
        })
    }

    /// Takes over what the next segment says. If it contradicts that before, nothing changes, and the answer is by how
    /// much it is too late, or too early if less than 0.
    pub(super) fn narrow(&mut self, next: &Self) -> i128 {
        let tolerance = i128::try_from(TOLERANCE.as_nanos()).unwrap_or(i128::MAX);
        // The clock may have begun anew in between.
        let least = self.least + around(next.least - self.least);
        let most = least + (next.most - next.least);
        if least > self.most + tolerance {
            return least - self.most;
        }
        if most < self.least - tolerance {
            return most - self.least;
        }
        self.least = self.least.max(least);
        self.most = self.most.min(most).max(self.least);
        0
    }
}
