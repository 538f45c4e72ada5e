//! The one error of the crate.

use std::fmt;

use url::Url;

use crate::resume::Retry;

/// Any error, for the sources kept in an [`Error`].
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a resource could not be fetched.
///
/// The message says what happened at which address, without query, fragment or userinfo, and never repeats its
/// source. It is fit for "cannot fetch the segment: {error}".
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    reason: String,
    url: Option<Url>,
    attempts: u32,
    retry: Retry,
    source: Option<BoxError>,
}

/// What class of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address cannot be used: not a URL that HTTP can carry, or a `data:` URL that cannot be read.
    InvalidUrl,
    /// Policy forbids the address: its scheme, a redirect from https to http, or a private target.
    Refused,
    /// No connection: name look-up, refused, unreachable.
    Connect,
    /// The proxy cannot be reached, refused, or asks for other credentials.
    Proxy,
    /// The TLS handshake failed, for example because the certificate is not trusted.
    Tls,
    /// Nothing came for longer than allowed, or the whole took longer than allowed.
    Timeout,
    /// A status that is no answer to what was asked and has no kind of its own.
    Status(u16),
    /// 401, 403 or 410: the address is no longer, or not yet, good for this client.
    AddressExpired,
    /// 404.
    NotFound,
    /// The body ended before its announced end, even after resuming.
    Truncated,
    /// The server sent another range than the one asked for.
    WrongRange,
    /// The length contradicts what was announced or expected.
    WrongLength,
    /// Longer than [`Expect::max_length`](crate::Expect::max_length), or a header longer than
    /// [`FetchOptions::header_limit`](crate::FetchOptions::header_limit).
    TooLarge,
    /// The content is not what its role promises: an HTML page, a wrong beginning, an encoding nobody asked for.
    WrongContent,
    /// More redirects than allowed.
    TooManyRedirects,
    /// A file of cookies cannot be read.
    Cookies,
    /// The sink failed; the source is its [`std::io::Error`], with the raw system error when it has one.
    Sink,
    /// The answer was not HTTP that can be understood, or the connection broke before it.
    Http,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, retry: Retry, reason: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            reason: reason.into(),
            url: None,
            attempts: 0,
            retry,
            source: None,
        };
        Error {
            inner: Box::new(inner),
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub(crate) fn with_url(mut self, url: &Url) -> Self {
        self.inner.url = Some(redacted(url));
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.inner.attempts = attempts;
        self
    }

    pub(crate) fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether the same request may succeed later: connections, timeouts, cut or wrong bodies, 408, 425, 429, 5xx.
    pub fn is_transient(&self) -> bool {
        self.inner.retry == Retry::Always
    }

    /// The address that failed, the last one of a chain of redirects, without userinfo, query and fragment.
    ///
    /// Of a `data:` URL only the scheme is kept, since its content may be a key.
    pub fn url(&self) -> Option<&Url> {
        self.inner.url.as_ref()
    }

    /// How many attempts were made: 0 when the request asks for what cannot be, 1 when it was not retried.
    pub fn attempts(&self) -> u32 {
        self.inner.attempts
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.reason)?;
        if let Some(url) = &self.inner.url {
            write!(f, " at {url}")?;
        }
        if self.inner.attempts > 1 {
            write!(f, " after {} attempts", self.inner.attempts)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("reason", &self.inner.reason)
            .field("url", &self.inner.url.as_ref().map(Url::as_str))
            .field("attempts", &self.inner.attempts)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

/// The address as it may be shown: no userinfo, query or fragment, and nothing of what a `data:` URL holds.
pub(crate) fn redacted(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    if shown.cannot_be_a_base() {
        shown.set_path("");
    } else {
        // Both fail only for addresses without a host, which have no userinfo to hide.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
    }
    shown
}
