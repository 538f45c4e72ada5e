//! Whom to trust, and who to be.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use url::Origin;

use super::TransportOptions;
use crate::resume::Retry;
use crate::{Error, ErrorKind};

/// A certificate to show to servers that ask who connects, with its key.
///
/// Like other credentials it has its origins, and no other server is shown it. The `Debug` form leaves the key out.
#[derive(Clone)]
pub struct ClientCertificate {
    /// PEM: the certificate, and those between it and an authority.
    pub chain: Vec<u8>,
    /// PEM: its private key, as PKCS #8, SEC 1 or PKCS #1, not encrypted.
    pub key: Vec<u8>,
    /// Whom it is for, as of [`Url::origin`](url::Url::origin).
    pub origins: Vec<Origin>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

/// The settings for every server, and those for the origins of the client certificate.
#[derive(Clone)]
pub(super) struct Tls {
    anyone: Arc<ClientConfig>,
    known: Option<(Vec<Origin>, Arc<ClientConfig>)>,
    proxy: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(options: &TransportOptions) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(options, &provider)?;
        let make = |client: Option<&ClientCertificate>| {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(|error| failed("cannot set up TLS").with_source(error))?;
            let builder = match &verifier {
                Some(verifier) => builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::clone(verifier)),
                None => builder.with_root_certificates(RootCertStore::empty()),
            };
            match client {
                None => Ok(builder.with_no_client_auth()),
                Some(client) => {
                    let (chain, key) = read(client)?;
                    builder.with_client_auth_cert(chain, key).map_err(|error| {
                        failed("the client certificate and its key cannot be used")
                            .with_source(error)
                    })
                }
            }
        };
        let for_servers = |mut config: ClientConfig| {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Arc::new(config)
        };
        let known = match &options.client_certificate {
            None => None,
            Some(client) => Some((client.origins.clone(), for_servers(make(Some(client))?))),
        };
        Ok(Tls {
            anyone: for_servers(make(None)?),
            known,
            proxy: Arc::new(make(None)?),
        })
    }

    pub(super) fn for_origin(&self, origin: &Origin) -> Arc<ClientConfig> {
        match &self.known {
            Some((origins, config)) if origins.contains(origin) => Arc::clone(config),
            _ => Arc::clone(&self.anyone),
        }
    }

    /// CONNECT is only spoken over HTTP/1.1.
    pub(super) fn for_proxy(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.proxy)
    }
}

fn failed(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Tls, Retry::Never, reason)
}

/// `None` when no authority at all is there to be trusted.
fn verifier(
    options: &TransportOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ServerCertVerifier>>, Error> {
    if options.danger_accept_invalid_certificates {
        tracing::warn!(
            "certificates are not verified: anyone between here and the server can read and change everything"
        );
        return Ok(Some(Arc::new(AcceptAnything(Arc::clone(provider)))));
    }
    let mut extra = Vec::new();
    for (index, pem) in options.extra_authorities.iter().enumerate() {
        extra.extend(certificates(
            pem,
            &format!("extra authority {index} is not a PEM certificate"),
        )?);
    }
    let trusting_none = extra.is_empty();
    match Verifier::new_with_extra_roots(extra, Arc::clone(provider)) {
        Ok(verifier) => Ok(Some(Arc::new(verifier))),
        Err(error) if trusting_none => {
            // A machine without a trust store can still use http; every https request fails with an unknown issuer.
            tracing::warn!(%error, "no certificate authority is trusted");
            Ok(None)
        }
        Err(error) => Err(failed("cannot trust the extra authorities").with_source(error)),
    }
}

/// Whether the platform's trust store has certificate authorities. Without any, every `https` request fails unless
/// [extra authorities](TransportOptions::extra_authorities) are named.
///
/// Where the system verifies certificates itself (macOS, Windows), there is nothing to load and this always succeeds.
///
/// # Errors
/// [`ErrorKind::Tls`], and why none can be loaded.
pub fn platform_trust() -> Result<(), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match Verifier::new(provider) {
        Ok(_) => Ok(()),
        Err(error) => Err(failed("no certificate authority is trusted").with_source(error)),
    }
}

/// At least one.
fn certificates(pem: &[u8], unusable: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(unusable).with_source(io::Error::other(error.to_string())))?;
    if found.is_empty() {
        return Err(failed(unusable));
    }
    Ok(found)
}

fn read(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let chain = certificates(
        &client.chain,
        "the client certificate is not a PEM certificate",
    )?;
    // The source is left out: it could quote the key.
    let key = PrivateKeyDer::from_pem_slice(&client.key)
        .map_err(|_| failed("the key of the client certificate is not an unencrypted PEM key"))?;
    Ok((chain, key))
}

/// Takes any certificate from anyone. What is signed must still be signed with its key.
#[derive(Debug)]
struct AcceptAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
