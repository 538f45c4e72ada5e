//! What to do with a response.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};

use super::{Asked, Retry, RetryAfter};
use crate::content_range::{ContentRange, number};
use crate::{ErrorKind, Validator};

/// What to do with a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its body belongs into the sink, as described.
    Store(Storing),
    /// Nothing was left to send: what is held is the whole, of this length.
    Complete {
        /// How many bytes that is.
        length: u64,
    },
    /// Ask at another address, relative to the one asked.
    Redirect {
        /// The `Location` as it came.
        location: String,
    },
    /// Nothing of it may be stored.
    Reject(Rejection),
}

/// How the body of a right response goes into the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storing {
    /// Where in the sink it starts. 0: what was held is dropped.
    pub offset: u64,
    /// How many bytes of the body come before what is wanted, because the server ignored the range.
    pub skip: u64,
    /// How many bytes to take then; `None`: up to the end of the body.
    pub take: Option<u64>,
    /// How long the body says it is, as it comes, before decoding.
    pub announced: Option<u64>,
    /// How many bytes the sink will hold in the end, when known.
    pub complete_length: Option<u64>,
    /// Under which validator these bytes can be continued.
    pub validator: Option<Validator>,
    /// How the body is encoded.
    pub encoding: Encoding,
}

/// A content coding (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// To be decoded with gzip.
    Gzip,
}

/// Why a response is not stored, and whether to ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// What was wrong, a lowercase fragment.
    pub reason: String,
    /// Whether asking again may help.
    pub retry: Retry,
    /// When the server wants to be asked again.
    pub retry_after: Option<RetryAfter>,
    /// What is held belongs to another version: ask for everything next time.
    pub start_again: bool,
}

impl Rejection {
    pub(crate) fn new(kind: ErrorKind, retry: Retry, reason: impl Into<String>) -> Self {
        Rejection {
            kind,
            reason: reason.into(),
            retry,
            retry_after: None,
            start_again: false,
        }
    }

    pub(crate) fn starting_again(mut self) -> Self {
        self.start_again = true;
        self
    }
}

/// Decides from the head of a response to what was `asked`.
pub fn decide(asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap) -> Decision {
    let stored = match status.as_u16() {
        200 => whole(asked, headers),
        206 => partial(asked, headers),
        416 => return unsatisfied(asked, headers),
        301 | 302 | 303 | 307 | 308 => return redirect(status, headers),
        _ => Err(refused(status, headers)),
    };
    match stored.and_then(|storing| fitting(asked, storing)) {
        Ok(storing) => Decision::Store(storing),
        Err(rejection) => Decision::Reject(rejection),
    }
}

/// 200: everything from the start, whatever was asked. A range is cut out of it.
fn whole(asked: &Asked<'_>, headers: &HeaderMap) -> Result<Storing, Rejection> {
    let announced = content_length(headers)?;
    let encoding = encoding(headers)?;
    if encoding == Encoding::Gzip && (!asked.expect.compression || asked.range.is_some()) {
        return Err(encoded("gzip"));
    }
    let validator = if encoding == Encoding::Identity {
        Validator::from_headers(headers)
    } else {
        None
    };
    let Some(range) = &asked.range else {
        let complete_length = announced.filter(|_| encoding == Encoding::Identity);
        return Ok(Storing {
            offset: 0,
            skip: 0,
            take: None,
            announced,
            complete_length,
            validator,
            encoding,
        });
    };
    if let Some(length) = announced.filter(|&length| length < range.end) {
        let reason = format!(
            "the resource has {length} bytes and the range ends at {}",
            range.end
        );
        return Err(Rejection::new(ErrorKind::WrongRange, Retry::Always, reason));
    }
    if announced.is_none() && range.start > asked.expect.max_length {
        let reason = format!(
            "the server ignores ranges, does not say how long the resource is, and this one begins {} bytes into it",
            range.start
        );
        return Err(Rejection::new(ErrorKind::TooLarge, Retry::Never, reason));
    }
    let take = range.end.saturating_sub(range.start);
    Ok(Storing {
        offset: 0,
        skip: range.start,
        take: Some(take),
        announced,
        complete_length: Some(take),
        validator,
        encoding,
    })
}

/// 206: exactly the bytes asked for, of the version they were asked of.
fn partial(asked: &Asked<'_>, headers: &HeaderMap) -> Result<Storing, Rejection> {
    let wrong = |reason: String| Rejection::new(ErrorKind::WrongRange, Retry::Always, reason);
    if !asked.asks_range() {
        return Err(wrong(
            "the server sent a part and was asked for the whole".to_owned(),
        ));
    }
    if is_multipart(headers) {
        return Err(wrong(
            "the server sent several ranges and was asked for one".to_owned(),
        ));
    }
    if encoding(headers)? != Encoding::Identity {
        return Err(encoded("gzip"));
    }
    let Some(ContentRange::Bytes {
        first,
        last,
        complete,
    }) = ContentRange::from_headers(headers)
    else {
        return Err(wrong(
            "the server sent a part and does not say which".to_owned(),
        ));
    };
    if first != asked.first() {
        return Err(wrong(format!(
            "the server sent the bytes from {first} and was asked from {}",
            asked.first()
        )));
    }
    let changed = || wrong("the resource changed while it was fetched".to_owned()).starting_again();
    if asked
        .validator
        .as_ref()
        .is_some_and(|validator| !validator.holds_for(headers))
    {
        return Err(changed());
    }
    let end = last.saturating_add(1);
    let complete_length = match &asked.range {
        Some(range) if end == range.end => asked.complete_length,
        Some(range) => {
            return Err(wrong(format!(
                "the server sent the bytes up to {end} and was asked up to {}",
                range.end
            )));
        }
        None => {
            if complete.is_some_and(|complete| {
                asked.complete_length.is_some_and(|known| known != complete)
            }) {
                return Err(changed());
            }
            let Some(known) = complete.or(asked.complete_length) else {
                return Err(
                    wrong("the server does not say how long the resource is".to_owned())
                        .starting_again(),
                );
            };
            if end != known {
                return Err(wrong(format!(
                    "the server sent the bytes up to {end} of {known}"
                )));
            }
            Some(known)
        }
    };
    let length = end.saturating_sub(first);
    let announced = content_length(headers)?;
    if let Some(announced) = announced.filter(|&announced| announced != length) {
        let reason = format!("the body has {announced} bytes and the range {length}");
        return Err(Rejection::new(
            ErrorKind::WrongLength,
            Retry::Always,
            reason,
        ));
    }
    let validator = asked
        .validator
        .clone()
        .or_else(|| Validator::from_headers(headers));
    let (offset, encoding) = (asked.offset, Encoding::Identity);
    Ok(Storing {
        offset,
        skip: 0,
        take: Some(length),
        announced: Some(length),
        complete_length,
        validator,
        encoding,
    })
}

