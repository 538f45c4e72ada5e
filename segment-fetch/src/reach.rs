//! Which addresses are of the public internet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::Reach;

/// The address in the URL itself, when it is written as one and lies outside `reach`.
pub(crate) fn refused_literal(url: &Url, reach: Reach) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain(_) => return None,
    };
    (!reach.allows(address)).then_some(address)
}

impl Reach {
    /// Whether an address is within reach.
    ///
    /// ```
    /// use segment_fetch::Reach;
    ///
    /// assert!(Reach::PublicOnly.allows([93, 184, 215, 14].into()));
    /// assert!(!Reach::PublicOnly.allows([192, 168, 0, 1].into()));
    /// ```
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Reach::Any => true,
            Reach::PublicOnly => match address {
                IpAddr::V4(address) => is_public_v4(address),
                IpAddr::V6(address) => is_public_v6(address),
            },
        }
    }
}

/// Not in the registry of special-purpose IPv4 addresses (RFC 6890 and later entries).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Global unicast (`2000::/3`) and not special; an IPv4 address inside must be public itself.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // The IPv4-mapped addresses, and the well-known prefix of NAT64.
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and the other protocol assignments, documentation.
        [0x2001, 0..=0x01FF | 0x0DB8, ..] | [0x3FFF, 0..=0x0FFF, ..] => false,
        [first, ..] => first & 0xE000 == 0x2000,
    }
}

/// A name led outside of what the request may reach.
#[derive(Debug)]
pub(crate) struct RefusedAddress {
    pub(crate) name: String,
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not on the public internet",
            self.name.escape_debug()
        )
    }
}

impl std::error::Error for RefusedAddress {}

/// Whether the host of an address is public as far as can be told without looking it up.
pub(crate) fn is_public_by_name(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => !is_local_name(name),
        Some(_) => refused_literal(url, Reach::PublicOnly).is_none(),
        None => false,
    }
}

/// Whether a name stands for something near by itself, whatever it would be resolved to: for when someone else looks
/// it up, as a proxy does (RFC 6761, RFC 6762, RFC 8375 and the top-level domain reserved for private use).
pub(crate) fn is_local_name(name: &str) -> bool {
    const LOCAL: [&str; 5] = ["localhost", "local", "internal", "home.arpa", "lan"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let in_zone = |zone: &&str| {
        name.strip_suffix(*zone)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    // A name without a dot is completed by the search list of whoever looks it up.
    !name.contains('.') || LOCAL.iter().any(in_zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
        ] {
            assert!(
                !Reach::PublicOnly.allows(special.parse().unwrap()),
                "{special}"
            );
            assert!(Reach::Any.allows(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "93.184.215.14",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(
                Reach::PublicOnly.allows(public.parse().unwrap()),
                "{public}"
            );
        }
    }

    #[test]
    fn local_names_are_told_from_others() {
        for local in [
            "localhost",
            "a.LOCALHOST.",
            "nas.local",
            "router",
            "x.home.arpa",
            "db.internal",
        ] {
            assert!(is_local_name(local), "{local}");
        }
        for public in [
            "example.com",
            "localhost.example.com",
            "notlocal.org",
            "mylocal.net",
        ] {
            assert!(!is_local_name(public), "{public}");
        }
    }

    #[test]
    fn literals_are_seen_in_every_spelling() {
        for spelling in [
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::ffff:127.0.0.1]/",
            "http://127.1:8080/x",
        ] {
            let url = Url::parse(spelling).unwrap();
            assert!(
                refused_literal(&url, Reach::PublicOnly).is_some(),
                "{spelling}"
            );
        }
    }
}
