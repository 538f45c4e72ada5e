//! How a fetcher behaves, whatever it fetches.

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use url::{Origin, Url};

use crate::schedule::Window;
use crate::{CookieJar, HostOptions, RateLimit, RefreshAddress};

/// Settings of a [`Fetcher`](crate::Fetcher). The `Debug` form leaves the values of headers out.
#[derive(Clone)]
pub struct FetchOptions {
    /// How many jobs [`fetch_all`](crate::Fetcher::fetch_all) runs at once.
    pub concurrency: Concurrency,
    /// When and how often to try again.
    pub retry: RetryPolicy,
    /// The longest silence: until the response head, and between two pieces of the body. 20 s.
    pub idle_timeout: Duration,
    /// The least that has to come of a body to wait for the rest; what is slower is given up and tried again from where it
    /// is, on another connection. 1 KiB in 30 s of waiting. `None`: anything, as long as it comes.
    pub least_pace: Option<LeastPace>,
    /// How many bytes of bodies may come in a second, of all fetches of the fetcher together, and of all other fetchers that have a clone of it. `None`: as
    /// many as come.
    pub rate_limit: Option<RateLimit>,
    /// Whether the last slow requests of a stream are made a second time, so that nothing hangs at 99 %: yes.
    ///
    /// Only when nothing waits, at most twice for a job, and within [`concurrency`](FetchOptions::concurrency).
    pub hedging: bool,
    /// Whether, and up to where, jobs of [`fetch_all`](crate::Fetcher::fetch_all) share requests: they do.
    pub merge: Option<Merge>,
    /// Supplies new addresses for those that have expired.
    pub refresh: Option<RefreshAddress>,
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
    /// What holds for some hosts only: nothing. Of several that match, the last wins.
    pub hosts: Vec<HostOptions>,
    /// Keeps the cookies that servers set, and gives them back: none. A `Cookie` that the caller sets is sent too, and
    /// wins over one of the same name.
    pub cookies: Option<CookieJar>,
    /// The names and values of a header together, of a response or a request: 64 KiB.
    pub header_limit: usize,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            concurrency: Concurrency::default(),
            retry: RetryPolicy::default(),
            idle_timeout: Duration::from_secs(20),
            least_pace: Some(LeastPace {
                bytes: 1024,
                within: Duration::from_secs(30),
            }),
            rate_limit: None,
            hedging: true,
            merge: Some(Merge::default()),
            refresh: None,
            redirects: 10,
            user_agent: concat!("offline/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: HeaderMap::new(),
            credentials: Vec::new(),
            hosts: Vec::new(),
            cookies: None,
            header_limit: 64 << 10,
        }
    }
}

/// A pace, as bytes in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastPace {
    /// So many bytes,
    pub bytes: u64,
    /// in this time of waiting for them; what the sink or the rate limit takes does not count.
    pub within: Duration,
}

/// How jobs share requests, when they want ranges of one file that follow each other without a gap.
///
/// Only jobs that would have to wait are merged with one that starts, so that no request in flight is given up for it; the
/// last ones are shared out among as many requests as may be in flight. A merged request counts like one job. Jobs share
/// when their address, headers, reach, group and priority are the same, their sinks are empty, and they have neither a
/// [`total_timeout`](crate::Expect::total_timeout) nor compression. Each is judged and ends by itself. When the request
/// fails, those that have not ended go on from where they are, by themselves; it does not count as an attempt of theirs. It
/// has no second request beside it: when it is slow and nothing waits, it is given up for requests of their own.
///
/// From a server that ignores ranges, all waiting jobs of the file that lie ahead take their part of the one body, whatever
/// their lengths, and whether they follow each other or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merge {
    /// Longer ranges have a request of their own: 512 KiB.
    pub longest: u64,
    /// How long merged ranges are together at most: 8 MiB.
    pub bytes: u64,
    /// How many jobs one request is for at most: 64.
    pub parts: usize,
    /// How many jobs share requests that are in flight, altogether; with so many, no more are taken from the stream. Each
    /// has its sink: 128.
    pub total: usize,
}

impl Default for Merge {
    fn default() -> Self {
        Merge {
            longest: 512 << 10,
            bytes: 8 << 20,
            parts: 64,
            total: 128,
        }
    }
}

/// How many jobs run at once. Every job has one request in flight, and keeps its place while it waits to retry.
///
/// How many are worth having at one host is learnt from what they bring (see [`Window`]), unless `start` and both bounds
/// per host are equal. Zero counts as one everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concurrency {
    /// At one host (scheme, name and port) to begin with: 6.
    pub start: usize,
    /// At one host at most: 16.
    pub per_host: usize,
    /// At one host that speaks HTTP/2, where requests share a connection, at most: 64.
    pub per_host_multiplexed: usize,
    /// Of one [group](crate::Job::group) at most: 64.
    pub per_group: usize,
    /// Altogether at most: 64.
    pub total: usize,
    /// How many jobs are taken from the stream beyond those that run, so that priorities and turns have something to
    /// choose from: 32. With zero, jobs run in the order of the stream.
    pub look_ahead: usize,
}

impl Default for Concurrency {
    fn default() -> Self {
        Concurrency {
            start: 6,
            per_host: 16,
            per_host_multiplexed: 64,
            per_group: 64,
            total: 64,
            look_ahead: 32,
        }
    }
}

impl Concurrency {
    /// The defaults, but never more than `most` altogether.
    pub fn at_most(most: usize) -> Self {
        let defaults = Concurrency::default();
        Concurrency {
            start: defaults.start.min(most),
            per_host: defaults.per_host.max(most),
            per_host_multiplexed: defaults.per_host_multiplexed.max(most),
            per_group: most,
            total: most,
            ..defaults
        }
    }

    /// Always `count` at one host, whatever they bring.
    pub fn fixed(count: usize) -> Self {
        let defaults = Concurrency::default();
        Concurrency {
            start: count,
            per_host: count,
            per_host_multiplexed: count,
            per_group: defaults.per_group.max(count),
            total: defaults.total.max(count),
            ..defaults
        }
    }

    /// What a host begins with.
    pub(crate) fn window(&self) -> Window {
        if self.start == self.per_host && self.start == self.per_host_multiplexed {
            Window::fixed(self.start)
        } else {
            Window::new(self.start, self.per_host)
        }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("concurrency", &self.concurrency)
            .field("retry", &self.retry)
            .field("idle_timeout", &self.idle_timeout)
            .field("least_pace", &self.least_pace)
            .field("rate_limit", &self.rate_limit)
            .field("hedging", &self.hedging)
            .field("merge", &self.merge)
            .field("refresh", &self.refresh)
            .field("redirects", &self.redirects)
            .field("user_agent", &self.user_agent)
            .field("headers", &Names(&self.headers))
            .field("credentials", &self.credentials)
            .field("hosts", &self.hosts)
            .field("cookies", &self.cookies)
            .field("header_limit", &self.header_limit)
            .finish_non_exhaustive()
    }
}

impl FetchOptions {
    /// What holds for the host of an address, what wins last.
    pub(crate) fn of_host(&self, url: &Url) -> impl Iterator<Item = &HostOptions> {
        let hosts = self.hosts.iter();
        hosts.filter(|host| host.hosts.matches(url))
    }

    /// Waits as long as bytes that came from there have to be paid for.
    pub(crate) async fn pay(&self, url: &Url, bytes: u64) {
        let of_host = self
            .of_host(url)
            .filter_map(|host| host.rate_limit.as_ref());
        for rate in self.rate_limit.iter().chain(of_host) {
            rate.pay(bytes).await;
        }
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
