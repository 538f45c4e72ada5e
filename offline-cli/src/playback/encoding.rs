//! gzip for text: playlists, subtitles, JSON and the files of the page, where a player takes it. Media and ranges are sent as they are.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::BodyExt;

use super::reply::{self, Reply};

/// Less than this is sent in one packet in any case.
const SHORTEST: u64 = 512;
/// Text that is longer than any playlist is sent as it is, piece by piece.
const LONGEST: u64 = 16 << 20;

/// Compresses a reply to a request with these fields, if it is text and the player takes it.
pub(super) async fn encode(reply: Reply, request: &HeaderMap) -> io::Result<Reply> {
    if !is_text(reply.headers()) {
        return Ok(reply);
    }
    let (mut parts, body) = reply.into_parts();
    let headers = &mut parts.headers;
    headers.insert(
        header::VARY,
        HeaderValue::from_name(header::ACCEPT_ENCODING),
    );
    let is_taken = is_taken(request);
    let is_stored = headers.contains_key(header::CONTENT_ENCODING);
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_worth = length.is_some_and(|length| (SHORTEST..=LONGEST).contains(&length));
    let has_part = matches!(
        parts.status,
        StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    );
    let is_ranged = request.contains_key(header::RANGE);
    if has_part || is_stored == is_taken || is_taken && (is_ranged || !is_worth) {
        return Ok(Reply::from_parts(parts, body));
    }
    let bytes = body.collect().await?.to_bytes();
    let bytes = tokio::task::spawn_blocking(move || {
        if is_stored {
            decompressed(&bytes)
        } else {
            compressed(&bytes)
        }
    })
    .await
    .map_err(io::Error::other)??;
    if is_stored {
        headers.remove(header::CONTENT_ENCODING);
    } else {
        let gzip = HeaderValue::from_static("gzip");
        headers.insert(header::CONTENT_ENCODING, gzip);
        // No ranges of what is not stored.
        headers.remove(header::ACCEPT_RANGES);
    }
    weaken(headers);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(Reply::from_parts(parts, reply::bytes(bytes)))
}

/// The tag of other bytes that mean the same (RFC 9110 §8.8.1).
fn weaken(headers: &mut HeaderMap) {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let weak = tag.filter(|tag| !tag.starts_with("W/"));
    if let Some(weak) = weak.and_then(|tag| HeaderValue::from_str(&format!("W/{tag}")).ok()) {
        headers.insert(header::ETAG, weak);
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        essence.starts_with("text/")
            || matches!(
                essence,
                "application/vnd.apple.mpegurl"
                    | "application/json"
                    | "application/x-subrip"
                    | "image/svg+xml"
            )
    })
}

/// Whether gzip is taken, and no less liked than nothing at all (RFC 9110 §12.5.3).
fn is_taken(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    let fields = headers.get_all(header::ACCEPT_ENCODING);
    for field in fields.iter().filter_map(|field| field.to_str().ok()) {
        for coding in field.split(',') {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| {
                let (key, value) = part.split_once('=')?;
                key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
            });
            // What cannot be read is not wanted.
            let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let of = match name.as_str() {
                "gzip" | "x-gzip" => &mut gzip,
                "*" => &mut any,
                "identity" => &mut identity,
                _ => continue,
            };
            *of = Some(weight);
        }
    }
    let gzip: f64 = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && identity.is_none_or(|identity| gzip >= identity)
}

fn compressed(bytes: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

/// Only for what this program has compressed itself.
fn decompressed(bytes: &[u8]) -> io::Result<Bytes> {
    let mut clear = Vec::new();
    GzDecoder::new(bytes)
        .take(LONGEST)
        .read_to_end(&mut clear)?;
    Ok(clear.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_gzip() {
        let taken = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                let value = HeaderValue::from_str(field).unwrap();
                headers.append(header::ACCEPT_ENCODING, value);
            }
            is_taken(&headers)
        };
        for fields in [
            &["gzip"][..],
            &["deflate, gzip, br, zstd"],
            &["br;q=1.0, GZIP;q=0.2"],
            &["deflate", "gzip"],
            &["*"],
            &["gzip; Q=0.5, identity; q=0.5"],
            &["x-gzip, *;q=0"],
        ] {
            assert!(taken(fields), "{fields:?}");
        }
        for fields in [
            &[][..],
            &[""],
            &["identity"],
            &["br"],
            &["gzip;q=0"],
            &["gzip;q=0.000, *"],
            &["*;q=0"],
            &["gzip;q=0.4, identity"],
            &["gzip;q=x"],
            &["gzipped"],
        ] {
            assert!(!taken(fields), "{fields:?}");
        }
    }
}
