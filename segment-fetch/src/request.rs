//! What is asked for, and what an answer must be to be right.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use url::Url;

use crate::error::redacted;
use crate::options::Names;

/// One resource, or a range of one, to fetch with GET.
///
/// ```
/// use segment_fetch::{Expect, Request, Url};
///
/// let url = Url::parse("https://cdn.example.com/v1/main.mp4")?;
/// let request = Request::get(url)
///     .with_range(5_000..6_000)
///     .with_expect(Expect { refuse_html: true, ..Expect::default() });
/// assert_eq!(request.range, Some(5_000..6_000));
/// # Ok::<(), url::ParseError>(())
/// ```
///
/// The `Debug` form leaves out what may be secret: the query of the address and the values of headers.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The address: `http`, `https` or `data`. Every attempt starts here again, whatever it was redirected to before.
    ///
    /// A user and password in it are sent as Basic credentials, to its origin only and until a redirect leads away from it.
    /// An `Authorization` that is set wins over them.
    pub url: Url,
    /// The bytes wanted, counted from the start of the resource, the end excluded. `None`: all of them.
    pub range: Option<Range<u64>>,
    /// Headers for this request alone. `Cookie`, `Authorization`, `Proxy-Authorization` and values that are
    /// [marked as sensitive](http::HeaderValue::set_sensitive) are dropped for good by a redirect to another origin.
    pub headers: HeaderMap,
    /// What an answer must be.
    pub expect: Expect,
    /// Which addresses may be connected to.
    pub reach: Reach,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &redacted(&self.url).as_str())
            .field("range", &self.range)
            .field("headers", &Names(&self.headers))
            .field("expect", &self.expect)
            .field("reach", &self.reach)
            .finish()
    }
}

impl Request {
    /// The whole resource at `url`, with nothing more expected than [`Expect::default`].
    pub fn get(url: Url) -> Self {
        Request {
            url,
            range: None,
            headers: HeaderMap::new(),
            expect: Expect::default(),
            reach: Reach::Any,
        }
    }

    /// Asks for these bytes only.
    #[must_use]
    pub fn with_range(mut self, range: impl Into<Option<Range<u64>>>) -> Self {
        self.range = range.into();
        self
    }

    /// Sends these headers too.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets what an answer must be.
    #[must_use]
    pub fn with_expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    /// Limits which addresses may be connected to.
    #[must_use]
    pub fn with_reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }
}

/// What the content of an answer must be. Whatever is not, never reaches the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// More bytes than this are refused, by announcement if possible, else as soon as they come. 512 MiB.
    ///
    /// It also bounds how far into a resource a range may begin when the server ignores ranges, so that the bytes before
    /// it have to be read and dropped, and does not announce how long the resource is.
    pub max_length: u64,
    /// The content has exactly this many bytes.
    pub exact_length: Option<u64>,
    /// The digest of the content, as the sink knows digests: a hash that it makes of the bytes as they come, for example. It
    /// is [given to the sink](crate::End) and compared there; nothing is hashed here.
    pub digest: Option<Bytes>,
    /// The content begins with these bytes, after a UTF-8 byte order mark if there is one.
    pub starts_with: Option<&'static [u8]>,
    /// An HTML page is refused, told by its first bytes; the content type is not looked at, since it is often wrong.
    pub refuse_html: bool,
    /// Nothing at all, text (JSON, XML, an error message; not WebVTT) and gzip that nobody announced are refused, told
    /// by the first bytes: for media, which never begin like that, encrypted or not.
    pub refuse_text: bool,
    /// Asks for gzip and decodes it. For text only: an encoded body cannot be resumed. Otherwise `identity` is asked
    /// for and nothing else accepted.
    pub compression: bool,
    /// Everything, retries and pauses between them included, must be done in this time. A pause that would outlast it
    /// is not begun: the fetch ends with what failed before.
    pub total_timeout: Option<Duration>,
}

impl Default for Expect {
    fn default() -> Self {
        Expect {
            max_length: 512 << 20,
            exact_length: None,
            digest: None,
            starts_with: None,
            refuse_html: false,
            refuse_text: false,
            compression: false,
            total_timeout: None,
        }
    }
}

/// Which addresses a request may connect to, redirects included.
///
/// Sent with the request as an [extension](http::Extensions), so that a transport can hold to it after name look-up.
/// [`Transport`](crate::Transport) does. A service that ignores it is only protected from addresses that are written
/// as an IP address in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// Any address.
    #[default]
    Any,
    /// Addresses of the public internet only: nothing private, loopback, link-local, unique-local, shared, reserved,
    /// multicast or unspecified, nor such an IPv4 address inside an IPv6 one.
    PublicOnly,
}
