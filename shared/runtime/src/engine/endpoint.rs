//! Where an engine is.

use std::{fmt, str::FromStr};

use http::uri::Authority;

/// The address of an engine, written `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(Authority);

/// The text is not `http://host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not http://host:port")]
pub struct InvalidEndpoint;

impl Endpoint {
    pub(super) fn authority(&self) -> &Authority {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let authority: Authority = text
            .strip_prefix("http://")
            .and_then(|rest| rest.parse().ok())
            .ok_or(InvalidEndpoint)?;
        if authority.port_u16().is_none() || authority.as_str().contains('@') {
            return Err(InvalidEndpoint);
        }
        Ok(Self(authority))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_and_nothing_else() {
        for right in [
            "http://127.0.0.1:4100",
            "http://engine-1:8080",
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
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
