//! A connection to a server: name, socket, proxy, TLS, each measured.

use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector, HttpInfo};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tower::{Service, ServiceExt};
use url::Url;

use super::connection::{Connection, Io};
use super::proxy::{Kind, Proxy, Via};
use super::resolver::{Lookup, Resolve};
use super::tls::Tls;
use crate::Reach;
use crate::error::BoxError;
use crate::metrics::ConnectionRecord;
use crate::reach::{RefusedAddress, is_local_name};

/// The next family of addresses gets its chance after this long (RFC 8305, section 5, says 250 ms).
const HAPPY_EYEBALLS: Duration = Duration::from_millis(250);

/// What all connections have in common.
pub(super) struct Settings {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) connect_timeout: Duration,
    pub(super) proxy: Proxy,
    pub(super) tls: Tls,
}

/// The connector of hyper's client.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) settings: Arc<Settings>,
    pub(super) reach: Reach,
}

/// The proxy cannot be spoken with, or would not do what it was asked for.
#[derive(Debug)]
pub(crate) struct ProxyError {
    source: BoxError,
}

impl ProxyError {
    fn new(source: impl Into<BoxError>) -> Self {
        ProxyError {
            source: source.into(),
        }
    }
}

impl std::fmt::Display for ProxyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the proxy did not connect")
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl Service<Uri> for Dialer {
    type Response = Connection;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Connection, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move {
            let limit = dialer.settings.connect_timeout;
            timeout(limit, dialer.dial(target))
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}

/// What is there before TLS.
struct Dialed {
    io: Io,
    info: Option<HttpInfo>,
    record: ConnectionRecord,
    is_absolute_form: bool,
}

impl Dialer {
    async fn dial(self, target: Uri) -> Result<Connection, BoxError> {
        // There is no look-up for an address that is written as one.
        if let Ok(address) = host(&target)?.parse::<IpAddr>()
            && !self.reach.allows(address)
        {
            return Err(refused(&address.to_string()));
        }
        let Dialed {
            mut io,
            info,
            mut record,
            is_absolute_form,
        } = match self.settings.proxy.via(&target) {
            None => self.direct(target.clone(), self.reach).await?,
            Some(via) => self.through(via, &target).await?,
        };
        let mut is_http_2 = false;
        if is_https(&target) {
            let config = self.settings.tls.for_origin(&origin(&target)?);
            let started = Instant::now();
            (io, is_http_2) = secure(io, config, server_name(&target)?).await?;
            record.secure_connection = Some(started.elapsed());
        }
        Ok(Connection {
            io,
            info,
            record: Arc::new(record),
            is_http_2,
            is_absolute_form,
        })
    }

    /// TCP, to whichever address of the host answers first.
    async fn direct(&self, target: Uri, reach: Reach) -> Result<Dialed, BoxError> {
        let lookup = Lookup::new(Arc::clone(&self.settings.resolver), reach);
        let mut tcp = HttpConnector::new_with_resolver(lookup.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.settings.connect_timeout));
        tcp.set_happy_eyeballs_timeout(Some(HAPPY_EYEBALLS));
        let started = Instant::now();
        let stream = tcp.oneshot(target).await?;
        let elapsed = started.elapsed();
        let name_lookup = lookup.took();
        let mut extras = http::Extensions::new();
        stream.connected().get_extras(&mut extras);
        Ok(Dialed {
            io: Box::new(stream),
            info: extras.remove::<HttpInfo>(),
            record: ConnectionRecord {
                name_lookup,
                connect: elapsed.saturating_sub(name_lookup.unwrap_or_default()),
                ..ConnectionRecord::default()
            },
            is_absolute_form: false,
        })
    }

    async fn through(&self, via: Via, target: &Uri) -> Result<Dialed, BoxError> {
        // The proxy is the user's choice, so it may be anywhere; what it is asked for may not.
        let asked = self.asked_of(&via, target).await?;
        let Dialed { io, mut record, .. } = self
            .direct(via.uri.clone(), Reach::Any)
            .await
            .map_err(ProxyError::new)?;
        record.proxy = Some(via.shown());
        let is_absolute_form = via.kind == Kind::AbsoluteForm;
        let started = Instant::now();
        let io = handshake(io, via, asked, self.settings.tls.for_proxy())
            .await
            .map_err(ProxyError::new)?;
        record.proxy_handshake = Some(started.elapsed());
        Ok(Dialed {
            io,
            info: None,
            record,
            is_absolute_form,
        })
    }

    /// What the proxy is asked to connect to, port included.
    async fn asked_of(&self, via: &Via, target: &Uri) -> Result<Uri, BoxError> {
        let name = host(target)?;
        let port = target
            .port_u16()
            .unwrap_or(if is_https(target) { 443 } else { 80 });
        let asked = if let Ok(address) = name.parse::<IpAddr>() {
            SocketAddr::new(address, port).to_string()
        } else if via.kind == Kind::Socks {
            let lookup = Lookup::new(Arc::clone(&self.settings.resolver), self.reach);
            let found = lookup.resolve(name).await?;
            let first = found.first().ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, "the name has no address")
            })?;
            SocketAddr::new(*first, port).to_string()
        } else if self.reach == Reach::PublicOnly && is_local_name(name) {
            return Err(refused(name));
        } else {
            format!("{name}:{port}")
        };
        Ok(Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(asked)
            .path_and_query(PathAndQuery::from_static("/"))
            .build()?)
    }
}

