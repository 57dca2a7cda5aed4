//! Where an engine is reached.

use std::{fmt, net::IpAddr, str::FromStr};

/// The address of an engine, written `http://host:port`: an IP address or a host name, and a port.
///
/// Addresses that are never an engine's are refused: link-local (RFC 3927, RFC 4291; cloud metadata services are there),
/// unspecified and multicast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

/// The text is not an address of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not http://host:port with a host that an engine may have")]
pub struct InvalidEndpoint;

impl Endpoint {
    /// `host` is an IP address without brackets or a host name (RFC 1123).
    pub fn new(host: &str, port: u16) -> Result<Self, InvalidEndpoint> {
        let right = match host.parse::<IpAddr>() {
            Ok(address) => is_dialable(address),
            Err(_) => is_host_name(host),
        };
        if !right || port == 0 {
            return Err(InvalidEndpoint);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// The host, IPv6 addresses without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, IPv6 addresses in brackets.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let authority = text.strip_prefix("http://").ok_or(InvalidEndpoint)?;
        let (host, port) = authority.rsplit_once(':').ok_or(InvalidEndpoint)?;
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidEndpoint);
        }
        let port = port.parse().map_err(|_| InvalidEndpoint)?;
        match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            Some(Some(host)) if host.contains(':') => Self::new(host, port),
            None if !host.contains(':') => Self::new(host, port),
            _ => Err(InvalidEndpoint),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

fn is_dialable(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return is_dialable(IpAddr::V4(mapped));
            }
            address.is_unicast_link_local()
        }
    };
    !link_local && !address.is_unspecified() && !address.is_multicast()
}

/// Labels of letters, digits and inner hyphens; not all digits, so that no odd spelling of an address passes.
fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.split('.').all(label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
        && !last.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_and_nothing_else() {
        for right in [
            "http://127.0.0.1:4100",
            "http://172.18.0.5:8080",
            "http://engine-1:8080",
            "http://engine-1.galaxy.svc.cluster.local:8080",
            "http://[::1]:80",
        ] {
            assert_eq!(right.parse::<Endpoint>().unwrap().to_string(), right);
        }
        for wrong in [
            "",
            "127.0.0.1:80",
            "https://engine:80",
            "http://engine",
            "http://user@engine:80",
            "http://engine:80/path",
            "http://engine:99999",
            "http://engine:+80",
            "http://engine:0",
            "http://::1:80",
            "http://[engine]:80",
            "http://engine\u{0}:80",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_is_never_an_engines_is_refused() {
        for wrong in [
            "http://169.254.169.254:80",
            "http://[fe80::1]:80",
            "http://[::ffff:169.254.169.254]:80",
            "http://0.0.0.0:80",
            "http://[::]:80",
            "http://224.0.0.1:80",
            "http://255.255.255.255:80",
            "http://2852039166:80",
            "http://0xa9fea9fe:80",
            "http://169.254.43518:80",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
