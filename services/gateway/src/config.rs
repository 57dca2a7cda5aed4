//! Settings of the gateway.

mod forward_limits;
mod rate_limits;

use std::{fmt, net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use galaxy_events::NatsConfig;
use galaxy_http::{TrustedProxies, bearer};
use galaxy_service::{Section, Vars, tls::Identity};
use secrecy::ExposeSecret;

use crate::token::GatewayToken;

pub use self::{
    forward_limits::ForwardLimits,
    rate_limits::{Rate, RateLimitsConfig},
};

/// Settings beside those that every process has.
#[derive(Clone)]
pub struct GatewayConfig {
    /// Base URL of the REST API.
    pub backend_http_url: String,
    /// URL of push-hub.
    pub backend_push_url: String,
    /// The listener for gRPC and gRPC-Web.
    pub listen_addr: SocketAddr,
    /// The HTTP listener for sign-in.
    pub http_listen_addr: SocketAddr,
    /// Signs responses and events.
    pub signing_key: SigningKey,
    /// Name of this gateway at push-hub; unique among gateways.
    pub client_id: Option<String>,
    /// Authenticates the gateway to `api` and push-hub.
    pub token: Option<GatewayToken>,
    /// What push-hub sees of the gateway; `None`: nothing.
    pub push_identity: Option<Identity>,
    /// The broker, and how far a request's timestamp may be off.
    pub nats: NatsConfig,
    /// Networks whose `X-Forwarded-For` is trusted.
    pub proxies: TrustedProxies,
    /// Origins of web pages that may call; `*` for all.
    pub origins: Vec<String>,
    /// How long a session is cached.
    pub session_ttl: Duration,
    /// How long push-hub may be silent before its stream counts as broken.
    pub push_timeout: Duration,
    /// Events that are queued for one client at most.
    pub client_queue: usize,
    pub rate_limits: RateLimitsConfig,
    /// Bounds of requests that are forwarded to `api`.
    pub forward_limits: ForwardLimits,
}

impl Section for GatewayConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let backend_http_url = url(
            vars,
            "GATEWAY_BACKEND_HTTP_URL",
            &["http"],
            "Base URL of the REST API",
        );
        let backend_push_url = url(
            vars,
            "GATEWAY_BACKEND_GRPC_PUSH_URL",
            &["http", "https"],
            "URL of push-hub",
        );
        let push_identity = Identity::read(
            vars,
            (
                "GATEWAY_PUSH_TLS_CERTIFICATE",
                "A PEM file with the certificate that push-hub sees, if it asks for one",
            ),
            ("GATEWAY_PUSH_TLS_KEY", "A PEM file with its key"),
        );
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
        let token = bearer::read_token(vars);
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
        let rate_limits = RateLimitsConfig::read(vars);
        let forward_limits = ForwardLimits::read(vars);
        Some(Self {
            backend_http_url: backend_http_url?,
            backend_push_url: backend_push_url?,
            listen_addr: listen_addr?,
            http_listen_addr: http_listen_addr?,
            signing_key: signing_key?,
            client_id: client_id?,
            token: token?.map(GatewayToken::new),
            push_identity: push_identity?,
            nats: nats?,
            proxies: TrustedProxies(proxies?),
            origins: origins?,
            session_ttl: session_ttl?,
            push_timeout: push_timeout?,
            client_queue: client_queue?,
            rate_limits: rate_limits?,
            forward_limits: forward_limits?,
        })
    }
}

fn url(
    vars: &mut Vars,
    name: &'static str,
    schemes: &[&str],
    meaning: &'static str,
) -> Option<String> {
    let url = vars.required::<http::Uri>(name, meaning)?;
    let is_known = url
        .scheme_str()
        .is_some_and(|scheme| schemes.contains(&scheme));
    if !is_known || url.authority().is_none() {
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

/// The public half of the signing key, in base64, with a line's end. `None`: the key is missing or wrong.
pub fn public_key(vars: &mut Vars) -> Option<String> {
    let key = signing_key(vars)?.verifying_key();
    Some(format!("{}\n", BASE64_STANDARD.encode(key)))
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
    fn the_public_key_is_the_one_of_the_signing_key() {
        // RFC 8032, section 7.1, test 1.
        let mut vars = Vars::from_lookup(|name| {
            let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
            (name == "GATEWAY_SIGNING_KEY").then(|| seed.to_owned())
        });
        let printed = public_key(&mut vars).unwrap();
        assert_eq!(printed, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n");
        assert_eq!(public_key(&mut Vars::from_lookup(|_| None)), None);
    }

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
}