/// From a connection to the proxy to one that leads on.
async fn handshake(
    mut io: Io,
    via: Via,
    asked: Uri,
    tls: Arc<ClientConfig>,
) -> Result<Io, BoxError> {
    if is_https(&via.uri) {
        (io, _) = secure(io, tls, server_name(&via.uri)?).await?;
    }
    let connected = Established(Some(io));
    match via.kind {
        Kind::AbsoluteForm => Ok(connected.oneshot(asked).await?),
        Kind::Connect => {
            let mut tunnel = Tunnel::new(via.uri.clone(), connected);
            if let Some(basic) = via.basic() {
                tunnel = tunnel.with_auth(basic);
            }
            Ok(tunnel.oneshot(asked).await?)
        }
        Kind::Socks | Kind::SocksWithNames => {
            let mut socks = SocksV5::new(via.uri.clone(), connected);
            if let Some((user, password)) = via.raw() {
                socks = socks.with_auth(user, password);
            }
            Ok(socks.oneshot(asked).await?)
        }
    }
}

/// A connector for those who want to connect by themselves: it hands out the one connection there is.
struct Established(Option<Io>);

impl Service<Uri> for Established {
    type Response = Io;
    type Error = io::Error;
    type Future = Ready<io::Result<Io>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(
            self.0
                .take()
                .ok_or_else(|| io::Error::other("the connection is in use")),
        )
    }
}

/// TLS, and whether HTTP/2 was agreed on.
async fn secure(
    io: Io,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<(Io, bool), BoxError> {
    let stream = TlsConnector::from(config)
        .connect(name, TokioIo::new(io))
        .await?;
    let is_http_2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Box::new(TokioIo::new(stream)), is_http_2))
}

fn server_name(uri: &Uri) -> Result<ServerName<'static>, BoxError> {
    Ok(ServerName::try_from(host(uri)?)?.to_owned())
}

fn refused(name: &str) -> BoxError {
    Box::new(RefusedAddress {
        name: name.to_owned(),
    })
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

/// Without the brackets of an IPv6 address.
fn host(uri: &Uri) -> Result<&str, BoxError> {
    let host = uri.host().ok_or("an address without a host")?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}

fn origin(uri: &Uri) -> Result<url::Origin, BoxError> {
    Ok(Url::parse(&uri.to_string())?.origin())
}
