//! How a site answers one request.

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    DATE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::body::{End, Hangup, SiteBody};
use super::site::{Fault, Resource};

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n";

/// The answer to a request with these headers.
pub(super) fn respond(
    fault: &Fault,
    resource: Option<&Resource>,
    asked: &HeaderMap,
) -> Result<http::Response<SiteBody>, Hangup> {
    match fault {
        Fault::Reset => return Err(Hangup::new()),
        Fault::Status(status) => return Ok(text(*status, None)),
        Fault::RetryAfter { status, value } => {
            return Ok(text(*status, Some((RETRY_AFTER, value))));
        }
        Fault::Demand { name, value } if asked.get(name) != Some(value) => {
            return Ok(text(401, None));
        }
        Fault::Redirect { status, location } => {
            return Ok(text(*status, Some((LOCATION, location))));
        }
        Fault::Html => {
            return Ok(Answer::of(StatusCode::OK, PAGE.into())
                .with(CONTENT_TYPE, "text/html")
                .response(fault));
        }
        _ => {}
    }
    let Some(resource) = resource else {
        return Ok(text(404, None));
    };
    let range = range(fault, resource, asked);
    let answer = match range {
        _ if *fault == Fault::Multipart => multipart(resource),
        None => whole(fault, resource, asked),
        Some(Err(Unsatisfiable)) => Answer::of(StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
            .with(CONTENT_RANGE, &format!("bytes */{}", resource.body.len())),
        Some(Ok(range)) => part(fault, resource, range),
    };
    Ok(described(answer, fault, resource).response(fault))
}

fn text(status: u16, field: Option<(HeaderName, &str)>) -> http::Response<SiteBody> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bodyless = status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    let answer = Answer::of(
        status,
        if bodyless {
            Bytes::new()
        } else {
            "scripted\n".into()
        },
    );
    match field {
        Some((name, value)) => answer.with(name, value),
        None => answer,
    }
    .response(&Fault::None)
}

/// An answer before its body is spoilt.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn of(status: StatusCode, body: Bytes) -> Self {
        Answer {
            status,
            headers: HeaderMap::new(),
            body,
        }
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    fn response(self, fault: &Fault) -> http::Response<SiteBody> {
        let length = self.body.len() as u64;
        let announced = match *fault {
            Fault::AnnounceMore(more) => length.saturating_add(more),
            Fault::AnnounceFewer(fewer) => length.saturating_sub(fewer),
            _ => length,
        };
        let body = match *fault {
            Fault::Cut(after) | Fault::CutChunked(after) => {
                SiteBody::new(first(&self.body, after), End::Cut)
            }
            Fault::Stall(after) => SiteBody::new(first(&self.body, after), End::Silence),
            Fault::Drip { piece, pause } => {
                SiteBody::new(self.body.clone(), End::Right).dripping(piece, pause)
            }
            _ => SiteBody::new(self.body.clone(), End::Right),
        };
        let answer = if matches!(fault, Fault::Chunked | Fault::CutChunked(_)) {
            self
        } else {
            self.with(CONTENT_LENGTH, &announced.to_string())
        };
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        response
    }
}

fn first(body: &Bytes, count: u64) -> Bytes {
    body.slice(..usize::try_from(count).unwrap_or(usize::MAX).min(body.len()))
}

/// Validators and the like, equal in every answer about a resource.
fn described(answer: Answer, fault: &Fault, resource: &Resource) -> Answer {
    let mut answer = answer.with(
        ACCEPT_RANGES,
        if resource.ranges { "bytes" } else { "none" },
    );
    if !answer.headers.contains_key(CONTENT_TYPE) {
        answer = answer.with(CONTENT_TYPE, &resource.content_type);
    }
    let etag = etag(fault, resource);
    if let Some(etag) = etag {
        answer = answer.with(ETAG, &etag);
    }
    if let Some(modified) = &resource.last_modified {
        answer = answer.with(LAST_MODIFIED, modified);
    }
    answer.with(DATE, &httpdate::fmt_http_date(std::time::SystemTime::now()))
}

fn etag(fault: &Fault, resource: &Resource) -> Option<String> {
    match fault {
        Fault::Etag(other) => Some(other.clone()),
        Fault::WeakEtag => resource.etag.as_ref().map(|etag| format!("W/{etag}")),
        _ => resource.etag.clone(),
    }
}

