//! Certificates for loopback, made anew each time.

use std::io;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// What a TLS origin needs, and what its clients have to trust and to show.
pub(super) struct Loopback {
    pub(super) config: Arc<ServerConfig>,
    pub(super) certificates: Certificates,
}

/// What the clients of a TLS origin need.
#[derive(Debug)]
pub(super) struct Certificates {
    /// Of the server, as PEM.
    pub(super) server: String,
    /// Of its client and the key, as PEM.
    pub(super) client: Option<(String, String)>,
}

impl Loopback {
    /// `is_mutual`: only a client that shows the certificate made for it is let in.
    pub(super) fn new(is_mutual: bool) -> io::Result<Self> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certified = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let (builder, client) = if is_mutual {
            let client = rcgen::generate_simple_self_signed(["client".to_owned()])
                .map_err(io::Error::other)?;
            let mut roots = RootCertStore::empty();
            roots
                .add(client.cert.der().clone())
                .map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .map_err(io::Error::other)?;
            let pem = (client.cert.pem(), client.signing_key.serialize_pem());
            (builder.with_client_cert_verifier(verifier), Some(pem))
        } else {
            (builder.with_no_client_auth(), None)
        };
        let mut config = builder
            .with_single_cert(vec![certified.cert.der().clone()], key.into())
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Loopback {
            config: Arc::new(config),
            certificates: Certificates {
                server: certified.cert.pem(),
                client,
            },
        })
    }
}
