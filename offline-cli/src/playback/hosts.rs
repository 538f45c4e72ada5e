//! The names the server answers to. A name that somebody else made lead here (DNS rebinding) is not among them.

use std::net::SocketAddr;

use http::header::{self, HeaderMap};
use http::uri::{Authority, Uri};

/// The port of an address that names none.
const HTTP: u16 = 80;

/// What a request may call the server, beside the address it came in at.
#[derive(Debug)]
pub(super) struct Hosts {
    named: Vec<(String, u16)>,
}

impl Hosts {
    /// `named` are names, each with a port or of the server's.
    pub(super) fn new(named: &[Authority], port: u16) -> Self {
        let with_port = |name: &Authority| {
            let own = name.port_u16().unwrap_or(port);
            (name.host().to_ascii_lowercase(), own)
        };
        Self {
            named: named.iter().map(with_port).collect(),
        }
    }

    /// The name a request has for the server, if it is one of its own. `local` is the address the request came in at.
    ///
    /// An address in numbers cannot be made to lead anywhere else, so the one that was connected to is right whatever was bound.
    pub(super) fn own(&self, uri: &Uri, headers: &HeaderMap, local: SocketAddr) -> Option<String> {
        let mut given = headers.get_all(header::HOST).iter();
        let (host, second) = (given.next()?.to_str().ok()?, given.next());
        // The authority of a whole address takes the place of the field (RFC 9112 §3.2.2).
        let host = uri.authority().map_or(host, Authority::as_str);
        if second.is_some() || host.contains('@') {
            return None;
        }
        let authority: Authority = host.parse().ok()?;
        let name = authority.host().to_ascii_lowercase();
        let port = match authority.as_str().get(authority.host().len()..)? {
            "" => HTTP,
            _ => authority.port_u16()?,
        };
        let address = local.ip().to_canonical();
        let number = name.trim_start_matches('[').trim_end_matches(']');
        let is_here = port == local.port()
            && (number.parse() == Ok(address) || name == "localhost" && address.is_loopback());
        (is_here || self.named.contains(&(name, port))).then(|| host.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn is_own(named: &[&str], local: &str, host: &str) -> bool {
        let named: Vec<Authority> = named.iter().map(|name| name.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        let hosts = Hosts::new(&named, 8080);
        let own = hosts.own(&Uri::from_static("/"), &headers, local.parse().unwrap());
        own.is_some()
    }

    #[test]
    fn the_address_that_was_connected_to_is_the_servers_own() {
        let local = "127.0.0.1:8080";
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080"] {
            assert!(is_own(&[], local, host), "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:8081",
            "127.0.0.1:8080x",
            "127.0.0.1:8080.evil.example",
            "127.0.0.2:8080",
            "evil.example:8080",
            "evil.example",
            "localhost.evil.example:8080",
            "evil@127.0.0.1:8080",
            "127.0.0.1@evil.example:8080",
            "192.168.1.5:8080",
            "[::1]:8080",
            "0.0.0.0:8080",
        ] {
            assert!(!is_own(&[], local, host), "{host}");
        }
        assert!(is_own(&[], "[::1]:8080", "[::1]:8080"));
        assert!(is_own(&[], "[::1]:8080", "localhost:8080"));
        assert!(is_own(&[], "[::ffff:192.168.1.5]:8080", "192.168.1.5:8080"));
        assert!(is_own(&[], "192.168.1.5:80", "192.168.1.5"));
        assert!(!is_own(&[], "192.168.1.5:8080", "localhost:8080"));
        assert!(!is_own(&[], "192.168.1.5:8080", "127.0.0.1:8080"));
    }

    #[test]
    fn names_are_allowed_one_by_one() {
        let named = ["films.lan", "box.example:443"];
        let local = "192.168.1.5:8080";
        for host in ["films.lan:8080", "Films.LAN:8080", "box.example:443"] {
            assert!(is_own(&named, local, host), "{host}");
        }
        for host in [
            "films.lan",
            "a.films.lan:8080",
            "films.lan.evil.example:8080",
            "box.example",
            "box.example:8080",
        ] {
            assert!(!is_own(&named, local, host), "{host}");
        }
    }

    #[test]
    fn two_names_at_once_are_none_and_a_whole_address_counts() {
        let local = "127.0.0.1:8080".parse().unwrap();
        let hosts = Hosts::new(&[], 8080);
        let mut headers = HeaderMap::new();
        let own = HeaderValue::from_static("127.0.0.1:8080");
        headers.insert(header::HOST, own.clone());
        let whole = Uri::from_static("http://evil.example:8080/");
        assert_eq!(hosts.own(&whole, &headers, local), None);
        let whole = Uri::from_static("http://127.0.0.1:8080/");
        assert!(hosts.own(&whole, &headers, local).is_some());
        headers.append(header::HOST, own);
        assert_eq!(hosts.own(&Uri::from_static("/"), &headers, local), None);
    }
}
