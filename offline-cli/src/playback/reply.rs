//! Answers of the local server: playlists, media, words.

use std::sync::Arc;

use asset_store::Store;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use super::content::{Content, ContentReader, content_type};
use super::local::{INDEX, LocalAsset};
use super::movie::{Movie, MovieReader};
use super::pieces::pieces;
use super::range::{self, Asked};

pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;
pub(super) type Reply = Response<Body>;

/// The bytes of an entry, whole or a part, or the news that the player has them already.
pub(super) async fn media(
    store: &Store,
    content: Content,
    headers: &HeaderMap,
) -> Result<Reply, StatusCode> {
    let store = store.clone();
    let (tag, media_type) = (content.entity_tag(), content.media_type);
    part(tag, media_type, headers, move || content.open(&store)).await
}

/// Bytes of a name, whole or a part, or the news that the player has them already.
pub(super) async fn part(
    tag: String,
    media_type: &str,
    headers: &HeaderMap,
    open: impl FnOnce() -> crate::Result<ContentReader> + Send + 'static,
) -> Result<Reply, StatusCode> {
    let mut reply = Response::new(empty());
    let given = |name: HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().trim()
    };
    let set = |reply: &mut Reply, name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers_mut().insert(name, value);
        }
    };
    set(&mut reply, header::ETAG, &tag);
    // An address keeps its bytes: the tag is the hash of the content.
    set(
        &mut reply,
        header::CACHE_CONTROL,
        "private, max-age=31536000, immutable",
    );
    if is_known(given(header::IF_NONE_MATCH), &tag) {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(reply);
    }
    let opened = tokio::task::spawn_blocking(open).await;
    let reader = match opened {
        Ok(Ok(reader)) => reader,
        Ok(Err(error)) => {
            tracing::warn!(error = %error.one_line(), "an entry cannot be served");
            return Err(StatusCode::NOT_FOUND);
        }
        Err(_) => return Err(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let length = reader.length();
    set(&mut reply, header::CONTENT_TYPE, media_type);
    set(&mut reply, header::ACCEPT_RANGES, "bytes");
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    // A weak tag is not enough to put parts together (RFC 9110 §13.1.5).
    let current = !headers.contains_key(header::IF_RANGE) || given(header::IF_RANGE) == tag;
    let asked = asked
        .filter(|_| current)
        .map_or(Asked::Whole, |header| range::parse(header, length));
    let part = match asked {
        Asked::Whole => 0..length,
        Asked::Part(part) => {
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(
                &mut reply,
                header::CONTENT_RANGE,
                &format!("bytes {}-{}/{length}", part.start, part.end - 1),
            );
            part
        }
        Asked::Unsatisfiable => {
            *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(
                &mut reply,
                header::CONTENT_RANGE,
                &format!("bytes */{length}"),
            );
            set(&mut reply, header::CONTENT_LENGTH, "0");
            return Ok(reply);
        }
    };
    set(
        &mut reply,
        header::CONTENT_LENGTH,
        &(part.end - part.start).to_string(),
    );
    *reply.body_mut() = pieces(reader, part);
    Ok(reply)
}

/// Whether a tag is among those of `If-None-Match`, be they weak.
pub(super) fn is_known(tags: &str, tag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// An asset as one file. Its bytes change when the asset does, so that players have to ask.
pub(super) async fn movie(
    store: &Store,
    asset: Arc<LocalAsset>,
    headers: &HeaderMap,
) -> Result<Reply, StatusCode> {
    let movie = laid_out(store, asset).await?;
    let (tag, store) = (format!("\"{}-movie\"", movie.tag), store.clone());
    let open = move || Ok(ContentReader::of_movie(MovieReader::new(movie, store)));
    Ok(checked(part(tag, "video/mp4", headers, open).await?))
}

/// Subtitles as one file, in the time of the movie.
pub(super) async fn subtitles(
    store: &Store,
    asset: Arc<LocalAsset>,
    name: &str,
    headers: &HeaderMap,
) -> Result<Reply, StatusCode> {
    let movie = laid_out(store, asset).await?;
    let (index, form) = movie.subtitles_named(name).ok_or(StatusCode::NOT_FOUND)?;
    let (tag, store) = (format!("\"{}-{name}\"", movie.tag), store.clone());
    let open = move || {
        let text = movie.write_subtitles(&store, index, form)?;
        Ok(ContentReader::of_memory(text.into_bytes().into()))
    };
    Ok(checked(part(tag, form.media_type(), headers, open).await?))
}

/// What may change has to be asked for again.
fn checked(mut reply: Reply) -> Reply {
    let check = HeaderValue::from_static("private, no-cache");
    reply.headers_mut().insert(header::CACHE_CONTROL, check);
    reply
}

async fn laid_out(store: &Store, asset: Arc<LocalAsset>) -> Result<Arc<Movie>, StatusCode> {
    let store = store.clone();
    let movie = tokio::task::spawn_blocking(move || Movie::of(&store, &asset)).await;
    let movie = movie.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    movie.map_err(|error| {
        tracing::info!(error = %error.one_line(), "no movie");
        StatusCode::NOT_FOUND
    })
}

pub(super) fn playlist(playlist: String) -> Reply {
    document(playlist, content_type(INDEX))
}

/// An asset list.
pub(super) fn json(list: String) -> Reply {
    document(list, "application/json")
}

fn document(text: String, media_type: &'static str) -> Reply {
    let length = HeaderValue::from(text.len());
    let mut reply = Response::new(full(text));
    // Said here, since the answer to HEAD has no body to count.
    reply.headers_mut().insert(header::CONTENT_LENGTH, length);
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    // An unfinished asset gains tracks.
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

pub(super) fn text(status: StatusCode, text: &str) -> Reply {
    let mut reply = Response::new(full(text.to_owned()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn full(text: String) -> Body {
    bytes(Bytes::from(text))
}

/// The answer to a method that is not for this address.
pub(super) fn only(methods: &'static str) -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, &format!("only {methods}"));
    reply
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    reply
}

pub(super) fn bytes(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

pub(super) fn empty() -> Body {
    bytes(Bytes::new())
}
