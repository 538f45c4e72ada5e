//! Cookies while running: who set them, and who gets them back (RFC 6265bis).

mod date;
mod netscape;
mod set_cookie;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use url::{Host, Url};

use self::set_cookie::SetCookie;
use crate::Error;

/// How many cookies are kept in all, and of one domain; the oldest go first (section 6.1 asks for 50 of a domain).
const MOST: usize = 1000;
const MOST_OF_A_DOMAIN: usize = 60;
/// No cookie is kept for longer (section 5.5: 400 days).
const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// More than this is not sent; servers refuse headers beyond 8 to 16 KiB.
const LONGEST_HEADER: usize = 8 << 10;

/// Cookies that servers set, given back to them as browsers do (RFC 6265bis): host, domain, path, `Secure`, expiry,
/// `__Host-` and `__Secure-` names. Nobody can set cookies for a public suffix such as `co.uk`.
///
/// Stricter than browsers in one thing: what was set over https is never sent over http. `SameSite` and `HttpOnly` say
/// nothing to a client without pages and scripts.
///
/// Clones are the same jar. The `Debug` form and errors leave names and values out.
///
/// ```
/// use segment_fetch::{CookieJar, FetchOptions, Url};
///
/// let jar = CookieJar::new();
/// jar.read_netscape("# Netscape HTTP Cookie File\n.example.com\tTRUE\t/\tTRUE\t0\tsession\t1234\n")?;
/// let header = jar.header(&Url::parse("https://cdn.example.com/a.ts")?);
/// assert_eq!(header.ok_or("no cookie")?, "session=1234");
/// assert_eq!(jar.header(&Url::parse("http://cdn.example.com/a.ts")?), None);
/// let options = FetchOptions { cookies: Some(jar), ..FetchOptions::default() };
/// # let _ = options;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CookieJar {
    cookies: Arc<Mutex<Vec<Cookie>>>,
}

/// One cookie, with what decides who gets it. In the jar they are in the order of their creation.
#[derive(Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    /// In lower case, without a leading dot; an IPv6 address without brackets.
    domain: String,
    /// Not for the hosts below `domain`.
    is_host_only: bool,
    path: String,
    is_secure: bool,
    /// `None`: until the jar is dropped.
    expires: Option<SystemTime>,
}

impl CookieJar {
    /// An empty jar.
    pub fn new() -> Self {
        CookieJar::default()
    }

    /// Adds the cookies of a file as curl, wget and browser extensions write it: seven fields separated by tabs, lines
    /// that begin with `#HttpOnly_` too. Those that have expired are left out. Returns how many there were.
    ///
    /// # Errors
    /// [`ErrorKind::Cookies`](crate::ErrorKind::Cookies) with the number of the first line that is no cookie; then none
    /// is added.
    pub fn read_netscape(&self, text: &str) -> Result<usize, Error> {
        let read = netscape::read(text)?;
        let count = read.len();
        let now = SystemTime::now();
        for cookie in read {
            self.put(cookie, now);
        }
        Ok(count)
    }

    /// Takes the cookies out of a response from `url`. What is not for it to set is ignored.
    pub fn store(&self, url: &Url, headers: &HeaderMap) {
        for value in headers.get_all(SET_COOKIE) {
            // A server that does not write text has nothing to be remembered.
            if let Some(parsed) = value.to_str().ok().and_then(SetCookie::parse) {
                self.set(url, &parsed, SystemTime::now());
            }
        }
    }

    /// The `Cookie` field for a request to `url`, marked as sensitive.
    pub fn header(&self, url: &Url) -> Option<HeaderValue> {
        self.header_at(url, "", SystemTime::now())
    }

