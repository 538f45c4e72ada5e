//! The local server: what is stored, over HTTP on the loopback interface, for players on this machine.
//!
//! Addresses begin with a random token, the `Host` must be the server's own, and names are looked up,
//! never used as paths. A player that hangs up early is normal and no error.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use asset_store::{AssetId, Store};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::api::{self, Downloads};
use super::local::{self, INDEX, LocalAsset};
use super::movie;
use super::page;
use super::reply::{self, Reply};
use super::shelf::Shelf;
use crate::session::interstitials::references::{self, FOLDER};
use crate::session::{artwork, library};
use crate::{Error, ErrorKind, Result};

const CONNECTIONS: usize = 64;
const IDLE: Duration = Duration::from_secs(60);
const HEADER_LIMIT: usize = 16 * 1024;

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
    shelf: Arc<Shelf>,
    downloads: Downloads,
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
        let shelf = Arc::new(Shelf::new(store.clone()));
        let shared = Arc::new(Shared {
            store,
            token,
            hosts,
            shelf,
            downloads: Downloads::default(),
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
        let mut minutes = tokio::time::interval(Duration::from_secs(60));
        loop {
            // The semaphore is never closed; a listener that fails for a moment (no descriptors) recovers.
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = minutes.tick() => {
                    self.shared.shelf.put_back_idle();
                    continue;
                }
            };
            let stream = match accepted {
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
        let is_head = request.method() == Method::HEAD;
        let mut reply = match self.route(request).await {
            Ok(reply) => reply,
            Err(status) => reply::text(status, status.canonical_reason().unwrap_or_default()),
        };
        let is_too_early = reply.status() == StatusCode::SERVICE_UNAVAILABLE;
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
        if is_too_early {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if is_head {
            *reply.body_mut() = reply::empty();
        }
        reply
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Result<Reply, StatusCode> {
        if !self.is_own_host(request.headers()) {
            // Somebody else's name leads here: DNS rebinding.
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        if !api::is_from_here(request.headers(), &self.hosts) {
            return Err(StatusCode::FORBIDDEN);
        }
        let path = request.uri().path().to_owned();
        let path = path
            .strip_prefix('/')
            .and_then(|path| path.split_once('/').or(Some((path, ""))));
        let Some((_, rest)) =
            path.filter(|(token, _)| is_equal(token.as_bytes(), self.token.as_bytes()))
        else {
            return Err(StatusCode::NOT_FOUND);
        };
        let parts: Vec<&str> = rest.split('/').collect();
        if let ["api", path @ ..] = parts.as_slice() {
            return api::answer(&self.store, &self.downloads, path, request).await;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(reply::only("GET, HEAD"));
        }
        match parts.as_slice() {
            [""] => page::file("index.html", request.headers()),
            ["page", name] => page::file(name, request.headers()),
            ["assets", id, INDEX] => {
                let (id, asset) = self.shelf.asset(id).await?;
                self.played(&id);
                Ok(reply::playlist(asset.index()))
            }
            ["assets", id, movie::NAME] => {
                let (id, asset) = self.shelf.asset(id).await?;
                let range = request.headers().get(header::RANGE);
                if range.is_none_or(|range| range.as_bytes().starts_with(b"bytes=0-")) {
                    self.played(&id);
                }
                reply::movie(&self.store, asset, request.headers()).await
            }
            ["assets", id, movie::SUBTITLES, name] => {
                let (_, asset) = self.shelf.asset(id).await?;
                reply::subtitles(&self.store, asset, name, request.headers()).await
            }
            ["assets", id, artwork::PATH] => self.artwork(id, request.headers()).await,
            ["assets", id, FOLDER, rest @ ..] => {
                let (_, asset) = self.shelf.asset(id).await?;
                let folder = self.interstitials(request.headers(), id);
                self.interstitial(&asset, rest, &folder, request.headers())
                    .await
            }
            ["assets", id, track, INDEX] => {
                let (id, asset) = self.shelf.asset(id).await?;
                let folder = self.interstitials(request.headers(), id.as_str());
                let playlist = asset
                    .playlist(track, &folder)
                    .ok_or(StatusCode::NOT_FOUND)?;
                if asset.is_growing_track(track) {
                    self.shelf.attend(&id, track, None);
                }
                Ok(reply::playlist(playlist))
            }
            ["assets", id, track, name] => {
                let (id, asset) = self.shelf.asset(id).await?;
                if asset.is_growing_track(track) {
                    self.shelf.attend(&id, track, asset.ahead(track, name));
                }
                let content = asset.content(track, name).ok_or(StatusCode::NOT_FOUND)?;
                reply::media(&self.store, content, request.headers()).await
            }
            _ => Err(StatusCode::NOT_FOUND),
        }
    }

    fn played(&self, id: &AssetId) {
        if let Err(error) = library::played(&self.store, id) {
            tracing::warn!(%error, "the time of playing could not be noted");
        }
    }

    /// The picture of an asset. To look at it is not to play it: it may be purged meanwhile.
    async fn artwork(&self, id: &str, headers: &HeaderMap) -> Result<Reply, StatusCode> {
        let id = AssetId::new(id).map_err(|_| StatusCode::NOT_FOUND)?;
        let store = self.store.clone();
        let found = tokio::task::spawn_blocking(move || {
            let asset = store.asset(&id).ok()?;
            local::picture(&store, &asset)
        });
        let found = found.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let content = found.ok_or(StatusCode::NOT_FOUND)?;
        let mut reply = reply::media(&self.store, content, headers).await?;
        // Another may take its place.
        let revalidate = HeaderValue::from_static("private, no-cache");
        let headers = reply.headers_mut();
        headers.insert(header::CACHE_CONTROL, revalidate);
        Ok(reply)
    }

    /// Where the interstitials of an asset are, for who asked: the specification wants their addresses to be absolute.
    fn interstitials(&self, headers: &HeaderMap, id: &str) -> String {
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("http://{host}/{}/assets/{id}/{FOLDER}", self.token)
    }

    /// What is in the folder of the interstitials of an asset.
    async fn interstitial(
        &self,
        asset: &LocalAsset,
        path: &[&str],
        folder: &str,
        headers: &HeaderMap,
    ) -> Result<Reply, StatusCode> {
        let offered = asset.interstitials();
        let (name, inside) = path.split_first().ok_or(StatusCode::NOT_FOUND)?;
        if inside.is_empty() {
            let list = name
                .strip_suffix(".json")
                .and_then(|name| offered.list(name, folder));
            return list.map(reply::json).ok_or(StatusCode::NOT_FOUND);
        }
        let interstitial = offered.asset(name).ok_or(StatusCode::NOT_FOUND)?;
        let track = |track: &str| format!("{}/{track}", references::folder(name));
        let playlist = match inside {
            [INDEX] => Some(interstitial.index()),
            [of, INDEX] => interstitial.playlist(&track(of), folder),
            [of, file] => {
                let content = interstitial.content(&track(of), file);
                let content = content.ok_or(StatusCode::NOT_FOUND)?;
                return reply::media(&self.store, content, headers).await;
            }
            _ => None,
        };
        playlist.map(reply::playlist).ok_or(StatusCode::NOT_FOUND)
    }

    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)))
    }
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
