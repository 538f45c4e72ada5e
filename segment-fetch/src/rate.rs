//! How many bytes may come in a second.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A token bucket, kept as the time when it will have room again. No I/O, no clock.
///
/// What came is paid for afterwards: the next bytes are read when the bucket has room, so over any time no more comes than
/// the rate allows, plus the depth of the bucket (a quarter of a second's worth) and what was read last.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Bytes a second.
    rate: u64,
    /// When everything that came will have been paid for.
    paid: Duration,
}

/// How much time's worth may come at once after a silence.
const DEPTH: Duration = Duration::from_millis(250);

impl Bucket {
    pub(crate) fn new(rate: u64) -> Self {
        Bucket {
            rate: rate.max(1),
            paid: Duration::ZERO,
        }
    }

    /// Takes what came, and returns how long to wait before reading on.
    pub(crate) fn take(&mut self, now: Duration, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.paid = self
            .paid
            .max(now.saturating_sub(DEPTH))
            .saturating_add(cost);
        self.paid.saturating_sub(now)
    }
}

/// How many bytes of bodies may come in a second, of all fetches that share it. Cheap to clone; fetchers that are made with clones of one keep to the rate
/// together.
///
/// What was saved up in silence is at most a quarter of a second's worth.
///
/// ```
/// use segment_fetch::{FetchOptions, RateLimit};
///
/// let limit = RateLimit::new(2_000_000);
/// let one = FetchOptions {
///     rate_limit: Some(limit.clone()),
///     ..FetchOptions::default()
/// };
/// let other = FetchOptions {
///     rate_limit: Some(limit),
///     ..FetchOptions::default()
/// };
/// # let _ = (one, other);
/// ```
#[derive(Clone)]
pub struct RateLimit {
    shared: Arc<Shared>,
}

/// The bucket, and the clock for it.
struct Shared {
    bucket: Mutex<Bucket>,
    began: Instant,
    rate: u64,
}

impl RateLimit {
    /// So many bytes in a second; none is taken as one.
    pub fn new(bytes_per_second: u64) -> Self {
        let rate = bytes_per_second.max(1);
        RateLimit {
            shared: Arc::new(Shared {
                bucket: Mutex::new(Bucket::new(rate)),
                began: Instant::now(),
                rate,
            }),
        }
    }

    /// The rate it was made with.
    pub fn bytes_per_second(&self) -> u64 {
        self.shared.rate
    }

    /// Waits as long as bytes that came have to be paid for.
    pub(crate) async fn pay(&self, bytes: u64) {
        let wait = {
            let Shared { bucket, began, .. } = &*self.shared;
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.take(began.elapsed(), bytes)
        };
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimit").field(&self.shared.rate).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Readers that wait as they are told get the rate, no more than a second's worth at once and no less in the long run.
        #[test]
        fn the_rate_is_kept(rate in 1_000_u64..10_000_000, pieces in proptest::collection::vec((1_u64..100_000, 0_u64..3_000), 1..200)) {
            let mut bucket = Bucket::new(rate);
            let (mut now, mut came) = (Duration::from_secs(1), Vec::new());
            for (bytes, idle) in pieces {
                came.push((now, bytes));
                now += bucket.take(now, bytes) + Duration::from_millis(idle) / 10;
            }
            for (index, &(from, _)) in came.iter().enumerate() {
                let mut sum = 0;
                for &(at, bytes) in &came[index..] {
                    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "a rate")]
                    let allowed = (rate as f64 * (at.saturating_sub(from) + DEPTH).as_secs_f64()) as u64 + bytes + 2;
                    sum += bytes;
                    let first = came[index].1;
                    prop_assert!(sum <= allowed + first, "{sum} of {allowed} bytes");
                }
            }
        }
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let mut bucket = Bucket::new(1_000);
        assert_eq!(bucket.take(Duration::from_secs(3600), 250), Duration::ZERO);
        assert_eq!(
            bucket.take(Duration::from_secs(3600), 1_000),
            Duration::from_secs(1)
        );
        assert_eq!(
            Bucket::new(0).take(Duration::ZERO, 1),
            Duration::from_secs(1)
        );
    }
}
