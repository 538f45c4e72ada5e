//! What holds for some hosts only.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use url::{Host, Url};

use crate::RateLimit;
use crate::options::Names;
use crate::resume::Retry;
use crate::{Error, ErrorKind};

/// Which hosts something holds for: one (`media.example`), or all below one (`*.example`, which `example` itself is
/// not), on any port or with `:8080` on one.
///
/// ```
/// use segment_fetch::{HostPattern, Url};
///
/// let pattern: HostPattern = "*.example".parse()?;
/// assert!(pattern.matches(&Url::parse("https://media.example/film.m3u8").unwrap()));
/// assert!(!pattern.matches(&Url::parse("https://media.example.test/").unwrap()));
/// # Ok::<(), segment_fetch::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    /// In the form that addresses have after parsing: lower case, in ASCII, IPv6 in brackets.
    host: String,
    is_above: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// Whether an address is of such a host. Without a port in the address it is the one of its scheme.
    pub fn matches(&self, url: &Url) -> bool {
        url.host_str()
            .is_some_and(|host| self.is_of(host, url.port_or_known_default()))
    }

    pub(crate) fn is_of(&self, host: &str, port: Option<u16>) -> bool {
        let is_host = if self.is_above {
            // Addresses of computers have nothing below them.
            let above = host.strip_suffix(self.host.as_str());
            above.is_some_and(|name| name.len() > 1 && name.ends_with('.'))
        } else {
            host.eq_ignore_ascii_case(&self.host)
        };
        is_host && self.port.is_none_or(|wanted| port == Some(wanted))
    }
}

impl FromStr for HostPattern {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no name or address of a host.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unusable = || {
            let reason = format!(
                "{text:?} is no host; write media.example, *.example or media.example:8080"
            );
            Error::new(ErrorKind::InvalidUrl, Retry::Never, reason)
        };
        let (is_above, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (name, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 address are in brackets.
            Some((name, port)) if !port.ends_with(']') => {
                (name, Some(port.parse().map_err(|_| unusable())?))
            }
            _ => (rest, None),
        };
        let host = Host::parse(name).map_err(|_| unusable())?;
        if name.contains('*') || (is_above && !matches!(host, Host::Domain(_))) {
            return Err(unusable());
        }
        Ok(HostPattern {
            host: host.to_string(),
            is_above,
            port,
        })
    }
}

/// What holds for some hosts, whatever leads there: the address asked for, a redirect, a playlist. The `Debug` form
/// leaves the values of headers out.
#[derive(Clone)]
pub struct HostOptions {
    /// The hosts.
    pub hosts: HostPattern,
    /// Headers for every request to them, credentials among them. They win over those of
    /// [`FetchOptions`](crate::FetchOptions) and of a request; no other host is sent them.
    pub headers: HeaderMap,
    /// The `User-Agent` for them.
    pub user_agent: Option<String>,
    /// How many bytes a second may come from all of them together, besides the limit for everything.
    pub rate_limit: Option<RateLimit>,
}

impl HostOptions {
    /// Nothing yet.
    pub fn new(hosts: HostPattern) -> Self {
        HostOptions {
            hosts,
            headers: HeaderMap::new(),
            user_agent: None,
            rate_limit: None,
        }
    }
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("hosts", &self.hosts)
            .field("headers", &Names(&self.headers))
            .field("user_agent", &self.user_agent)
            .field("rate_limit", &self.rate_limit)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, address: &str) -> bool {
        let pattern: HostPattern = pattern.parse().unwrap();
        pattern.matches(&Url::parse(address).unwrap())
    }

    #[test]
    fn a_pattern_is_of_a_host_and_of_no_other() {
        for (pattern, address) in [
            ("media.example", "https://media.example/a"),
            ("Media.Example", "http://media.example:8080/a"),
            ("media.example:8080", "http://media.example:8080/a"),
            ("media.example:443", "https://media.example/a"),
            ("*.example", "https://media.example/a"),
            ("*.example", "https://a.media.example/a"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
            ("[::1]:8080", "http://[::1]:8080/"),
            ("[::1]", "http://[::1]:8080/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
        ] {
            assert!(of(pattern, address), "{pattern} {address}");
        }
        for (pattern, address) in [
            ("media.example", "https://other.example/"),
            ("media.example", "https://media.example.test/"),
            ("media.example", "https://a.media.example/"),
            ("media.example", "https://media.example@other.test/"),
            ("media.example:8080", "http://media.example/"),
            ("*.example", "https://example/"),
            ("*.media.example", "https://evilmedia.example/"),
            ("127.0.0.1", "http://127.0.0.2/"),
        ] {
            assert!(!of(pattern, address), "{pattern} {address}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "media.example:",
            "media.example:x",
            "https://a",
            "*.127.0.0.1",
            "a/b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
