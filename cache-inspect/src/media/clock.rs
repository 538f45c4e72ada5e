//! The clock of MPEG-2 systems: 90,000 ticks a second in 33 bits, so that it begins anew every 26.5 hours.

use std::time::Duration;

/// Ticks a second of the time stamps of Transport Streams, packed audio and `X-TIMESTAMP-MAP`.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// How many ticks there are before the clock begins anew: 2³³.
pub const WRAP: u64 = 1 << 33;

/// Ticks from one time stamp to another, the shorter way round: negative if the other is the earlier one.
///
/// ```
/// use cache_inspect::media::clock::{WRAP, ticks_between};
///
/// assert_eq!(ticks_between(90_000, 0), -90_000);
/// assert_eq!(ticks_between(WRAP - 3_600, 3_600), 7_200);
/// ```
pub fn ticks_between(from: u64, to: u64) -> i64 {
    let ahead = to.wrapping_sub(from) % WRAP;
    let signed = i64::try_from(ahead).unwrap_or_default();
    if ahead < WRAP / 2 {
        signed
    } else {
        signed - (1 << 33)
    }
}

/// Ticks as time, rounded down to nanoseconds.
pub fn time(ticks: u64) -> Duration {
    let seconds = Duration::from_secs(ticks / TICKS_PER_SECOND);
    // Less than 90,000 × 10⁹ / 90,000.
    seconds.saturating_add(Duration::from_nanos(
        ticks % TICKS_PER_SECOND * 1_000_000_000 / TICKS_PER_SECOND,
    ))
}

/// How long the clock runs before it begins anew.
pub(crate) fn wrap_time() -> Duration {
    time(WRAP)
}
