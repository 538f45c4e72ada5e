//! How fast bytes come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The speed is that of so much time.
const WINDOW: Duration = Duration::from_secs(5);
/// How often bytes are noted for that.
const NOTE_EVERY: Duration = Duration::from_millis(200);
/// Before that there is no speed.
const FIRST_SPEED: Duration = Duration::from_millis(500);

/// The speed of the last seconds.
#[derive(Debug)]
pub(super) struct Speed {
    /// When there were how many bytes, the oldest first.
    noted: VecDeque<(Instant, u64)>,
    pub(super) bytes: u64,
    /// When bytes came last.
    came: Instant,
}

impl Speed {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            noted: VecDeque::from([(now, 0)]),
            bytes: 0,
            came: now,
        }
    }

    /// So many bytes are there now.
    pub(super) fn note(&mut self, now: Instant, bytes: u64) {
        if bytes != self.bytes {
            self.bytes = bytes;
            self.came = now;
        }
        let last = self.noted.back().map(|(at, _)| *at);
        if last.is_none_or(|last| now.duration_since(last) >= NOTE_EVERY) {
            self.noted.push_back((now, bytes));
        }
        // One is kept that is as old as the window, to begin from.
        while let Some((second, _)) = self.noted.get(1)
            && now.duration_since(*second) >= WINDOW
        {
            self.noted.pop_front();
        }
    }

    /// Bytes a second; `None` when it is too early to tell.
    pub(super) fn rate(&self, now: Instant) -> Option<u64> {
        let (since, before) = *self.noted.front()?;
        let elapsed = now.duration_since(since);
        let milliseconds = u64::try_from(elapsed.as_millis()).ok()?;
        (elapsed >= FIRST_SPEED).then(|| {
            let bytes = self.bytes.saturating_sub(before);
            bytes.saturating_mul(1000) / milliseconds.max(1)
        })
    }

    /// For how long nothing has come, when that is longer than is usual.
    pub(super) fn stalled(&self, now: Instant) -> Option<Duration> {
        let nothing = now.duration_since(self.came);
        (nothing >= WINDOW).then_some(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let began = Instant::now();
        let at = |milliseconds| began + Duration::from_millis(milliseconds);
        let mut speed = Speed::new(began);
        assert_eq!(speed.rate(at(100)), None);
        for tenth in 1..=100 {
            speed.note(at(tenth * 100), tenth * 1000);
        }
        assert_eq!(speed.rate(at(10_000)), Some(10_000));
        assert_eq!(speed.stalled(at(10_000)), None);
        // What came before the window counts no more, however much that was.
        for tenth in 101..=160 {
            speed.note(at(tenth * 100), 100_000);
        }
        assert_eq!(speed.rate(at(16_000)), Some(0));
        assert_eq!(speed.stalled(at(16_000)), Some(Duration::from_secs(6)));
        assert!(speed.noted.len() < 30, "{}", speed.noted.len());
    }
}
