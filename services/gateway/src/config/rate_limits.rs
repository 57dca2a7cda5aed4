//! Settings of the rate limits.

use std::num::NonZeroU32;

use galaxy_service::{Section, Vars, config::Value};

/// How many requests are accepted from whom.
#[derive(Debug, Clone, Copy)]
pub struct RateLimitsConfig {
    /// Requests of one address (IPv6: of one /64).
    pub address: Rate,
    /// Requests of one session.
    pub session: Rate,
    /// Operations of one user that change nothing.
    pub read: Rate,
    /// Operations of one user that change something.
    pub write: Rate,
    /// Operations of one user that `api` forwards to an engine.
    pub engine: Rate,
    /// Streams opened by one user.
    pub subscribe: Rate,
    /// Sign-in requests of one address.
    pub sign_in: Rate,
}

/// A number of requests per second. Twice as many are accepted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub NonZeroU32);

impl Value for Rate {
    const EXPECTED: &'static str = "a rate such as 50/s";

    fn parse(text: &str) -> Option<Self> {
        text.strip_suffix("/s")?.trim().parse().ok().map(Self)
    }
}

impl Section for RateLimitsConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let address = vars.or(
            "GATEWAY_LIMIT_ADDRESS",
            "500/s",
            "Requests of one address; twice as many at once",
        );
        let session = vars.or("GATEWAY_LIMIT_SESSION", "100/s", "Requests of one session");
        let read = vars.or(
            "GATEWAY_LIMIT_READ",
            "100/s",
            "Operations of one user that change nothing",
        );
        let write = vars.or(
            "GATEWAY_LIMIT_WRITE",
            "50/s",
            "Operations of one user that change something",
        );
        let engine = vars.or(
            "GATEWAY_LIMIT_ENGINE",
            "20/s",
            "Operations of one user that go on to an engine",
        );
        let subscribe = vars.or(
            "GATEWAY_LIMIT_SUBSCRIBE",
            "5/s",
            "Event streams opened by one user",
        );
        let sign_in = vars.or(
            "GATEWAY_LIMIT_SIGN_IN",
            "20/s",
            "Sign-in requests of one address",
        );
        Some(Self {
            address: address?,
            session: session?,
            read: read?,
            write: write?,
            engine: engine?,
            subscribe: subscribe?,
            sign_in: sign_in?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_carries_its_unit() {
        assert_eq!(Rate::parse("50/s").map(|rate| rate.0.get()), Some(50));
        for wrong in ["50", "0/s", "-1/s", "50/m", ""] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }
}
