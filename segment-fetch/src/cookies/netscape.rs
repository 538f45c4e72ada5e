//! Cookie files as Netscape wrote them, and curl, wget and browser extensions still do.

use std::time::{Duration, SystemTime};

use url::Host;

use super::{Cookie, is_public_suffix};
use crate::resume::Retry;
use crate::{Error, ErrorKind};

/// More than this is no cookie file.
const MOST_LINES: usize = 100_000;

pub(super) fn read(text: &str) -> Result<Vec<Cookie>, Error> {
    let unusable = |reason: String| Error::new(ErrorKind::Cookies, Retry::Never, reason);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut cookies = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if index == MOST_LINES {
            let reason = format!("the cookie file has more than {MOST_LINES} lines");
            return Err(unusable(reason));
        }
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // What the line holds may be a secret.
        let cookie = cookie(line).ok_or_else(|| {
            let number = index.saturating_add(1);
            unusable(format!("line {number} of the cookie file is no cookie"))
        })?;
        cookies.push(cookie);
    }
    Ok(cookies)
}

/// Domain, whether hosts below it get it too, path, whether it is for https only, expiry in seconds since 1970 (0: none),
/// name, value.
fn cookie(line: &str) -> Option<Cookie> {
    let mut fields = line.split('\t');
    let domain = fields.next()?.trim();
    let with_hosts_below = flag(fields.next()?)?;
    let path = fields.next()?;
    let is_secure = flag(fields.next()?)?;
    let expires = fields.next()?.trim();
    let name = fields.next()?;
    // Some leave an empty value out with its tab.
    let value = fields.next().unwrap_or_default();
    let is_printable = |text: &str| {
        text.bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) || byte >= 0x80)
    };
    if fields.next().is_some() || !is_printable(name) || !is_printable(value) {
        return None;
    }
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    let (domain, is_address) = match bare.parse::<std::net::IpAddr>() {
        Ok(address) => (address.to_string(), true),
        Err(_) => (Host::parse(bare).ok()?.to_string(), false),
    };
    // Some programs write fractions.
    let (seconds, _) = expires.split_once('.').unwrap_or((expires, ""));
    let expires = match seconds.parse::<i64>().ok()? {
        0 => None,
        seconds => Some(
            u64::try_from(seconds)
                .ok()
                .and_then(|seconds| {
                    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
                })
                .unwrap_or(SystemTime::UNIX_EPOCH),
        ),
    };
    Some(Cookie {
        is_host_only: !with_hosts_below || is_address || is_public_suffix(&domain),
        name: name.to_owned(),
        value: value.to_owned(),
        domain,
        path: if path.starts_with('/') { path } else { "/" }.to_owned(),
        is_secure,
        expires,
    })
}

fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
