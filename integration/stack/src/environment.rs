//! What each process is told: the one table from the stack's addresses and secrets to variables.

use std::path::PathBuf;

use crate::{Secrets, Service};

/// Everything that the variables are made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Of the stack's own database.
    pub postgres_url: String,
    /// Of the NATS server.
    pub nats_url: String,
    /// `host:port` of the listeners.
    pub api: String,
    /// The push stream.
    pub push_hub: String,
    /// The edge, gRPC.
    pub gateway_grpc: String,
    /// The edge, HTTP.
    pub gateway_http: String,
    /// The mail sink.
    pub smtp: String,
    /// The country database.
    pub countries: PathBuf,
    /// Where engines live.
    pub engines: PathBuf,
    /// Tells this stack's engines from others'.
    pub deployment: String,
}

/// Version under which the reference engine is offered.
pub const ENGINE_VERSION: &str = "0.1.0";
/// The reference engine to the driver `process`: the program beside the runtime manager's.
const ENGINE_IMAGE: &str = "process:engine";
/// How engines are run here.
pub const ENGINE_DRIVER: &str = "process";

/// The variables of one process whose operations listener is at `ops`.
pub fn variables(
    service: Service,
    ops: &str,
    facts: &Facts,
    secrets: &Secrets,
) -> Vec<(String, String)> {
    let mut all = common(service, ops, facts);
    all.extend(match service {
        Service::Api => api(facts, secrets),
        Service::RuntimeManager => vec![
            ("BACKEND_RUNTIME_DRIVER", ENGINE_DRIVER.to_owned()),
            (
                "BACKEND_ENGINE_PROCESS_DIR",
                facts.engines.display().to_string(),
            ),
            ("BACKEND_DEPLOYMENT_ID", facts.deployment.clone()),
        ],
        Service::Mailer => vec![
            ("BACKEND_SMTP_URL", format!("smtp://{}", facts.smtp)),
            (
                "BACKEND_MAIL_FROM",
                "Galaxy <galaxy@example.org>".to_owned(),
            ),
        ],
        Service::Notifier => vec![
            ("BACKEND_OPERATOR_EMAILS", "operator@example.org".to_owned()),
            (
                "BACKEND_PUBLIC_URL",
                format!("http://{}", facts.gateway_http),
            ),
        ],
        Service::PushHub => vec![
            ("BACKEND_GRPC_PUSH_LISTEN_ADDR", facts.push_hub.clone()),
            ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ],
        Service::Gateway => gateway(facts, secrets),
    });
    all.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn common(service: Service, ops: &str, facts: &Facts) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("BACKEND_NATS_URL", facts.nats_url.clone()),
        ("BACKEND_OPS_LISTEN_ADDR", ops.to_owned()),
        ("RUST_BACKTRACE", "0".to_owned()),
    ];
    if service != Service::Gateway {
        let migrate = if service == Service::Api {
            "apply"
        } else {
            "wait"
        };
        all.push(("BACKEND_POSTGRES_URL", facts.postgres_url.clone()));
        all.push(("BACKEND_MIGRATE", migrate.to_owned()));
    }
    all
}

fn api(facts: &Facts, secrets: &Secrets) -> Vec<(&'static str, String)> {
    vec![
        ("BACKEND_HTTP_LISTEN_ADDR", facts.api.clone()),
        ("BACKEND_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned()),
        ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ("BACKEND_AUTH_PEPPER", secrets.auth_pepper.clone()),
        ("BACKEND_ADMIN_BOOTSTRAP_USER", secrets.admin_user.clone()),
        (
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD",
            secrets.admin_password.clone(),
        ),
        (
            "BACKEND_PUBLIC_URL",
            format!("http://{}", facts.gateway_http),
        ),
        (
            "BACKEND_ENGINE_BOOTSTRAP_VERSION",
            ENGINE_VERSION.to_owned(),
        ),
        ("BACKEND_ENGINE_BOOTSTRAP_IMAGE", ENGINE_IMAGE.to_owned()),
        (
            "BACKEND_GEOIP_DB_PATH",
            facts.countries.display().to_string(),
        ),
    ]
}

fn gateway(facts: &Facts, secrets: &Secrets) -> Vec<(&'static str, String)> {
    vec![
        ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ("GATEWAY_BACKEND_HTTP_URL", format!("http://{}", facts.api)),
        (
            "GATEWAY_BACKEND_GRPC_PUSH_URL",
            format!("http://{}", facts.push_hub),
        ),
        ("GATEWAY_LISTEN_ADDR", facts.gateway_grpc.clone()),
        ("GATEWAY_HTTP_LISTEN_ADDR", facts.gateway_http.clone()),
        ("GATEWAY_SIGNING_KEY", secrets.gateway_signing_key.clone()),
        ("BACKEND_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned()),
    ]
}
