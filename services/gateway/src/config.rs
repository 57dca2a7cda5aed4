//! Settings of the gateway.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use galaxy_events::NatsConfig;
use galaxy_http::TrustedProxies;
use galaxy_service::config::Value;
use galaxy_service::{Secret, Section, Vars};
use secrecy::ExposeSecret;

/// What the gateway needs to know beside what every process has.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Base URL of the REST API.
    pub backend_http_url: String,
    /// URL of push-hub.
    pub backend_push_url: String,
    /// Where clients call (gRPC and gRPC-Web).
    pub listen_addr: SocketAddr,
    /// Where clients sign in (HTTP).
    pub http_listen_addr: SocketAddr,
    /// Signs responses and events.
    pub signing_key: SigningKey,
    /// Name of this gateway at push-hub; unique among gateways.
    pub client_id: Option<String>,
    /// Shown to the back end.
    pub token: Option<Secret>,
    /// The broker, and how far a request's time may be off.
    pub nats: NatsConfig,
    /// Networks whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// Web pages that may call, as origins; `*` for all.
    pub origins: Vec<String>,
    /// How long a looked-up session is kept.
    pub session_ttl: Duration,
    /// How long push-hub may be silent before its stream counts as dead.
    pub push_timeout: Duration,
    /// Events that may wait for one client.
    pub client_queue: usize,
    /// How often who may call.
    pub limits: LimitsConfig,
}

/// How often who may call.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    /// Requests of one address (IPv6: of one /64).
    pub address: Rate,
    /// Requests of one session.
    pub session: Rate,
    /// Operations of one user that change nothing.
    pub read: Rate,
    /// Operations of one user that change something.
    pub write: Rate,
    /// Operations of one user that go on to an engine.
    pub engine: Rate,
    /// Streams opened by one user.
    pub subscribe: Rate,
    /// Sign-in requests of one address.
    pub sign_in: Rate,
}

/// So many per second, and twice as many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub NonZeroU32);

impl Value for Rate {
    const EXPECTED: &'static str = "a rate such as 50/s";

    fn parse(text: &str) -> Option<Self> {
        text.strip_suffix("/s")?.trim().parse().ok().map(Self)
    }
}

impl Section for LimitsConfig {
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

impl Section for GatewayConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let backend_http_url = url(vars, "GATEWAY_BACKEND_HTTP_URL", "Base URL of the REST API");
        let backend_push_url = url(vars, "GATEWAY_BACKEND_GRPC_PUSH_URL", "URL of push-hub");
        let listen_addr = vars.or(
            "GATEWAY_LISTEN_ADDR",
            "0.0.0.0:8443",
            "Where clients call (gRPC and gRPC-Web)",
        );
        let http_listen_addr = vars.or(
            "GATEWAY_HTTP_LISTEN_ADDR",
            "0.0.0.0:8000",
            "Where clients sign in (HTTP)",
        );
        let signing_key = signing_key(vars);
        let client_id = vars.optional(
            "GATEWAY_CLIENT_ID",
            "Name of this gateway at push-hub, unique among gateways; made up if not set",
        );
        let token = vars.optional_secret(
            "BACKEND_GATEWAY_TOKEN",
            "Token that the gateway shows to the back end",
        );
        let nats = NatsConfig::read(vars);
        let proxies = vars.or(
            "BACKEND_TRUSTED_PROXIES",
            "",
            "Networks whose X-Forwarded-For is believed, with commas between",
        );
        let origins = vars.or(
            "GATEWAY_ALLOWED_ORIGINS",
            "",
            "Origins of web pages that may call, with commas between; * for all",
        );
        let session_ttl = vars.or(
            "GATEWAY_SESSION_TTL",
            "5s",
            "How long a looked-up session is kept while the push stream lives",
        );
        let push_timeout = vars.or(
            "GATEWAY_PUSH_TIMEOUT",
            "15s",
            "How long push-hub may be silent; more than its BACKEND_PUSH_HEARTBEAT",
        );
        let client_queue = vars.or(
            "GATEWAY_CLIENT_QUEUE",
            "256",
            "Events that may wait for one client before its stream is ended",
        );
        let limits = LimitsConfig::read(vars);
        Some(Self {
            backend_http_url: backend_http_url?,
            backend_push_url: backend_push_url?,
            listen_addr: listen_addr?,
            http_listen_addr: http_listen_addr?,
            signing_key: signing_key?,
            client_id: client_id?,
            token: token?,
            nats: nats?,
            proxies: TrustedProxies(proxies?),
            origins: origins?,
            session_ttl: session_ttl?,
            push_timeout: push_timeout?,
            client_queue: client_queue?,
            limits: limits?,
        })
    }
}

fn url(vars: &mut Vars, name: &'static str, meaning: &'static str) -> Option<String> {
    let url = vars.required::<http::Uri>(name, meaning)?;
    if url.scheme_str() != Some("http") || url.authority().is_none() {
        return vars.problem(name, "is not a URL such as http://127.0.0.1:8080");
    }
    Some(url.to_string().trim_end_matches('/').to_owned())
}

fn signing_key(vars: &mut Vars) -> Option<SigningKey> {
    let name = "GATEWAY_SIGNING_KEY";
    let text = vars.secret(
        name,
        "Seed of the Ed25519 key of the gateway: base64 of 32 bytes",
    )?;
    let seed = BASE64_STANDARD.decode(text.expose_secret()).ok();
    match seed.and_then(|seed| <[u8; 32]>::try_from(seed).ok()) {
        Some(seed) => Some(SigningKey::from_bytes(&seed)),
        None => vars.problem(name, "is not the base64 of 32 bytes"),
    }
}

impl fmt::Debug for GatewayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayConfig").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_signing_key_is_named_but_not_shown() {
        let mut vars = Vars::from_lookup(|name| match name {
            "GATEWAY_SIGNING_KEY" => Some("c2hvcnQ=".into()),
            "GATEWAY_BACKEND_HTTP_URL" => Some("nonsense".into()),
            _ => None,
        });
        assert!(GatewayConfig::read(&mut vars).is_none());
        let problems = format!("{:?}", vars.problems());
        assert!(problems.contains("GATEWAY_SIGNING_KEY") && !problems.contains("c2hvcnQ="));
        assert!(problems.contains("GATEWAY_BACKEND_HTTP_URL"));
        assert!(problems.contains("GATEWAY_BACKEND_GRPC_PUSH_URL"));
    }

    #[test]
    fn a_rate_carries_its_unit() {
        assert_eq!(Rate::parse("50/s").map(|rate| rate.0.get()), Some(50));
        for wrong in ["50", "0/s", "-1/s", "50/m", ""] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }
}
