//! The local server: what is stored, over HTTP on the loopback interface, for players on this machine.
//!
//! Addresses begin with a random token, the `Host` must be the server's own, and names are looked up,
//! never used as paths. A player that hangs up early is normal and no error.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use asset_store::{AssetId, Store};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::api::{self, Downloads};
use super::connections::{self, Limits, Seat};
use super::encoding;
use super::hosts::Hosts;
use super::local::{self, INDEX, LocalAsset};
use super::movie;
use super::page;
use super::reply::{self, Reply};
use super::shelf::Shelf;
use crate::session::interstitials::references::{self, FOLDER};
use crate::session::{NetworkOptions, artwork, library};
use crate::{Error, ErrorKind, Result};

/// Where a server listens, and what it may be called.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The address of the interface: the loopback one, unless others on the network are to reach it.
    pub address: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Names that requests may have for the server, beside the address they come in at. Those without a port have the server's.
    pub hosts: Vec<Authority>,
    /// How servers are reached for downloads that the page resumes. Credentials go to a single origin: downloads from others are refused then.
    pub network: NetworkOptions,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            hosts: Vec::new(),
            network: NetworkOptions::default(),
        }
    }
}

/// A server that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    url: String,
}

struct Shared {
    store: Store,
    token: String,
    hosts: Hosts,
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
        let options = ServerOptions {
            port,
            ..ServerOptions::default()
        };
        Self::bind_with(store, &options).await
    }

    /// Binds a port of any interface.
    ///
    /// # Errors
    /// When this machine does not have the address, when the port is taken or no random token can be made.
    pub async fn bind_with(store: Store, options: &ServerOptions) -> Result<Self> {
        let wanted = SocketAddr::new(options.address, options.port);
        let unbound = |error| {
            Error::new(ErrorKind::Usage, format!("cannot listen on {wanted}"))
                .hint("choose another --port, or leave it out; --bind takes an address of this machine")
                .because(error)
        };
        let listener = TcpListener::bind(wanted).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Error::new(ErrorKind::Storage, "no random numbers").because(error.to_string())
        })?;
        let token = format!("{:032x}", u128::from_be_bytes(random));
        // What is bound to every address is reached at the loopback one from here.
        let mut here = address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => here.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => here.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let url = format!("http://{here}/{token}");
        let shelf = Arc::new(Shelf::new(store.clone()));
        let shared = Arc::new(Shared {
            store,
            token,
            hosts: Hosts::new(&options.hosts, address.port()),
            shelf,
            downloads: Downloads::new(options.network.clone()),
        });
        Ok(Self {
            listener,
            address,
            shared,
            url,
        })
    }

    /// The address everything is under, without a slash at its end. It holds the token.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of an asset's Multivariant Playlist.
    pub fn asset_url(&self, id: &AssetId) -> String {
        format!("{}/assets/{id}/{INDEX}", self.url)
    }

    /// Answers until the future is dropped.
    pub async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let answer = move |request, seat| Arc::clone(&shared).answer(request, seat);
        let tidy = || self.shared.shelf.put_back_idle();
        connections::serve(self.listener, Limits::default(), answer, tidy).await;
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, seat: Arc<Seat>) -> Reply {
        let is_head = request.method() == Method::HEAD;
        let asked = request.headers().clone();
        let method = request.method().clone();
        let path = self.shown(request.uri().path());
        let said =
            |status: StatusCode| reply::text(status, status.canonical_reason().unwrap_or_default());
        let reply = self.route(request, &seat).await.unwrap_or_else(said);
        let encoded = encoding::encode(reply, &asked).await;
        let mut reply = encoded.unwrap_or_else(|error| {
            tracing::warn!(%error, "a text cannot be served");
            said(StatusCode::NOT_FOUND)
        });
        tracing::debug!(%method, path, status = reply.status().as_u16(), "answered");
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

    /// For log lines: without the token, or what stands in its place.
    fn shown(&self, path: &str) -> String {
        let below = path.trim_start_matches('/').split_once('/');
        below.map_or_else(String::new, |(_, path)| path.replace(&self.token, "…"))
    }

    async fn route(
        self: &Arc<Self>,
        request: Request<Incoming>,
        seat: &Seat,
    ) -> Result<Reply, StatusCode> {
        let host = (self.hosts).own(request.uri(), request.headers(), seat.local);
        // Somebody else's name leads here: DNS rebinding.
        let host = host.ok_or(StatusCode::MISDIRECTED_REQUEST)?;
        if !api::is_from_here(request.headers(), &host) {
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
        seat.welcome();
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
                let folder = self.interstitials(&host, id);
                self.interstitial(&asset, rest, &folder, request.headers())
                    .await
            }
            ["assets", id, track, INDEX] => {
                let (id, asset) = self.shelf.asset(id).await?;
                let folder = self.interstitials(&host, id.as_str());
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
    fn interstitials(&self, host: &str, id: &str) -> String {
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
