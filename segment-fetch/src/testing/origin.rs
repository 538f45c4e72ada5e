//! A site on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::Site;
use super::certificate::{Certificates, Loopback};
use crate::ClientCertificate;

/// A [`Site`] served on a free port of loopback, from a thread of its own, until dropped.
///
/// Speaks HTTP/1.1 and HTTP/2. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Origin {
    site: Site,
    address: SocketAddr,
    certificates: Option<Certificates>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Origin {
    /// Serves a site over http.
    ///
    /// # Errors
    /// When loopback or a thread cannot be had.
    pub fn serve(site: Site) -> io::Result<Origin> {
        Origin::start(site, None)
    }

    /// Serves a site over https, with a certificate made for it (see [`Origin::certificate`]).
    ///
    /// # Errors
    /// As [`Origin::serve`], and when no certificate can be made.
    pub fn serve_tls(site: Site) -> io::Result<Origin> {
        Origin::start(site, Some(Loopback::new(false)?))
    }

    /// Serves a site over https, to clients that show a certificate made for them (see
    /// [`Origin::client_certificate`]).
    ///
    /// # Errors
    /// As [`Origin::serve_tls`].
    pub fn serve_mutual_tls(site: Site) -> io::Result<Origin> {
        Origin::start(site, Some(Loopback::new(true)?))
    }

    /// Serves the files of a folder over http.
    ///
    /// # Errors
    /// As [`Origin::serve`].
    pub fn directory(folder: impl Into<PathBuf>) -> io::Result<Origin> {
        Origin::serve(Site::directory(folder))
    }

    /// The site it serves: to add resources and scripts, and to read the log.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path, which may have a query.
    ///
    /// # Panics
    /// When the path does not make a URL: a mistake in the test.
    pub fn url(&self, path: &str) -> Url {
        let scheme = if self.certificates.is_some() {
            "https"
        } else {
            "http"
        };
        let text = format!(
            "{scheme}://{}/{}",
            self.address,
            path.trim_start_matches('/')
        );
        match Url::parse(&text) {
            Ok(url) => url,
            Err(error) => unreachable!("{text}: {error}"),
        }
    }

    /// The certificate as PEM, for those who should trust it: [`TransportOptions::extra_authorities`].
    ///
    /// [`TransportOptions::extra_authorities`]: crate::TransportOptions::extra_authorities
    pub fn certificate(&self) -> Option<&str> {
        Some(&self.certificates.as_ref()?.server)
    }

    /// Who a client has to be, when the origin asks.
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        let (chain, key) = self.certificates.as_ref()?.client.as_ref()?;
        Some(ClientCertificate {
            chain: chain.clone().into_bytes(),
            key: key.clone().into_bytes(),
            origins: vec![self.url("/").origin()],
        })
    }

    fn start(site: Site, loopback: Option<Loopback>) -> io::Result<Origin> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (config, certificates) = loopback
            .map(|loopback| (loopback.config, loopback.certificates))
            .unzip();
        let served = site.clone();
        let thread = std::thread::Builder::new()
            .name("origin".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        result = accept(listener, &served, config) => {
                            if let Err(error) = result {
                                tracing::error!(%error, "the origin stopped");
                            }
                        }
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Origin {
            site,
            address,
            certificates,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // Dropping the sender stops the thread, whose runtime closes what is open.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(
    listener: std::net::TcpListener,
    site: &Site,
    config: Option<Arc<ServerConfig>>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let acceptor = config.map(TlsAcceptor::from);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (site, acceptor) = (site.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => converse(stream, site).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => converse(stream, site).await,
                    Err(error) => tracing::debug!(%error, "no TLS"),
                },
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Site) {
    let service = TowerToHyperService::new(site);
    // An error is what a script of cuts and resets asks for.
    if let Err(error) = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        tracing::trace!(
            error = error.as_ref() as &dyn std::error::Error,
            "connection ended"
        );
    }
}
