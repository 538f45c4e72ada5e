//! Which proxy is used for what.

use std::sync::Arc;
use std::{env, fmt};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::resume::Retry;
use crate::{Error, ErrorKind, HostPattern};

/// Which requests go through a proxy. The default: none.
///
/// An address is `http://`, `https://`, `socks5://` or `socks5h://`, host and port, with `user:password@` in front of
/// the host where the proxy asks for it; without a scheme it is `http`. As with curl, `socks5` looks names up here and
/// `socks5h` has the proxy do it. Through an HTTP proxy, https targets are reached with CONNECT, so that it sees
/// nothing but the host; requests for http targets it reads.
///
/// The `Debug` form leaves credentials out.
#[derive(Clone, Default)]
pub struct Proxy {
    rules: Option<Arc<Matcher>>,
    /// For some hosts instead.
    hosts: Vec<(HostPattern, Option<Arc<Matcher>>)>,
}

/// What a request goes through.
pub(super) struct Via {
    pub(super) uri: Uri,
    pub(super) kind: Kind,
    intercept: Intercept,
}

/// How a proxy is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// HTTP, for http: it is sent whole requests.
    AbsoluteForm,
    /// HTTP, for https: it is asked for a tunnel.
    Connect,
    /// SOCKS 5; names are looked up here.
    Socks,
    /// SOCKS 5; names are looked up there.
    SocksWithNames,
}

impl Proxy {
    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Proxy::default()
    }

    /// This one for everything, but for the hosts in `except`: names (and all below them), addresses and networks
    /// (`10.0.0.0/8`), separated by commas, or `*`; as in the variable `no_proxy`.
    ///
    /// ```
    /// use segment_fetch::Proxy;
    ///
    /// let proxy = Proxy::new("socks5h://user:word@127.0.0.1:1080", "example.com, 10.0.0.0/8")?;
    /// assert!(!format!("{proxy:?}").contains("word"));
    /// # Ok::<(), segment_fetch::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the address is none, or of a scheme that is not supported.
    pub fn new(address: &str, except: &str) -> Result<Self, Error> {
        check("the proxy", address)?;
        if excepts_all(except) {
            return Ok(Proxy::none());
        }
        let rules = Matcher::builder()
            .all(address.to_owned())
            .no(except.to_owned())
            .build();
        Ok(Proxy {
            rules: Some(Arc::new(rules)),
            hosts: Vec::new(),
        })
    }

    /// As the environment says, by the rules of curl: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, the
    /// lower case first, then the upper; but `HTTP_PROXY` never, since in a CGI program a request can set it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when one of them is no address that can be used, by the name of the variable.
    pub fn from_env() -> Result<Self, Error> {
        Proxy::from_variables(|name| env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), with the variables from elsewhere.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let first = |names: &[&str]| {
            let found = names
                .iter()
                .find_map(|&name| get(name).map(|value| (name.to_owned(), value)));
            match found {
                Some((name, value)) if !value.trim().is_empty() => {
                    check(&name, &value).map(|()| value)
                }
                _ => Ok(String::new()),
            }
        };
        let http = first(&["http_proxy"])?;
        let https = first(&["https_proxy", "HTTPS_PROXY"])?;
        let all = first(&["all_proxy", "ALL_PROXY"])?;
        let except = get("no_proxy")
            .or_else(|| get("NO_PROXY"))
            .unwrap_or_default();
        if excepts_all(&except) || http.is_empty() && https.is_empty() && all.is_empty() {
            return Ok(Proxy::none());
        }
        let rules = Matcher::builder()
            .http(http)
            .https(https)
            .all(all)
            .no(except)
            .build();
        Ok(Proxy {
            rules: Some(Arc::new(rules)),
            hosts: Vec::new(),
        })
    }

    /// Another one for some hosts, or none; of several that match, the last wins.
    #[must_use]
    pub fn for_hosts(mut self, hosts: HostPattern, proxy: Proxy) -> Self {
        self.hosts.push((hosts, proxy.rules));
        self
    }

    pub(super) fn via(&self, target: &Uri) -> Option<Via> {
        let is_secure = target.scheme_str() == Some("https");
        let port = target.port_u16().or(Some(if is_secure { 443 } else { 80 }));
        let host = target.host().unwrap_or_default();
        let mut hosts = self.hosts.iter().rev();
        let of_host = hosts.find(|(hosts, _)| hosts.is_of(is_secure, host, port));
        let rules = of_host.map_or(&self.rules, |(_, rules)| rules);
        let intercept = rules.as_ref()?.intercept(target)?;
        let uri = with_port(intercept.uri().clone());
        let kind = match uri.scheme_str() {
            Some("socks5") => Kind::Socks,
            Some("socks5h") => Kind::SocksWithNames,
            _ if target.scheme_str() == Some("https") => Kind::Connect,
            _ => Kind::AbsoluteForm,
        };
        Some(Via {
            uri,
            kind,
            intercept,
        })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rules {
            None if self.hosts.is_empty() => f.write_str("Proxy(none)"),
            rules => (f.debug_tuple("Proxy").field(rules).field(&self.hosts)).finish(),
        }
    }
}

