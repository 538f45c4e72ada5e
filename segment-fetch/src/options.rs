//! How a fetcher behaves, whatever it fetches.

use std::time::Duration;

use http::HeaderMap;
use url::Origin;

/// Settings of a [`Fetcher`](crate::Fetcher).
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// How many jobs [`fetch_all`](crate::Fetcher::fetch_all) runs at once: 6. Zero counts as one.
    pub in_flight: usize,
    /// When and how often to try again.
    pub retry: RetryPolicy,
    /// The longest silence: until the response head, and between two pieces of the body. 20 s.
    pub idle_timeout: Duration,
    /// How many redirects one attempt follows: 10.
    pub redirects: u32,
    /// The `User-Agent`: `offline/` and the version of this crate.
    pub user_agent: String,
    /// Headers for every request. `Cookie`, `Authorization` and `Proxy-Authorization` are not sent from here, since
    /// they would reach every host: they belong into `credentials` or into one request.
    pub headers: HeaderMap,
    /// Headers for one origin only, never sent to another.
    pub credentials: Vec<Credentials>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            in_flight: 6,
            retry: RetryPolicy::default(),
            idle_timeout: Duration::from_secs(20),
            redirects: 10,
            user_agent: concat!("offline/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: HeaderMap::new(),
            credentials: Vec::new(),
        }
    }
}

/// Headers that only one origin (scheme, host and port) may see.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whom they are for, as of [`Url::origin`](url::Url::origin).
    pub origin: Origin,
    /// What is sent: `Cookie`, `Authorization` or any other.
    pub headers: HeaderMap,
}

/// When a failed attempt is made again.
///
/// The pause before the n-th retry in a row is random between zero and `base * factor^(n-1)`, at most `cap` ("full
/// jitter"), and no shorter than the server's `Retry-After`. The count starts again whenever an attempt gets 16 KiB
/// further than any before it, so a long resource on a bad line is not given up while it advances.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// Retries in a row without progress: 5.
    pub retries: u32,
    /// The upper bound of the first pause: 500 ms.
    pub base: Duration,
    /// How much each pause may be longer than the one before: 2.
    pub factor: u32,
    /// The longest pause of our own: 15 s.
    pub cap: Duration,
    /// The longest pause a server's `Retry-After` can ask for: 120 s.
    pub retry_after_cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            retries: 5,
            base: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(15),
            retry_after_cap: Duration::from_secs(120),
        }
    }
}
