//! Time as a recording counts it.

use std::time::Duration;

use tokio::time::Instant;

/// The time since a recording began. In a simulation it goes faster than it does for the rest of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    speed: u32,
}

impl Clock {
    pub(super) fn new(speed: u32) -> Self {
        Self {
            began: Instant::now(),
            speed: speed.max(1),
        }
    }

    pub(super) fn now(self) -> Duration {
        self.began.elapsed().saturating_mul(self.speed)
    }

    /// Waits until it is `time`.
    pub(super) async fn until(self, time: Duration) {
        let since = time.checked_div(self.speed).unwrap_or_default();
        match self.began.checked_add(since) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}
