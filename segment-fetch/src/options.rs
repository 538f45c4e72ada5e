//! How a fetcher behaves, whatever it fetches.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use url::Origin;

use crate::CookieJar;

/// Settings of a [`Fetcher`](crate::Fetcher). The `Debug` form leaves the values of headers out.
#[derive(Clone)]
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
    /// they would reach every host: they belong into `credentials` or into one request. The same holds for values that
    /// are [marked as sensitive](http::HeaderValue::set_sensitive).
    pub headers: HeaderMap,
    /// Headers for one origin only, never sent to another.
    pub credentials: Vec<Credentials>,
    /// Keeps the cookies that servers set, and gives them back: none. A `Cookie` that the caller sets is sent too, and
    /// wins over one of the same name.
    pub cookies: Option<CookieJar>,
    /// The names and values of a header together, of a response or a request: 64 KiB.
    pub header_limit: usize,
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
            cookies: None,
            header_limit: 64 << 10,
        }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("retry", &self.retry)
            .field("idle_timeout", &self.idle_timeout)
            .field("redirects", &self.redirects)
            .field("user_agent", &self.user_agent)
            .field("headers", &Names(&self.headers))
            .field("credentials", &self.credentials)
            .field("cookies", &self.cookies)
            .field("header_limit", &self.header_limit)
            .finish_non_exhaustive()
    }
}

/// Shows the names of headers without their values, which may be secrets.
pub(crate) struct Names<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Headers that only one origin (scheme, host and port) may see. The `Debug` form leaves their values out.
#[derive(Clone)]
pub struct Credentials {
    /// Whom they are for, as of [`Url::origin`](url::Url::origin).
    pub origin: Origin,
    /// What is sent: `Cookie`, `Authorization` or any other.
    pub headers: HeaderMap,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("origin", &self.origin)
            .field("headers", &Names(&self.headers))
            .finish()
    }
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