    /// How many cookies there are, expired ones included.
    pub fn len(&self) -> usize {
        self.cookies().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// [`header`](Self::header), after cookies that the caller gives, which win over those of the same name.
    pub(crate) fn header_with(&self, url: &Url, given: &HeaderValue) -> Option<HeaderValue> {
        self.header_at(url, given.to_str().ok()?, SystemTime::now())
    }

    fn header_at(&self, url: &Url, given: &str, now: SystemTime) -> Option<HeaderValue> {
        let host = host_of(url)?;
        let is_secure = url.scheme() == "https";
        let cookies = self.cookies();
        let mut matching: Vec<&Cookie> = cookies
            .iter()
            .filter(|cookie| {
                cookie.is_for(&host, url)
                    && (is_secure || !cookie.is_secure)
                    && !cookie.is_expired(now)
                    && !names(given).any(|name| name == cookie.name)
            })
            .collect();
        // Longer paths first, then those created earlier: the sort is stable.
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut header = given.to_owned();
        for cookie in matching {
            let pair = cookie.pair();
            if header.len().saturating_add(pair.len()) > LONGEST_HEADER {
                continue;
            }
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(&pair);
        }
        if header.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_str(&header).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Section 5.7, step by step.
    fn set(&self, url: &Url, parsed: &SetCookie<'_>, now: SystemTime) {
        let Some(host) = host_of(url) else { return };
        let is_https = url.scheme() == "https";
        if parsed.is_secure && !is_https {
            return;
        }
        let Some((domain, is_host_only)) = domain_of(parsed.domain, &host) else {
            return;
        };
        let path = match parsed.path {
            Some(path) if path.starts_with('/') => path,
            _ => default_path(url),
        };
        if !parsed.may_have_its_name(is_host_only, path) {
            return;
        }
        let cookie = Cookie {
            name: parsed.name.to_owned(),
            value: parsed.value.to_owned(),
            domain,
            is_host_only,
            path: path.to_owned(),
            // What came over a secure connection stays on secure ones.
            is_secure: is_https,
            expires: parsed.expires(now),
        };
        if !is_https && self.overlays_a_secure_one(&cookie) {
            return;
        }
        self.put(cookie, now);
    }

    /// Whether a secure cookie of the same name would be shadowed by one that anyone on the way can set.
    fn overlays_a_secure_one(&self, new: &Cookie) -> bool {
        self.cookies().iter().any(|old| {
            old.is_secure
                && old.name == new.name
                && (is_within(&old.domain, &new.domain) || is_within(&new.domain, &old.domain))
                && path_matches(&new.path, &old.path)
        })
    }

    fn put(&self, cookie: Cookie, now: SystemTime) {
        let mut cookies = self.cookies();
        let same = cookies.iter().position(|old| old.is_same(&cookie));
        if cookie.is_expired(now) {
            if let Some(index) = same {
                cookies.remove(index);
            }
            return;
        }
        // In its old place, since it keeps the time of its creation.
        if let Some(old) = same.and_then(|index| cookies.get_mut(index)) {
            *old = cookie;
            return;
        }
        let domain = cookie.domain.clone();
        cookies.push(cookie);
        let of_domain = |old: &Cookie| old.domain == domain;
        if cookies.len() > MOST
            || cookies.iter().filter(|old| of_domain(old)).count() > MOST_OF_A_DOMAIN
        {
            cookies.retain(|old| !old.is_expired(now));
        }
        evict(&mut cookies, MOST_OF_A_DOMAIN, of_domain);
        evict(&mut cookies, MOST, |_| true);
    }

    fn cookies(&self) -> MutexGuard<'_, Vec<Cookie>> {
        // Nothing panics in the middle of a change.
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar")
            .field("cookies", &self.len())
            .finish()
    }
}

impl Cookie {
    /// Host and path match (sections 5.1.3 and 5.1.4).
    fn is_for(&self, host: &str, url: &Url) -> bool {
        let here = if self.is_host_only {
            self.domain == host
        } else {
            is_within(host, &self.domain)
        };
        here && path_matches(url.path(), &self.path)
    }

    fn is_same(&self, other: &Cookie) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.is_host_only == other.is_host_only
            && self.path == other.path
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn pair(&self) -> String {
        if self.name.is_empty() {
            self.value.clone()
        } else {
            format!("{}={}", self.name, self.value)
        }
    }
}

/// Drops the oldest of those that count while there are more than `most`.
fn evict(cookies: &mut Vec<Cookie>, most: usize, counts: impl Fn(&Cookie) -> bool) {
    let count = cookies.iter().filter(|cookie| counts(cookie)).count();
    let mut surplus = count.saturating_sub(most);
    cookies.retain(|cookie| {
        let goes = surplus > 0 && counts(cookie);
        surplus = surplus.saturating_sub(usize::from(goes));
        !goes
    });
}

/// The host of an address as domains are compared: in lower case, without brackets.
fn host_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

/// For whom a cookie is that `host` sets with this `Domain` attribute: a domain, and whether it is for that host alone.
/// `None`: it is not for the host to set.
fn domain_of(attribute: Option<&str>, host: &str) -> Option<(String, bool)> {
    let wanted = attribute.map(|domain| domain.strip_prefix('.').unwrap_or(domain));
    let Some(wanted) = wanted.filter(|domain| !domain.is_empty()) else {
        return Some((host.to_owned(), true));
    };
    let Ok(Host::Domain(wanted)) = Host::parse(wanted) else {
        // An address has nothing below it.
        return (wanted == host).then(|| (host.to_owned(), true));
    };
    if is_public_suffix(&wanted) {
        return (wanted == host).then_some((wanted, true));
    }
    is_within(host, &wanted).then_some((wanted, false))
}

/// Whether names below this one belong to different owners. Names without a dot are taken for such.
fn is_public_suffix(name: &str) -> bool {
    !name.contains('.') || psl::suffix_str(name) == Some(name)
}

/// Whether a host is a domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(rest) => rest.ends_with('.') && host.parse::<std::net::IpAddr>().is_err(),
        None => false,
    }
}

fn path_matches(path: &str, cookie: &str) -> bool {
    match path.strip_prefix(cookie) {
        Some(rest) => rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

/// The folder of an address (section 5.1.4).
fn default_path(url: &Url) -> &str {
    match url.path().rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder,
        _ => "/",
    }
}

/// The names in a `Cookie` field.
fn names(header: &str) -> impl Iterator<Item = &str> {
    header
        .split(';')
        .filter_map(|pair| Some(pair.split_once('=')?.0.trim()))
}
