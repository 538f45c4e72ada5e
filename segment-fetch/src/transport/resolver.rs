//! From a name to addresses, within reach.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io, vec};

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tokio::time::Instant;
use tower::{Service, ServiceExt};

use crate::Reach;
use crate::reach::RefusedAddress;

/// Looks names up, in the place of the system's resolver: for DNS over HTTPS, a hosts file of one's own, or tests.
///
/// [`Reach`] is applied to what it returns, and what is left is what gets connected to: a name cannot change between
/// check and use.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
/// use std::pin::Pin;
/// use std::sync::Arc;
/// use segment_fetch::{Resolve, TransportOptions};
///
/// #[derive(Debug)]
/// struct Everything;
///
/// impl Resolve for Everything {
///     fn resolve(&self, _: &str) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
///         Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
///     }
/// }
///
/// let options = TransportOptions { resolver: Some(Arc::new(Everything)), ..TransportOptions::default() };
/// # let _ = options;
/// ```
pub trait Resolve: fmt::Debug + Send + Sync + 'static {
    /// All addresses of a name, those to try first at the beginning.
    fn resolve(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// `getaddrinfo`, on a thread of its own.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let name = name.parse::<Name>().map_err(io::Error::other);
        Box::pin(async move {
            let found = GaiResolver::new().oneshot(name?).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The look-up of one connection: what it finds is within reach, and how long it took is kept.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    resolver: Arc<dyn Resolve>,
    reach: Reach,
    took: Arc<OnceLock<Duration>>,
}

impl Lookup {
    pub(super) fn new(resolver: Arc<dyn Resolve>, reach: Reach) -> Self {
        Lookup {
            resolver,
            reach,
            took: Arc::default(),
        }
    }

    /// `None` when there was nothing to look up.
    pub(super) fn took(&self) -> Option<Duration> {
        self.took.get().copied()
    }

    pub(super) async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let started = Instant::now();
        let found = self.resolver.resolve(name).await?;
        // Only the first look-up of a connection counts, and there is only one.
        let _ = self.took.set(started.elapsed());
        let any = !found.is_empty();
        let allowed: Vec<IpAddr> = found
            .into_iter()
            .filter(|found| self.reach.allows(*found))
            .collect();
        if any && allowed.is_empty() {
            return Err(io::Error::other(RefusedAddress {
                name: name.to_owned(),
            }));
        }
        Ok(allowed)
    }
}

impl Service<Name> for Lookup {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookup = self.clone();
        Box::pin(async move {
            let found = lookup.resolve(name.as_str()).await?;
            // The connector knows the port.
            let found: Vec<SocketAddr> = found.into_iter().map(|ip| (ip, 0).into()).collect();
            Ok(found.into_iter())
        })
    }
}