impl Via {
    /// Without credentials.
    pub(super) fn shown(&self) -> String {
        self.uri.to_string().trim_end_matches('/').to_owned()
    }

    /// For `Proxy-Authorization`.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        self.intercept.basic_auth().cloned()
    }

    /// User and password for SOCKS.
    pub(super) fn raw(&self) -> Option<(String, String)> {
        let (user, password) = self.intercept.raw_auth()?;
        Some((user.to_owned(), password.to_owned()))
    }
}

/// SOCKS has a port of its own; the connector knows those of HTTP.
fn with_port(uri: Uri) -> Uri {
    let is_socks = matches!(uri.scheme_str(), Some("socks5" | "socks5h"));
    let host = uri.host().unwrap_or_default();
    if !is_socks || uri.port().is_some() {
        return uri;
    }
    let authority = format!("{host}:1080");
    let mut parts = uri.clone().into_parts();
    // What was an authority with less is one with a port.
    parts.authority = authority.parse().ok();
    Uri::from_parts(parts).unwrap_or(uri)
}

/// Addresses too, unlike the star of the matcher.
fn excepts_all(except: &str) -> bool {
    except.split(',').any(|entry| entry.trim() == "*")
}

/// Whether an address will be understood, since one that is not would be passed over in silence.
fn check(name: &str, address: &str) -> Result<(), Error> {
    let unusable = |why: &str| {
        Error::new(
            ErrorKind::InvalidUrl,
            Retry::Never,
            format!("{name} cannot be used: {why}"),
        )
    };
    let whole = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    // The first is stricter, the second is what will be used.
    let url = Url::parse(&whole).map_err(|_| unusable("it is not an address"))?;
    whole
        .parse::<Uri>()
        .map_err(|_| unusable("it is not an address"))?;
    match url.scheme() {
        "http" | "https" | "socks5" | "socks5h" if url.has_host() => Ok(()),
        "http" | "https" | "socks5" | "socks5h" => Err(unusable("it names no host")),
        other => Err(unusable(&format!(
            "{other} is not http, https, socks5 or socks5h"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(proxy: &Proxy, target: &str) -> Option<String> {
        proxy.via(&target.parse().unwrap()).map(|via| via.shown())
    }

    fn variables(set: &'static [(&str, &str)]) -> Result<Proxy, Error> {
        Proxy::from_variables(|name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        let proxy = variables(&[
            ("http_proxy", "one.test:3128"),
            ("HTTPS_PROXY", "http://two.test:8080"),
            ("https_proxy", "http://three.test"),
            ("no_proxy", "example.com, 10.0.0.0/8,.left.test"),
        ])
        .unwrap();
        assert_eq!(
            via(&proxy, "http://a.test/").as_deref(),
            Some("http://one.test:3128")
        );
        assert_eq!(
            via(&proxy, "https://a.test/").as_deref(),
            Some("http://three.test")
        );
        for direct in [
            "http://example.com/",
            "https://www.example.com/",
            "http://10.1.2.3/",
            "http://a.left.test/",
        ] {
            assert_eq!(via(&proxy, direct), None, "{direct}");
        }
        assert!(via(&proxy, "http://notexample.com/").is_some());
        let all =
            variables(&[("ALL_PROXY", "socks5h://a:b@c.test:1080"), ("no_proxy", "")]).unwrap();
        assert_eq!(
            via(&all, "http://a.test/").as_deref(),
            Some("socks5h://c.test:1080")
        );
        let upper = variables(&[("HTTP_PROXY", "http://evil.test")]).unwrap();
        assert_eq!(via(&upper, "http://a.test/"), None);
        assert_eq!(via(&variables(&[]).unwrap(), "http://a.test/"), None);
        assert_eq!(
            via(&variables(&[("all_proxy", " ")]).unwrap(), "http://a.test/"),
            None
        );
        let port = |address: &str| via(&Proxy::new(address, "").unwrap(), "http://a.test/");
        assert_eq!(
            port("socks5://s.test").as_deref(),
            Some("socks5://s.test:1080")
        );
        assert_eq!(
            port("socks5h://[::1]").as_deref(),
            Some("socks5h://[::1]:1080")
        );
        assert_eq!(port("p.test").as_deref(), Some("http://p.test"));
        let star = Proxy::new("http://p.test", "*").unwrap();
        assert_eq!(via(&star, "http://a.test/"), None);
        assert_eq!(via(&star, "http://10.0.0.1/"), None);
    }

    #[test]
    fn what_cannot_be_used_is_told_by_name_and_without_its_secret() {
        for wrong in [
            "ftp://u:secret@p.test",
            "socks4://u:secret@p.test",
            "http://u:secret@p.test:port",
        ] {
            let error =
                Proxy::from_variables(|name| (name == "https_proxy").then(|| wrong.to_owned()))
                    .unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("https_proxy"), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert!(Proxy::new("", "").is_err());
    }
}
