//! How long to wait before the next attempt, and when to stop.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::RetryPolicy;
use crate::content_range::number;
use crate::resume::Retry;

/// When a server wants to be asked again (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After this long.
    Delay(Duration),
    /// Not before this time.
    At(SystemTime),
}

impl RetryAfter {
    /// The `Retry-After` field, in either of its forms.
    pub fn from_headers(headers: &HeaderMap) -> Option<RetryAfter> {
        let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        match number(value) {
            Some(seconds) => Some(RetryAfter::Delay(Duration::from_secs(seconds))),
            None => httpdate::parse_http_date(value).ok().map(RetryAfter::At),
        }
    }

    fn delay(self, now: SystemTime) -> Duration {
        match self {
            RetryAfter::Delay(delay) => delay,
            RetryAfter::At(time) => time.duration_since(now).unwrap_or_default(),
        }
    }
}

/// How much further an attempt must get for the count to start again. Less would let a server that cuts after every
/// few bytes draw as many requests as there are bytes.
const PROGRESS: u64 = 16 << 10;

/// Counts the attempts of one fetch.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    policy: &'a RetryPolicy,
    /// Failures in a row without progress.
    failed: u32,
    /// The furthest that any attempt got.
    furthest: u64,
    once_used: bool,
}

impl<'a> Attempts<'a> {
    /// `held` bytes were there before the first attempt.
    pub(crate) fn new(policy: &'a RetryPolicy, held: u64) -> Self {
        Attempts {
            policy,
            failed: 0,
            furthest: held,
            once_used: false,
        }
    }

    /// The pause before the next attempt, `None` when there is none, given where the sink is after a failed one.
    pub(crate) fn next(
        &mut self,
        retry: Retry,
        after: Option<RetryAfter>,
        held: u64,
    ) -> Option<Duration> {
        if held >= self.furthest.saturating_add(PROGRESS) {
            self.furthest = held;
            self.failed = 0;
        }
        let allowed = match retry {
            Retry::Never => false,
            Retry::Once => !std::mem::replace(&mut self.once_used, true),
            Retry::Always => true,
        };
        if !allowed || self.failed >= self.policy.retries {
            return None;
        }
        self.failed += 1;
        let asked = after.map_or(Duration::ZERO, |after| after.delay(SystemTime::now()));
        Some(jitter(self.ceiling()).max(asked.min(self.policy.retry_after_cap)))
    }

    fn ceiling(&self) -> Duration {
        let factor = self
            .policy
            .factor
            .saturating_pow(self.failed.saturating_sub(1));
        self.policy.base.saturating_mul(factor).min(self.policy.cap)
    }
}

/// Anything between nothing and `ceiling`, so that many clients cut off at once do not come back at once.
fn jitter(ceiling: Duration) -> Duration {
    ceiling.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy::default()
    }

    #[test]
    fn pauses_grow_to_the_cap_and_end() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, 0);
        for ceiling in [500, 1_000, 2_000, 4_000, 8_000] {
            let pause = attempts.next(Retry::Always, None, 0).unwrap();
            assert!(pause <= Duration::from_millis(ceiling), "{pause:?}");
        }
        assert_eq!(attempts.next(Retry::Always, None, 0), None);
    }

    #[test]
    fn progress_starts_the_count_again_but_a_trickle_does_not() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, 0);
        assert!((1..100).all(|step| {
            attempts
                .next(Retry::Always, None, step * PROGRESS)
                .is_some()
        }));
        let mut attempts = Attempts::new(&policy, 0);
        assert_eq!(
            (1..100)
                .filter(|&held| attempts.next(Retry::Always, None, held).is_some())
                .count(),
            5
        );
        // The same bytes over and over, as after restarts, are no progress.
        let mut attempts = Attempts::new(&policy, 0);
        assert_eq!(
            (0..100)
                .filter(|_| attempts.next(Retry::Always, None, PROGRESS).is_some())
                .count(),
            5
        );
    }

    #[test]
    fn the_server_can_ask_for_more_time_up_to_the_cap() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, 0);
        let mut next = |after| attempts.next(Retry::Always, Some(after), 0).unwrap();
        let asked = Duration::from_secs(30);
        assert_eq!(next(RetryAfter::Delay(asked)), asked);
        assert_eq!(
            next(RetryAfter::Delay(Duration::MAX)),
            policy.retry_after_cap
        );
        let at = next(RetryAfter::At(SystemTime::now() + Duration::from_secs(60)));
        assert!(
            at > Duration::from_secs(58) && at <= Duration::from_secs(60),
            "{at:?}"
        );
        assert!(next(RetryAfter::At(SystemTime::UNIX_EPOCH)) <= policy.cap);
    }

    #[test]
    fn once_is_once() {
        let policy = policy();
        let mut attempts = Attempts::new(&policy, 0);
        assert!(attempts.next(Retry::Once, None, 0).is_some());
        assert!(attempts.next(Retry::Once, None, 0).is_none());
        assert!(attempts.next(Retry::Never, None, 0).is_none());
    }

    #[test]
    fn both_forms_of_the_field_are_read() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            RetryAfter::from_headers(&headers)
        };
        assert_eq!(
            read("120"),
            Some(RetryAfter::Delay(Duration::from_secs(120)))
        );
        assert_eq!(
            read("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(RetryAfter::At(
                SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
            ))
        );
        assert_eq!(read("soon"), None);
        assert_eq!(read("-1"), None);
    }
}
