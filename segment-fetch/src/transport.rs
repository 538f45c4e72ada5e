//! The default transport: hyper with rustls.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tower::Service;

use crate::reach::Resolver;
use crate::resume::Retry;
use crate::{Error, ErrorKind, Reach, RequestBody};

type HyperClient = Client<HttpsConnector<HttpConnector<Resolver>>, RequestBody>;

/// Settings of [`https`].
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// How long connecting may take, for all addresses of a name together: 10 s.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept: 30 s.
    pub pool_idle_timeout: Duration,
    /// Certificates (PEM, one or many in each) of authorities to trust besides those of the platform.
    pub extra_authorities: Vec<Vec<u8>>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        TransportOptions {
            connect_timeout: Duration::from_secs(10),
            pool_idle_timeout: Duration::from_secs(30),
            extra_authorities: Vec::new(),
        }
    }
}

/// A pooled client for http and https, HTTP/1.1 and (over TLS, where the server offers it) HTTP/2.
///
/// Two pools: a request whose [`Reach`] extension is [`Reach::PublicOnly`] never shares a connection, or a name
/// look-up, with one that may go anywhere.
#[derive(Clone)]
pub struct Transport {
    any: HyperClient,
    public: HyperClient,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// Makes the default transport. Certificates are verified against the platform's trust store and `extra_authorities`.
///
/// It has to be used within a tokio runtime with I/O and time enabled.
///
/// # Errors
/// [`ErrorKind::Tls`] when one of the extra authorities is not a certificate.
///
/// ```
/// use segment_fetch::{FetchOptions, Fetcher, TransportOptions, https};
///
/// let transport = https(&TransportOptions::default())?;
/// let fetcher = Fetcher::with_service(transport, FetchOptions::default());
/// # let _ = fetcher;
/// # Ok::<(), segment_fetch::Error>(())
/// ```
pub fn https(options: &TransportOptions) -> Result<Transport, Error> {
    let tls = tls_config(&options.extra_authorities)?;
    let client = |reach| {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(reach));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.pool_idle_timeout)
            .build(connector)
    };
    Ok(Transport {
        any: client(Reach::Any),
        public: client(Reach::PublicOnly),
    })
}

fn tls_config(extra_authorities: &[Vec<u8>]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut extra = Vec::new();
    for (index, pem) in extra_authorities.iter().enumerate() {
        let unusable = || {
            Error::new(
                ErrorKind::Tls,
                Retry::Never,
                format!("extra authority {index} is not a PEM certificate"),
            )
        };
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            extra
                .push(certificate.map_err(|error| {
                    unusable().with_source(io::Error::other(error.to_string()))
                })?);
        }
        if extra.len() == before {
            return Err(unusable());
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(ErrorKind::Tls, Retry::Never, "cannot set up TLS").with_source(error)
        })?;
    let trusting_none = extra.is_empty();
    match verifier(extra, provider) {
        Ok(verifier) => Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth()),
        Err(error) if trusting_none => {
            // A machine without a trust store can still use http; every https request fails with an unknown issuer.
            tracing::warn!(%error, "no certificate authority is trusted");
            Ok(builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth())
        }
        Err(error) => Err(Error::new(
            ErrorKind::Tls,
            Retry::Never,
            "cannot trust the extra authorities",
        )
        .with_source(error)),
    }
}

fn verifier(
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    Ok(Arc::new(Verifier::new_with_extra_roots(extra, provider)?))
}

impl Service<http::Request<RequestBody>> for Transport {
    type Response = http::Response<Incoming>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        // The pool opens a connection whenever it has none to spare.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> ResponseFuture {
        match request.extensions().get::<Reach>() {
            Some(Reach::PublicOnly) => self.public.request(request),
            Some(Reach::Any) | None => self.any.request(request),
        }
    }
}
