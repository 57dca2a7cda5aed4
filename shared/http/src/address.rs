//! Where a request comes from: the right-most address of `X-Forwarded-For` that is not a trusted proxy, else the peer.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use ipnet::IpNet;

use crate::error::ApiError;

/// Networks whose `X-Forwarded-For` is trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    /// The source of a request that `peer` sent with `headers`. What a client wrote in front of the
    /// trusted part is ignored, as is everything before an entry that is not an address.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer.to_canonical();
        let values = headers.get_all("x-forwarded-for");
        let lines: Vec<&str> = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let hops = lines
            .iter()
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .rev();
        for hop in hops {
            if !self.trusts(source) {
                return source;
            }
            match parse(hop) {
                Some(address) => source = address,
                None => return source,
            }
        }
        source
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address with or without port or brackets, IPv4-mapped ones as IPv4.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| {
            text.trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
        })
        .ok()?;
    Some(address.to_canonical())
}

/// The source address of the request, as [`crate::layers::wrap`] found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| {
            ApiError::internal("the request has no source address; the layer is missing")
        })
    }
}

/// The peer of the connection, or the unspecified address where a request was made without one (in tests).
pub(crate) fn peer(extensions: &axum::http::Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| {
            address.ip()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies(vec![
            "10.0.0.0/8".parse().unwrap(),
            "127.0.0.0/8".parse().unwrap(),
        ]);
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_the_addresses_that_trusted_proxies_wrote_count() {
        assert_eq!(
            source("203.0.113.9", &["1.2.3.4"]),
            "203.0.113.9",
            "a header of an untrusted peer"
        );
        assert_eq!(source("10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(
            source("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]),
            "1.2.3.4",
            "a forged front"
        );
        assert_eq!(
            source("10.0.0.1", &["6.6.6.6", "1.2.3.4"]),
            "1.2.3.4",
            "two header lines"
        );
        assert_eq!(
            source("10.0.0.1", &["10.0.0.3"]),
            "10.0.0.3",
            "all trusted: the left-most"
        );
        assert_eq!(source("10.0.0.1", &["1.2.3.4, nonsense"]), "10.0.0.1");
        assert_eq!(
            source("::ffff:10.0.0.1", &["[2001:db8::1]:443"]),
            "2001:db8::1"
        );
    }
}
