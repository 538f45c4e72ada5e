//! The default transport: hyper with rustls.

mod connection;
mod dial;
mod proxy;
mod resolver;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::PROXY_AUTHORIZATION;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as ClientError, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

pub(crate) use self::dial::ProxyError;
pub use self::proxy::Proxy;
pub use self::resolver::Resolve;
pub use self::tls::{ClientCertificate, platform_trust};

use self::dial::{Dialer, Settings};
use self::proxy::Kind;
use self::resolver::SystemResolver;
use self::tls::Tls;
use crate::{Error, Reach, RequestBody};

type HyperClient = Client<Dialer, RequestBody>;

/// What one HTTP/2 stream may send ahead of us, and all streams of a connection together. At 80 ms of round trip the
/// second lets 100 MB/s through; what a slow sink leaves unread is bounded by it too.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
/// A connection with requests in flight that does not answer a ping in this time is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The names and values of a response's header together.
const HEADER_LIMIT: u32 = 64 << 10;

/// Settings of [`https`].
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// How long connecting may take: looking the name up, all its addresses, the proxy and TLS together. 10 s.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept: 30 s.
    pub pool_idle_timeout: Duration,
    /// Certificates (PEM, one or many in each) of authorities to trust besides those of the platform.
    pub extra_authorities: Vec<Vec<u8>>,
    /// Who we are, for servers that ask for a certificate: nobody.
    pub client_certificate: Option<ClientCertificate>,
    /// Takes any certificate from any server, and so gives up what TLS is for: whoever is on the way can read and
    /// change everything. For a test bench with nothing to lose; for a private authority there is
    /// [`extra_authorities`](Self::extra_authorities). A warning is logged. `false`.
    pub danger_accept_invalid_certificates: bool,
    /// Through which proxy: none. [`Proxy::from_env`] reads the usual variables.
    pub proxy: Proxy,
    /// Who looks names up: the system.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        TransportOptions {
            connect_timeout: Duration::from_secs(10),
            pool_idle_timeout: Duration::from_secs(30),
            extra_authorities: Vec::new(),
            client_certificate: None,
            danger_accept_invalid_certificates: false,
            proxy: Proxy::none(),
            resolver: None,
        }
    }
}

/// A pooled client for http and https, HTTP/1.1 and (over TLS, where the server offers it) HTTP/2.
///
/// Two pools: a request whose [`Reach`] extension is [`Reach::PublicOnly`] never shares a connection, or a name
/// look-up, with one that may go anywhere.
///
/// Both families of addresses of a name are tried, the second 250 ms after the first (RFC 8305).
///
/// Through a [`Proxy`] that looks names up itself, [`Reach::PublicOnly`] can only refuse what is told by the name:
/// private addresses, `localhost`, `.local`, `.internal`, `.home.arpa`, `.lan` and names without a dot. What else lies
/// in the network of the proxy, the proxy has to keep.
#[derive(Clone)]
pub struct Transport {
    any: HyperClient,
    public: HyperClient,
    proxy: Proxy,
    is_verifying: bool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verification = if self.is_verifying {
            "on"
        } else {
            "OFF: any certificate is accepted"
        };
        f.debug_struct("Transport")
            .field("certificate_verification", &format_args!("{verification}"))
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// Makes the default transport. Certificates are verified against the platform's trust store and `extra_authorities`.
///
/// It has to be used within a tokio runtime with I/O and time enabled.
///
/// # Errors
/// [`ErrorKind::Tls`](crate::ErrorKind::Tls) when one of the extra authorities is not a certificate, or the client
/// certificate and its key cannot be used.
///
/// ```
/// use segment_fetch::{FetchOptions, Fetcher, Proxy, TransportOptions, https};
///
/// let transport = https(&TransportOptions { proxy: Proxy::from_env()?, ..TransportOptions::default() })?;
/// let fetcher = Fetcher::with_service(transport, FetchOptions::default());
/// # let _ = fetcher;
/// # Ok::<(), segment_fetch::Error>(())
/// ```
pub fn https(options: &TransportOptions) -> Result<Transport, Error> {
    let settings = Arc::new(Settings {
        resolver: options
            .resolver
            .clone()
            .unwrap_or_else(|| Arc::new(SystemResolver)),
        connect_timeout: options.connect_timeout,
        proxy: options.proxy.clone(),
        tls: Tls::new(options)?,
    });
    let client = |reach| {
        let dialer = Dialer {
            settings: Arc::clone(&settings),
            reach,
        };
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.pool_idle_timeout)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(HEADER_LIMIT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .build(dialer)
    };
    Ok(Transport {
        any: client(Reach::Any),
        public: client(Reach::PublicOnly),
        proxy: options.proxy.clone(),
        is_verifying: !options.danger_accept_invalid_certificates,
    })
}

impl Service<http::Request<RequestBody>> for Transport {
    type Response = http::Response<Incoming>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        // The pool opens a connection whenever it has none to spare.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<RequestBody>) -> ResponseFuture {
        // What a tunnel does not carry, each request has to.
        if let Some(via) = self.proxy.via(request.uri())
            && via.kind == Kind::AbsoluteForm
            && let Some(basic) = via.basic()
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, basic);
        }
        match request.extensions().get::<Reach>() {
            Some(Reach::PublicOnly) => self.public.request(request),
            Some(Reach::Any) | None => self.any.request(request),
        }
    }
}