/// 416: after what is held there is nothing, which is good news when that is the whole.
fn unsatisfied(asked: &Asked<'_>, headers: &HeaderMap) -> Decision {
    let complete = match ContentRange::from_headers(headers) {
        Some(ContentRange::Unsatisfied { complete }) => Some(complete),
        _ => None,
    };
    let contradicted = asked
        .validator
        .as_ref()
        .is_some_and(|validator| validator.is_contradicted_by(headers));
    let exact = asked
        .expect
        .exact_length
        .is_none_or(|exact| exact == asked.offset);
    if asked.range.is_none()
        && asked.offset > 0
        && complete == Some(asked.offset)
        && !contradicted
        && exact
    {
        return Decision::Complete {
            length: asked.offset,
        };
    }
    let reason = "the server does not have the range";
    Decision::Reject(if asked.offset > 0 {
        Rejection::new(ErrorKind::WrongRange, Retry::Always, reason).starting_again()
    } else {
        Rejection::new(ErrorKind::Status(416), Retry::Never, reason)
    })
}

fn redirect(status: StatusCode, headers: &HeaderMap) -> Decision {
    match headers
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
    {
        Some(location) => Decision::Redirect {
            location: location.to_owned(),
        },
        None => Decision::Reject(Rejection::new(
            ErrorKind::Status(status.as_u16()),
            Retry::Never,
            format!(
                "the server redirects with status {} and does not say where",
                status.as_u16()
            ),
        )),
    }
}

/// Every other status: no body of it is what was asked for, 204 and 304 included.
fn refused(status: StatusCode, headers: &HeaderMap) -> Rejection {
    let code = status.as_u16();
    let (kind, retry) = match code {
        401 | 403 | 410 => (ErrorKind::AddressExpired, Retry::Never),
        404 => (ErrorKind::NotFound, Retry::Once),
        408 | 425 | 429 | 500..=599 => (ErrorKind::Status(code), Retry::Always),
        _ => (ErrorKind::Status(code), Retry::Never),
    };
    let mut rejection = Rejection::new(
        kind,
        retry,
        format!("the server answered with status {code}"),
    );
    if retry == Retry::Always {
        rejection.retry_after = RetryAfter::from_headers(headers);
        if let Some(RetryAfter::Delay(delay)) = rejection.retry_after {
            let wait = format!(" and asks to wait {} s", delay.as_secs());
            rejection.reason.push_str(&wait);
        }
    }
    rejection
}

/// Refuses by announcement what would be refused by counting.
fn fitting(asked: &Asked<'_>, storing: Storing) -> Result<Storing, Rejection> {
    let expect = asked.expect;
    // Of an encoded body, only the least is known: what is longer before decoding than allowed after it is not text.
    if let Some(length) = storing
        .complete_length
        .or(storing.announced)
        .filter(|&length| length > expect.max_length)
    {
        let reason = format!(
            "{length} bytes are more than the {} allowed",
            expect.max_length
        );
        return Err(Rejection::new(ErrorKind::TooLarge, Retry::Never, reason));
    }
    match (expect.exact_length, storing.complete_length) {
        (Some(exact), Some(length)) if exact != length => {
            let reason = format!("{length} bytes and not the {exact} expected");
            Err(Rejection::new(
                ErrorKind::WrongLength,
                Retry::Always,
                reason,
            ))
        }
        _ => Ok(storing),
    }
}

/// The announced length; several equal values count as one (RFC 9110, section 8.6).
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Rejection> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let read = value.to_str().ok().and_then(|value| number(value.trim()));
        match (read, length) {
            (Some(read), None) => length = Some(read),
            (Some(read), Some(before)) if read == before => {}
            _ => {
                return Err(Rejection::new(
                    ErrorKind::WrongLength,
                    Retry::Always,
                    "the announced length is no number",
                ));
            }
        }
    }
    Ok(length)
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Rejection> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (value, more) = (values.next(), values.next().is_some());
    let coding = value
        .and_then(|value| value.to_str().ok())
        .map(|value| value.trim().to_ascii_lowercase());
    match coding.as_deref() {
        None if value.is_none() => Ok(Encoding::Identity),
        Some("identity" | "") if !more => Ok(Encoding::Identity),
        Some("gzip" | "x-gzip") if !more => Ok(Encoding::Gzip),
        coding => Err(encoded(coding.unwrap_or("something unreadable"))),
    }
}

fn encoded(coding: &str) -> Rejection {
    let reason = format!(
        "the server sent the content encoded as {} unasked",
        coding.escape_debug()
    );
    Rejection::new(ErrorKind::WrongContent, Retry::Never, reason)
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    content_type
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
}
