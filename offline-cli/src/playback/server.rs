//! The local server: what is stored, over HTTP on the loopback interface, for players on this machine.
//!
//! Addresses begin with a random token, the `Host` must be the server's own, and names are looked up,
//! never used as paths. A player that hangs up early is normal and no error.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asset_store::{AssetId, Store};
use bytes::Bytes;
use futures::StreamExt;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::content::{Content, ContentReader};
use super::local::{INDEX, LocalAsset, content_type};
use super::range::{self, Asked};
use crate::session::library;
use crate::{Error, ErrorKind, Result};

type Body = UnsyncBoxBody<Bytes, std::io::Error>;
type Reply = Response<Body>;

const CONNECTIONS: usize = 64;
const IDLE: Duration = Duration::from_secs(60);
const HEADER_LIMIT: usize = 16 * 1024;
/// How much is read from disk at a time.
const CHUNK: usize = 256 * 1024;
/// How long an asset is served from memory before its entries are looked at again.
const FRESH: Duration = Duration::from_secs(2);

/// A server that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    url: String,
}

struct Shared {
    store: Store,
    token: String,
    hosts: [String; 2],
    assets: Mutex<HashMap<AssetId, (Instant, Arc<LocalAsset>)>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Binds a port of the loopback interface; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken or no random token can be made.
    pub async fn bind(store: Store, port: u16) -> Result<Self> {
        let unbound = |error| {
            Error::new(ErrorKind::Usage, format!("cannot listen on port {port}"))
                .hint("choose another --port, or leave it out")
                .because(error)
        };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))
            .await
            .map_err(unbound)?;
        let port = listener.local_addr().map_err(unbound)?.port();
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Error::new(ErrorKind::Storage, "no random numbers").because(error.to_string())
        })?;
        let token = format!("{:032x}", u128::from_be_bytes(random));
        let url = format!("http://127.0.0.1:{port}/{token}");
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let shared = Arc::new(Shared {
            store,
            token,
            hosts,
            assets: Mutex::default(),
        });
        Ok(Self {
            listener,
            shared,
            url,
        })
    }

    /// The address everything is under, without a slash at its end. It holds the token.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of an asset's Multivariant Playlist.
    pub fn asset_url(&self, id: &AssetId) -> String {
        format!("{}/assets/{id}/{INDEX}", self.url)
    }

    /// Answers until the future is dropped.
    pub async fn run(self) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // The semaphore is never closed; a listener that fails for a moment (no descriptors) recovers.
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    let shared = Arc::clone(&shared);
                    async move { Ok::<_, Infallible>(shared.answer(request).await) }
                });
                let served = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(IDLE)
                    .max_buf_size(HEADER_LIMIT)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                if let Err(error) = served {
                    tracing::debug!(%error, "a player hung up");
                }
                drop(slot);
            });
        }
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let mut reply = match self.route(&request).await {
            Ok(reply) => reply,
            Err(status) => text(status, status.canonical_reason().unwrap_or_default()),
        };
        let headers = reply.headers_mut();
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        );
        if request.method() == Method::HEAD {
            *reply.body_mut() = empty();
        }
        reply
    }

    async fn route(self: &Arc<Self>, request: &Request<Incoming>) -> Result<Reply, StatusCode> {
        if !self.is_own_host(request.headers()) {
            // Somebody else's name leads here: DNS rebinding.
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        if request
            .headers()
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site")
        {
            return Err(StatusCode::FORBIDDEN);
        }
        let path = request.uri().path();
        let path = path
            .strip_prefix('/')
            .and_then(|path| path.split_once('/').or(Some((path, ""))));
        let Some((_, rest)) =
            path.filter(|(token, _)| is_equal(token.as_bytes(), self.token.as_bytes()))
        else {
            return Err(StatusCode::NOT_FOUND);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
            reply
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Ok(reply);
        }
        let parts: Vec<&str> = rest.split('/').collect();
        match parts.as_slice() {
            [""] => Ok(self.library()),
            ["assets", id, INDEX] => {
                let (id, asset) = self.asset(id).await?;
                if let Err(error) = library::played(&self.store, &id) {
                    tracing::warn!(%error, "the time of playing could not be noted");
                }
                Ok(playlist(asset.index()))
            }
            ["assets", id, track, INDEX] => {
                let (_, asset) = self.asset(id).await?;
                asset
                    .playlist(track)
                    .map(playlist)
                    .ok_or(StatusCode::NOT_FOUND)
            }
            ["assets", id, track, name] => {
                let (_, asset) = self.asset(id).await?;
                let content = asset.content(track, name).ok_or(StatusCode::NOT_FOUND)?;
                self.media(content, request.headers()).await
            }
            _ => Err(StatusCode::NOT_FOUND),
        }
    }

    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)))
    }

    async fn asset(self: &Arc<Self>, id: &str) -> Result<(AssetId, Arc<LocalAsset>), StatusCode> {
        let id = AssetId::new(id).map_err(|_| StatusCode::NOT_FOUND)?;
        let known = self
            .assets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some((_, asset)) = known.filter(|(read, _)| read.elapsed() < FRESH) {
            return Ok((id, asset));
        }
        let (shared, wanted) = (Arc::clone(self), id.clone());
        let loaded =
            tokio::task::spawn_blocking(move || LocalAsset::load(&shared.store, &wanted)).await;
        match loaded {
            Ok(Ok(asset)) => {
                let asset = Arc::new(asset);
                let mut assets = self.assets.lock().unwrap_or_else(PoisonError::into_inner);
                assets.insert(id.clone(), (Instant::now(), Arc::clone(&asset)));
                Ok((id, asset))
            }
            Ok(Err(error)) => {
                tracing::info!(error = %error.one_line(), "not served");
                self.assets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&id);
                Err(StatusCode::NOT_FOUND)
            }
            Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What is there, as links: enough to find an address by hand.
    fn library(&self) -> Reply {
        let mut page = String::from(
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>offline</title><h1>offline</h1><ul>",
        );
        for listed in library::list(&self.store).unwrap_or_default() {
            let title = escape(&listed.title);
            let state = listed.state.name();
            let token = &self.token;
            page.extend([
                "<li><a href=\"/",
                token,
                "/assets/",
                &listed.id,
                "/index.m3u8\">",
                &title,
                "</a> (",
                state,
                ")</li>",
            ]);
        }
        page.push_str("</ul>");
        let mut reply = text(StatusCode::OK, &page);
        reply.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        reply.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'"),
        );
        reply
    }

    async fn media(
        self: &Arc<Self>,
        content: Content,
        headers: &HeaderMap,
    ) -> Result<Reply, StatusCode> {
        let tag = content.entity_tag();
        let media_type = content.media_type;
        let mut reply = Response::new(empty());
        let is_match = |name: HeaderName| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.is_some_and(|value| {
                value
                    .split(',')
                    .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
            })
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
        if is_match(header::IF_NONE_MATCH) {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(reply);
        }
        let shared = Arc::clone(self);
        let opened = tokio::task::spawn_blocking(move || content.open(&shared.store)).await;
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
        let current = !headers.contains_key(header::IF_RANGE) || is_match(header::IF_RANGE);
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
        *reply.body_mut() = stream(reader, part);
        Ok(reply)
    }
}

/// Reads the part chunk by chunk, the next one only when the player has taken the one before.
fn stream(reader: ContentReader, part: std::ops::Range<u64>) -> Body {
    let chunks = futures::stream::try_unfold((reader, part), |(mut reader, part)| async move {
        if part.is_empty() {
            return Ok(None);
        }
        let length = usize::try_from(part.end - part.start)
            .unwrap_or(CHUNK)
            .min(CHUNK);
        let read = tokio::task::spawn_blocking(move || {
            reader
                .read_at(part.start, length)
                .map(|bytes| (reader, bytes))
        });
        let (reader, bytes) = read.await.map_err(std::io::Error::other)??;
        if bytes.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let next = part.start + bytes.len() as u64..part.end;
        Ok(Some((Bytes::from(bytes), (reader, next))))
    });
    BodyExt::boxed_unsync(StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))))
}

fn playlist(playlist: String) -> Reply {
    let mut reply = Response::new(full(playlist));
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(INDEX)),
    );
    // An unfinished asset gains tracks.
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn text(status: StatusCode, text: &str) -> Reply {
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
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn empty() -> Body {
    Full::new(Bytes::new())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Compares without telling by the time it takes where the difference is.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

/// Text from a server, safe inside HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
