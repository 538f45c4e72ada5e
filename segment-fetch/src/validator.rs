//! What tells one version of a resource from another.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, ETAG, LAST_MODIFIED};

/// A strong validator: under it, bytes of two responses belong to the same content (RFC 9110, section 8.8).
///
/// Either a strong `ETag` or a `Last-Modified` date that is strong enough. Its string form is the field value, as
/// `If-Range` takes it, and can be stored:
///
/// ```
/// use segment_fetch::Validator;
///
/// let validator: Validator = "\"5f3-1a\"".parse()?;
/// assert_eq!(validator.to_string(), "\"5f3-1a\"");
/// assert!("W/\"5f3-1a\"".parse::<Validator>().is_err(), "a weak tag says nothing about bytes");
/// # Ok::<(), segment_fetch::ParseValidatorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Validator {
    value: String,
}

/// How much older than the response a `Last-Modified` must be, so that a second change in the same second, or a
/// clock that differs a little, cannot hide behind it (RFC 9110, section 8.8.2.2).
const SETTLED: Duration = Duration::from_secs(60);

impl Validator {
    /// The validator of a response: its strong `ETag`, else its `Last-Modified` when at least a minute older than `Date`.
    pub fn from_headers(headers: &HeaderMap) -> Option<Validator> {
        if let Some(tag) = text(headers, &ETAG) {
            return is_strong_tag(tag).then(|| Validator {
                value: tag.to_owned(),
            });
        }
        let value = text(headers, &LAST_MODIFIED)?;
        let modified = httpdate::parse_http_date(value).ok()?;
        let sent = httpdate::parse_http_date(text(headers, &DATE)?).ok()?;
        is_settled(modified, sent).then(|| Validator {
            value: value.to_owned(),
        })
    }

    /// Whether this is an entity tag, not a date.
    pub fn is_etag(&self) -> bool {
        self.value.starts_with('"')
    }

    /// Whether a partial response to a request under this validator belongs to the same content.
    ///
    /// A 206 must repeat the `ETag` but may leave `Last-Modified` out (RFC 9110, section 15.3.7).
    pub(crate) fn holds_for(&self, headers: &HeaderMap) -> bool {
        if self.is_etag() {
            return text(headers, &ETAG) == Some(self.value.as_str());
        }
        headers
            .get(LAST_MODIFIED)
            .is_none_or(|value| value.as_bytes() == self.value.as_bytes())
    }

    /// Whether a response names a version that is not this one.
    pub(crate) fn is_contradicted_by(&self, headers: &HeaderMap) -> bool {
        let field = if self.is_etag() { ETAG } else { LAST_MODIFIED };
        headers
            .get(field)
            .is_some_and(|value| value.as_bytes() != self.value.as_bytes())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_strong_tag(value: &str) -> bool {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|tag| {
        tag.bytes()
            .all(|byte| byte == 0x21 || (0x23..=0x7E).contains(&byte))
    })
}

fn is_settled(modified: SystemTime, sent: SystemTime) -> bool {
    sent.duration_since(modified)
        .is_ok_and(|age| age >= SETTLED)
}

impl fmt::Display for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

/// The text is neither a strong entity tag nor an HTTP date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseValidatorError(());

impl fmt::Display for ParseValidatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a strong entity tag in quotes nor an HTTP date")
    }
}

impl std::error::Error for ParseValidatorError {}

impl FromStr for Validator {
    type Err = ParseValidatorError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        if is_strong_tag(value) || httpdate::parse_http_date(value).is_ok() {
            return Ok(Validator {
                value: value.to_owned(),
            });
        }
        Err(ParseValidatorError(()))
    }
}
