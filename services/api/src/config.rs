//! The settings of `api`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use galaxy_events::NatsConfig;
use galaxy_http::{TrustedProxies, bearer};
use galaxy_service::{
    Secret, Section, Vars,
    config::{ByteSize, RotatingSecret},
};
use galaxy_store::{PostgresConfig, RuntimeRole};
use secrecy::ExposeSecret;

use crate::{auth, operators::FirstOperator};

/// Of `BACKEND_ENGINE_ANSWER_LIMIT`.
const ENGINE_ANSWER_LIMIT: &str = "4032KiB";

/// All settings of `api`.
#[derive(Debug, Clone)]
pub struct Config {
    pub postgres: PostgresConfig,
    /// The event streams.
    pub nats: NatsConfig,
    /// Where the REST contract is served.
    pub http_listen_addr: SocketAddr,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// What the gateway proves itself with on user and internal routes.
    pub gateway_token: Option<RotatingSecret>,
    /// How requests are bounded.
    pub limits: RequestLimits,
    /// The key of all keyed hashes: codes, invite codes, throttle subjects. At least 16 bytes.
    pub pepper: Secret,
    /// Sign-in.
    pub auth: auth::Settings,
    /// Race names that nobody can take, besides those of the house.
    pub reserved_race_names: Vec<String>,
    /// The country database.
    pub geoip_db_path: Option<PathBuf>,
    /// The first operator.
    pub first_operator: Option<FirstOperator>,
    /// The engine version that exists from the start.
    pub engine_bootstrap: Option<EngineBootstrap>,
    /// For how many days published events are kept, so that a lost stream can be filled again.
    pub outbox_keep_days: i32,
    /// Links in mails.
    pub notifications: galaxy_notifications::Settings,
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Largest body in bytes.
    pub body: usize,
    /// Largest body of commands and orders in bytes.
    pub engine_body: usize,
    /// Largest answer of an engine in bytes; the gateway passes on as much.
    pub engine_answer: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a request to an engine may take.
    pub engine_timeout: Duration,
}

/// The engine version that is made at the first start.
#[derive(Debug, Clone)]
pub struct EngineBootstrap {
    /// Semantic version.
    pub version: String,
    /// What the runtime driver starts.
    pub image_ref: String,
}

impl Section for Config {
    fn read(vars: &mut Vars) -> Option<Self> {
        let postgres = PostgresConfig::read_with(vars, "apply", "12");
        let runtime_role = RuntimeRole::read(vars);
        let nats = NatsConfig::read_as_owner(vars);
        let http_listen_addr = vars.or(
            "BACKEND_HTTP_LISTEN_ADDR",
            "0.0.0.0:8080",
            "Where the REST contract is served",
        );
        let trusted_proxies = vars.or(
            "BACKEND_TRUSTED_PROXIES",
            "",
            "Networks whose X-Forwarded-For is believed, with commas between",
        );
        let gateway_token = bearer::read_token(vars);
        let limits = RequestLimits::read(vars);
        let pepper = read_pepper(vars);
        let auth = auth::Settings::read(vars);
        let reserved_race_names = vars.or(
            "BACKEND_RESERVED_RACE_NAMES",
            "",
            "Race names that nobody can take, with commas between",
        );
        let geoip_db_path = vars.optional(
            "BACKEND_GEOIP_DB_PATH",
            "Country database in MaxMind's format",
        );
        let first_operator = FirstOperator::read(vars);
        let engine_bootstrap = EngineBootstrap::read(vars);
        let outbox_retention = vars.or::<Duration>(
            "BACKEND_OUTBOX_RETENTION",
            "7d",
            "How long published events are kept, in whole days",
        );
        let notifications = galaxy_notifications::Settings::read(vars);
        Some(Self {
            postgres: PostgresConfig {
                runtime_role: runtime_role?,
                ..postgres?
            },
            nats: nats?,
            http_listen_addr: http_listen_addr?,
            trusted_proxies: TrustedProxies(trusted_proxies?),
            gateway_token: gateway_token?,
            limits: limits?,
            pepper: pepper?,
            auth: auth?,
            reserved_race_names: reserved_race_names?,
            geoip_db_path: geoip_db_path?,
            first_operator: first_operator?,
            engine_bootstrap: engine_bootstrap?,
            outbox_keep_days: keep_days(outbox_retention?),
            notifications: notifications?,
        })
    }
}

/// FullAccount days, rounded up, and one more: events of the day that is being dropped are younger than its first.
fn keep_days(retention: Duration) -> i32 {
    let days = retention.as_secs().div_ceil(24 * 60 * 60);
    i32::try_from(days)
        .unwrap_or(i32::MAX - 1)
        .saturating_add(1)
}

impl Section for RequestLimits {
    fn read(vars: &mut Vars) -> Option<Self> {
        let body = vars.or::<ByteSize>("BACKEND_HTTP_BODY_LIMIT", "64KiB", "Largest request body");
        let engine_body = vars.or::<ByteSize>(
            "BACKEND_ENGINE_BODY_LIMIT",
            "1MiB",
            "Largest body of commands and orders",
        );
        let engine_answer = vars.or::<ByteSize>(
            "BACKEND_ENGINE_ANSWER_LIMIT",
            ENGINE_ANSWER_LIMIT,
            "Largest answer of an engine, such as a report; at most the GATEWAY_ANSWER_LIMIT of gateways",
        );
        let timeout = vars.or("BACKEND_HTTP_TIMEOUT", "15s", "How long a request may take");
        let engine_timeout = vars.or(
            "BACKEND_ENGINE_TIMEOUT",
            "30s",
            "How long a request that goes on to an engine may take",
        );
        Some(Self {
            body: body?.0,
            engine_body: engine_body?.0,
            engine_answer: engine_answer?.0,
            timeout: timeout?,
            engine_timeout: engine_timeout?,
        })
    }
}

/// The key of all keyed hashes.
fn read_pepper(vars: &mut Vars) -> Option<Secret> {
    let pepper = vars.secret(
        "BACKEND_AUTH_PEPPER",
        "Key of the hashes of codes, at least 16 bytes; keep it for ever",
    )?;
    if pepper.expose_secret().len() < 16 {
        return vars.problem("BACKEND_AUTH_PEPPER", "is shorter than 16 bytes");
    }
    Some(pepper)
}

impl EngineBootstrap {
    #[expect(
        clippy::option_option,
        reason = "the outer level says whether reading went well"
    )]
    fn read(vars: &mut Vars) -> Option<Option<Self>> {
        let version = vars.optional(
            "BACKEND_ENGINE_BOOTSTRAP_VERSION",
            "Engine version that is made at the first start",
        );
        let image_ref = vars.optional(
            "BACKEND_ENGINE_BOOTSTRAP_IMAGE",
            "Image of that engine version",
        );
        match (version?, image_ref?) {
            (None, None) => Some(None),
            (Some(version), Some(image_ref)) => Some(Some(Self { version, image_ref })),
            _ => vars.problem(
                "BACKEND_ENGINE_BOOTSTRAP_VERSION",
                "and BACKEND_ENGINE_BOOTSTRAP_IMAGE go together",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_passes_on_what_an_engine_may_answer() {
        let gateway = include_str!("../../gateway/src/config/forward_limits.rs");
        let (_, after) = gateway.split_once("\"GATEWAY_ANSWER_LIMIT\"").unwrap();
        let default = after.split('"').nth(1).unwrap();
        assert_eq!(default, ENGINE_ANSWER_LIMIT);
    }
}
