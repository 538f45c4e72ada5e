//! How servers are reached.

use std::fmt;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use segment_fetch::{
    ClientCertificate, Concurrency, CookieJar, Credentials, FetchOptions, Fetcher, HeaderMap,
    HostOptions, Proxy, RateLimit, TransportOptions,
};
use url::Url;

use super::Network;
use crate::{Error, ErrorKind, Result};

/// A cookie file beyond this is refused.
const COOKIE_FILE_LIMIT: u64 = 16 << 20;

/// How servers are reached. The `Debug` form leaves the values of headers and the proxy's password out.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct NetworkOptions {
    /// For whom credentials are: the origin of this address. Without it they go nowhere.
    pub origin: Option<Url>,
    /// Sent with every request; `Cookie`, `Authorization` and `Proxy-Authorization` to `origin` only.
    pub headers: HeaderMap,
    /// A cookie file in Netscape's format. Cookies that servers set are kept while running in any case.
    pub cookies: Option<PathBuf>,
    /// The `User-Agent`; by default `offline/` and the version.
    pub user_agent: Option<String>,
    /// A proxy for everything, or the empty string for none; by default as the environment says.
    pub proxy: Option<String>,
    /// Files with certificates (PEM) of authorities to trust besides those of the platform.
    pub authorities: Vec<PathBuf>,
    /// A file with a certificate (PEM) to show to `origin`.
    pub certificate: Option<PathBuf>,
    /// The file with its key; by default that of the certificate.
    pub key: Option<PathBuf>,
    /// Takes any certificate from any server: whoever is on the way can read and change everything.
    pub danger_accept_invalid_certificates: bool,
    /// The most requests in flight; how many there are is learnt from what they bring.
    pub parallel: Option<NonZeroUsize>,
    /// The most bytes in a second. Networks that are made with clones of it keep to the rate together.
    pub limit_rate: Option<RateLimit>,
    /// What holds for some hosts, whatever leads there.
    pub hosts: Vec<HostNetworkOptions>,
}

/// How some hosts are reached. The `Debug` form leaves secrets out.
#[derive(Clone)]
pub struct HostNetworkOptions {
    /// The hosts, and what is sent to them alone.
    pub options: HostOptions,
    /// A cookie file in Netscape's format, which says itself for whom each cookie is.
    pub cookies: Option<PathBuf>,
    /// The proxy for them, or the empty string for none; by default that of all.
    pub proxy: Option<String>,
}

impl fmt::Debug for HostNetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostNetworkOptions")
            .field("options", &self.options)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkOptions")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("cookies", &self.cookies)
            .field("user_agent", &self.user_agent)
            .field("authorities", &self.authorities)
            .field("hosts", &self.hosts)
            .field("certificate", &self.certificate)
            .field(
                "danger_accept_invalid_certificates",
                &self.danger_accept_invalid_certificates,
            )
            .finish_non_exhaustive()
    }
}

impl NetworkOptions {
    /// Whether there is something among them that only one origin may see.
    pub(crate) fn is_for_one_origin(&self) -> bool {
        let secrets = [COOKIE, AUTHORIZATION, PROXY_AUTHORIZATION];
        self.certificate.is_some() || secrets.iter().any(|name| self.headers.contains_key(name))
    }
}

impl Network {
    /// Connects lazily; nothing is sent before the first request. A proxy is used as the environment says.
    ///
    /// # Errors
    /// When the trust store of the platform cannot be loaded, or a variable names a proxy that cannot be used.
    pub fn new() -> Result<Self> {
        Self::with(&NetworkOptions::default())
    }

    /// As [`new`](Self::new), with options.
    ///
    /// # Errors
    /// Also when a file cannot be read, or is not what it should be.
    pub fn with(options: &NetworkOptions) -> Result<Self> {
        let mut through = match options.proxy.as_deref() {
            None => Proxy::from_env()?,
            Some(address) => proxy(address)?,
        };
        for host in &options.hosts {
            if let Some(address) = &host.proxy {
                through = through.for_hosts(host.options.hosts.clone(), proxy(address)?);
            }
        }
        let transport = TransportOptions {
            extra_authorities: options
                .authorities
                .iter()
                .map(|path| read(path))
                .collect::<Result<_>>()?,
            client_certificate: certificate(options)?,
            danger_accept_invalid_certificates: options.danger_accept_invalid_certificates,
            proxy: through,
            ..TransportOptions::default()
        };
        let cookies = CookieJar::new();
        let of_hosts = options
            .hosts
            .iter()
            .filter_map(|host| host.cookies.as_ref());
        for path in options.cookies.iter().chain(of_hosts) {
            let text = read_text(path)?;
            cookies.read_netscape(&text).map_err(|error| {
                Error::new(ErrorKind::Usage, format!("cannot use {}", path.display()))
                    .because(error)
                    .hint("cookies are read in the format of Netscape, which curl and extensions of browsers write")
            })?;
        }
        let mut fetch = FetchOptions {
            headers: options.headers.clone(),
            cookies: Some(cookies),
            concurrency: options.parallel.map_or_else(Concurrency::default, |most| {
                Concurrency::at_most(most.get())
            }),
            rate_limit: options.limit_rate.clone(),
            hosts: (options.hosts.iter())
                .map(|host| host.options.clone())
                .collect(),
            ..FetchOptions::default()
        };
        if let Some(agent) = &options.user_agent {
            fetch.user_agent.clone_from(agent);
        }
        if let Some(origin) = &options.origin {
            // For other hosts those among them that are secret are left out.
            fetch.credentials.push(Credentials {
                origin: origin.origin(),
                headers: options.headers.clone(),
            });
        }
        Ok(Self {
            fetcher: Fetcher::with_service(segment_fetch::https(&transport)?, fetch),
        })
    }
}

fn proxy(address: &str) -> Result<Proxy> {
    Ok(match address {
        "" => Proxy::none(),
        address => Proxy::new(address, "")?,
    })
}

fn certificate(options: &NetworkOptions) -> Result<Option<ClientCertificate>> {
    let Some(path) = &options.certificate else {
        return Ok(None);
    };
    Ok(Some(ClientCertificate {
        chain: read(path)?,
        key: read(options.key.as_ref().unwrap_or(path))?,
        origins: options.origin.iter().map(Url::origin).collect(),
    }))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unreadable(path, error))
}

fn read_text(path: &Path) -> Result<String> {
    let length = fs::metadata(path)
        .map_err(|error| unreadable(path, error))?
        .len();
    if length > COOKIE_FILE_LIMIT {
        let reason = format!("{} is too long to be a cookie file", path.display());
        return Err(Error::new(ErrorKind::Usage, reason));
    }
    fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Usage, format!("cannot read {}", path.display())).because(error)
}