fn whole(fault: &Fault, resource: &Resource, asked: &HeaderMap) -> Answer {
    let accepts = asked
        .get(ACCEPT_ENCODING)
        .is_some_and(|value| value.as_bytes() == b"gzip");
    if *fault == Fault::Gzip || (resource.gzip && accepts) {
        return Answer::of(StatusCode::OK, gzip(&resource.body)).with(CONTENT_ENCODING, "gzip");
    }
    if *fault == Fault::RawGzip {
        return Answer::of(StatusCode::OK, gzip(&resource.body));
    }
    Answer::of(StatusCode::OK, resource.body.clone())
}

fn part(fault: &Fault, resource: &Resource, range: Range<usize>) -> Answer {
    let complete = resource.body.len();
    let range = match fault {
        Fault::ShiftedRange => range.start.saturating_add(1).min(range.end - 1)..range.end,
        Fault::ShortRange => range.start..range.start + range.len().div_ceil(2),
        Fault::LongRange => range.start..range.end.saturating_add(1).min(complete),
        _ => range,
    };
    let mut body = resource.body.slice(range.clone());
    if matches!(fault, Fault::Gzip | Fault::RawGzip) {
        body = gzip(&body);
    }
    let mut answer = Answer::of(StatusCode::PARTIAL_CONTENT, body);
    if *fault == Fault::Gzip {
        answer = answer.with(CONTENT_ENCODING, "gzip");
    }
    if *fault == Fault::NoContentRange {
        return answer;
    }
    answer.with(
        CONTENT_RANGE,
        &format!("bytes {}-{}/{complete}", range.start, range.end - 1),
    )
}

fn multipart(resource: &Resource) -> Answer {
    let mut body = b"--part\r\nContent-Range: bytes 0-9/10\r\n\r\n".to_vec();
    body.extend_from_slice(&resource.body);
    body.extend_from_slice(b"\r\n--part--\r\n");
    Answer::of(StatusCode::PARTIAL_CONTENT, body.into())
        .with(CONTENT_TYPE, "multipart/byteranges; boundary=part")
}

/// Nothing of the range is in the resource.
struct Unsatisfiable;

/// The range to answer with, `None` for the whole.
fn range(
    fault: &Fault,
    resource: &Resource,
    asked: &HeaderMap,
) -> Option<Result<Range<usize>, Unsatisfiable>> {
    if !resource.ranges || *fault == Fault::IgnoreRange {
        return None;
    }
    let spec = asked.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let current = etag(fault, resource);
    let condition = asked.get(IF_RANGE).map(HeaderValue::as_bytes);
    let holds = |condition: &[u8]| {
        [current.as_ref(), resource.last_modified.as_ref()]
            .into_iter()
            .flatten()
            .any(|known| known.as_bytes() == condition)
    };
    if *fault != Fault::IgnoreCondition && condition.is_some_and(|condition| !holds(condition)) {
        return None;
    }
    let length = resource.body.len();
    let (first, last) = spec.split_once('-')?;
    let range = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(first), None) if last.is_empty() => first..length,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return None,
    };
    Some(if range.is_empty() {
        Err(Unsatisfiable)
    } else {
        Ok(range)
    })
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}

/// The file at a path of a folder, if it lies in there.
pub(super) fn file(folder: &Path, path: &str) -> Option<Resource> {
    let mut file = folder.to_path_buf();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = percent_decoded(part)?;
        if part == "." || part == ".." || part.contains(['/', '\\', ':', '\0']) {
            return None;
        }
        file.push(part);
    }
    let body = std::fs::read(&file).ok()?;
    let modified = std::fs::metadata(&file).ok()?.modified().ok()?;
    let stamp = modified.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let content_type = match file.extension().and_then(|extension| extension.to_str()) {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("ts") => "video/mp2t",
        Some("mp4" | "m4s" | "cmfv") => "video/mp4",
        Some("m4a" | "cmfa") => "audio/mp4",
        Some("aac") => "audio/aac",
        Some("vtt" | "webvtt") => "text/vtt",
        _ => "application/octet-stream",
    };
    Some(Resource {
        etag: Some(format!("\"{stamp:x}-{:x}\"", body.len())),
        last_modified: Some(httpdate::fmt_http_date(modified)),
        content_type: content_type.to_owned(),
        ..Resource::new(body)
    })
}

fn percent_decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).ok()
}
