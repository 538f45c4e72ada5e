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
/// not), on any port or with `:8080` on one. With `http://` or `https://` in front it is of that scheme only.
///
/// They are ordered from those that say little to those that say much: names below one, one name, one port, one scheme.
///
/// ```
/// use segment_fetch::{HostPattern, Url};
///
/// let pattern: HostPattern = "*.example".parse()?;
/// assert!(pattern.matches(&Url::parse("https://media.example/film.m3u8").unwrap()));
/// assert!(!pattern.matches(&Url::parse("https://media.example.test/").unwrap()));
/// # Ok::<(), segment_fetch::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern {
    is_exact: bool,
    port: Option<u16>,
    is_secure: Option<bool>,
    /// How long the name is, so that more of a name goes before less of it.
    length: usize,
    /// In the form that addresses have after parsing: lower case, in ASCII, IPv6 in brackets.
    host: String,
}

impl HostPattern {
    /// Whether an address is of such a host. Without a port in the address it is the one of its scheme.
    pub fn matches(&self, url: &Url) -> bool {
        let is_secure = url.scheme() == "https";
        url.host_str()
            .is_some_and(|host| self.is_of(is_secure, host, url.port_or_known_default()))
    }

    /// Whether credentials for it may go to an address that it matches: over https, to this machine, or where http was
    /// asked for by name.
    pub(crate) fn may_have_secrets(&self, url: &Url) -> bool {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() == "https" || is_here || self.is_secure == Some(false)
    }

    pub(crate) fn is_of(&self, is_secure: bool, host: &str, port: Option<u16>) -> bool {
        let is_host = if self.is_exact {
            host.eq_ignore_ascii_case(&self.host)
        } else {
            let above = host.strip_suffix(self.host.as_str());
            above.is_some_and(|name| name.len() > 1 && name.ends_with('.'))
        };
        is_host
            && self.port.is_none_or(|wanted| port == Some(wanted))
            && self.is_secure.is_none_or(|wanted| wanted == is_secure)
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
        let (is_secure, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("http", rest)) => (Some(false), rest),
            Some(("https", rest)) => (Some(true), rest),
            Some(_) => return Err(unusable()),
        };
        let (is_exact, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (false, rest),
            None => (true, rest),
        };
        let (name, port) = match rest.rsplit_once(':') {
            // The colons of an IPv6 address are in brackets.
            Some((name, port)) if !port.ends_with(']') => {
                (name, Some(port.parse().map_err(|_| unusable())?))
            }
            _ => (rest, None),
        };
        let host = Host::parse(name).map_err(|_| unusable())?;
        if name.contains('*') || (!is_exact && !matches!(host, Host::Domain(_))) {
            return Err(unusable());
        }
        let host = host.to_string();
        Ok(HostPattern {
            is_exact,
            port,
            is_secure,
            length: host.len(),
            host,
        })
    }
}

/// What holds for some hosts, whatever leads there: the address asked for, a redirect, a playlist. The `Debug` form
/// leaves the values of headers out.
#[derive(Clone)]
pub struct HostOptions {
    /// The hosts.
    pub hosts: HostPattern,
    /// Headers for every request to them. They win over those of [`FetchOptions`](crate::FetchOptions) and of a request;
    /// no other host is sent them. `Cookie`, `Authorization`, `Proxy-Authorization` and what is marked as sensitive go
    /// over https only, to this machine, or where the pattern begins with `http://`.
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
            ("https://media.example", "https://media.example/"),
            ("http://*.example:8080", "http://media.example:8080/"),
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
            ("https://media.example", "http://media.example/"),
            ("http://media.example", "https://media.example/"),
        ] {
            assert!(!of(pattern, address), "{pattern} {address}");
        }
    }

    #[test]
    fn what_says_more_comes_later() {
        let names = [
            "*.example",
            "*.media.example",
            "media.example",
            "a.media.example",
            "https://media.example",
            "media.example:8080",
        ];
        let mut sorted: Vec<HostPattern> = names.map(|name| name.parse().unwrap()).into();
        sorted.sort();
        assert_eq!(sorted, names.map(|name| name.parse().unwrap()));
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
            "ftp://a",
            "*.127.0.0.1",
            "a/b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
