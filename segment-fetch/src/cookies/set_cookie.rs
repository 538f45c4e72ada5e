//! One `Set-Cookie` field (RFC 6265bis, section 5.6).

use std::time::{Duration, SystemTime};

use super::{LONGEST, date};

/// Longer names and values together, or longer attributes, are ignored.
const LONGEST_PAIR: usize = 4096;
const LONGEST_ATTRIBUTE: usize = 1024;

/// What a server asks to be remembered.
#[derive(Default)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) domain: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) is_secure: bool,
    max_age: Option<i64>,
    expires: Option<SystemTime>,
}

impl<'a> SetCookie<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text
            .bytes()
            .any(|byte| byte != b'\t' && byte.is_ascii_control())
        {
            return None;
        }
        let mut parts = text.split(';');
        let pair = parts.next()?;
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (trim(name), trim(value));
        let length = name.len().saturating_add(value.len());
        if length == 0 || length > LONGEST_PAIR {
            return None;
        }
        let mut cookie = SetCookie {
            name,
            value,
            ..SetCookie::default()
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (trim(key), trim(value));
            if value.len() <= LONGEST_ATTRIBUTE {
                cookie.attribute(key, value);
            }
        }
        Some(cookie)
    }

    /// Of repeated ones the last counts.
    fn attribute(&mut self, key: &str, value: &'a str) {
        if key.eq_ignore_ascii_case("expires") {
            self.expires = date::parse(value).or(self.expires);
        } else if key.eq_ignore_ascii_case("max-age") {
            self.max_age = seconds(value).or(self.max_age);
        } else if key.eq_ignore_ascii_case("domain") {
            self.domain = Some(value);
        } else if key.eq_ignore_ascii_case("path") {
            self.path = Some(value);
        } else if key.eq_ignore_ascii_case("secure") {
            self.is_secure = true;
        }
    }

    /// When it ends, `Max-Age` before `Expires`. In the past: at once.
    pub(super) fn expires(&self, now: SystemTime) -> Option<SystemTime> {
        let latest = now.checked_add(LONGEST)?;
        let wanted = match (self.max_age, self.expires) {
            (Some(seconds), _) => match u64::try_from(seconds) {
                Ok(seconds) => now
                    .checked_add(Duration::from_secs(seconds))
                    .unwrap_or(latest),
                Err(_) => SystemTime::UNIX_EPOCH,
            },
            (None, Some(expires)) => expires,
            (None, None) => return None,
        };
        Some(wanted.min(latest))
    }

    /// Names that promise something have to keep it (section 4.1.3), however they are written.
    pub(super) fn may_have_its_name(&self, is_host_only: bool, path: &str) -> bool {
        // Without a name, what the server gets back must not look like a name that promises something.
        let shown = if self.name.is_empty() {
            self.value
        } else {
            self.name
        };
        let begins = |prefix: &str| {
            shown
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let is_secure = !begins("__Secure-") || self.is_secure;
        let is_of_host = !begins("__Host-")
            || (self.is_secure
                && is_host_only
                && self.domain.is_none_or(str::is_empty)
                && self.path == Some("/")
                && path == "/");
        let is_named = !self.name.is_empty() || !(begins("__Secure-") || begins("__Host-"));
        is_secure && is_of_host && is_named
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Digits, with a minus in front perhaps. Too many are the most or least there is.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_negative = digits.len() < text.len();
    Some(
        text.parse()
            .unwrap_or(if is_negative { i64::MIN } else { i64::MAX }),
    )
}
