//! The files of the page, embedded in the program: no build step, and no request leaves the machine.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use super::reply::{self, Reply};

/// Scripts, styles, pictures and media from this server alone; nobody may put the page into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob: data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    /// Stored compressed.
    compressed: bool,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($name:literal, $media_type:expr) => {
        File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("files/", $name)),
            compressed: false,
        }
    };
}

static FILES: &[File] = &[
    file!("index.html", HTML),
    file!("style.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("main.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("format.js", SCRIPT),
    file!("library.js", SCRIPT),
    file!("details.js", SCRIPT),
    file!("player.js", SCRIPT),
    file!("preview.js", SCRIPT),
    file!("rows.js", SCRIPT),
    File {
        name: "hls.mjs",
        media_type: SCRIPT,
        bytes: include_bytes!("vendor/hls.mjs.gz"),
        compressed: true,
    },
    File {
        name: "hls.LICENSE",
        media_type: "text/plain; charset=utf-8",
        bytes: include_bytes!("vendor/LICENSE"),
        compressed: false,
    },
];

/// A file of the page by its name.
pub(super) fn file(name: &str, headers: &HeaderMap) -> Result<Reply, StatusCode> {
    let file = FILES.iter().find(|file| file.name == name);
    let file = file.ok_or(StatusCode::NOT_FOUND)?;
    let tag = format!("\"{}\"", blake3::hash(file.bytes).to_hex());
    let mut reply = Response::new(reply::empty());
    let set = reply.headers_mut();
    set.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type),
    );
    set.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    // Another version of the program has other files under the same names.
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if file.compressed {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        set.insert(header::ETAG, tag);
    }
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known.and_then(|known| known.to_str().ok());
    if reply::is_known(known.unwrap_or_default(), &tag) {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(reply);
    }
    set.insert(header::CONTENT_LENGTH, HeaderValue::from(file.bytes.len()));
    *reply.body_mut() = reply::bytes(Bytes::from_static(file.bytes));
    Ok(reply)
}
