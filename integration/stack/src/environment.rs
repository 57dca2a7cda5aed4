//! The environment variables of each process, made from the addresses and secrets of the stack.

use std::path::PathBuf;

use crate::{Secrets, Service};

/// What the variables are made of, besides the secrets.
#[derive(Debug, Clone)]
pub struct Settings {
    pub postgres_url: String,
    pub nats_url: String,
    /// `host:port`, like the listeners after it.
    pub api: String,
    pub push_hub: String,
    pub gateway_grpc: String,
    pub gateway_http: String,
    /// The inbox.
    pub smtp: String,
    /// The file of the country database.
    pub countries: PathBuf,
    /// The directory of the engines' state.
    pub engines: PathBuf,
    /// Labels this stack's engines.
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
    settings: &Settings,
    secrets: &Secrets,
) -> Vec<(String, String)> {
    let mut all = common(service, ops, settings);
    all.extend(match service {
        Service::Api => api(settings, secrets),
        Service::RuntimeManager => vec![
            ("BACKEND_RUNTIME_DRIVER", ENGINE_DRIVER.to_owned()),
            (
                "BACKEND_ENGINE_PROCESS_DIR",
                settings.engines.display().to_string(),
            ),
            ("BACKEND_DEPLOYMENT_ID", settings.deployment.clone()),
        ],
        Service::Mailer => vec![
            ("BACKEND_SMTP_URL", format!("smtp://{}", settings.smtp)),
            (
                "BACKEND_MAIL_FROM",
                "Galaxy <galaxy@example.org>".to_owned(),
            ),
        ],
        Service::Notifier => vec![
            ("BACKEND_OPERATOR_EMAILS", "operator@example.org".to_owned()),
            (
                "BACKEND_PUBLIC_URL",
                format!("http://{}", settings.gateway_http),
            ),
        ],
        Service::PushHub => vec![
            ("BACKEND_GRPC_PUSH_LISTEN_ADDR", settings.push_hub.clone()),
            ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ],
        Service::Gateway => gateway(settings, secrets),
    });
    all.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn common(service: Service, ops: &str, settings: &Settings) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("BACKEND_NATS_URL", settings.nats_url.clone()),
        ("BACKEND_OPS_LISTEN_ADDR", ops.to_owned()),
        ("RUST_BACKTRACE", "0".to_owned()),
    ];
    if service != Service::Gateway {
        let migrate = if service == Service::Api {
            "apply"
        } else {
            "wait"
        };
        all.push(("BACKEND_POSTGRES_URL", settings.postgres_url.clone()));
        all.push(("BACKEND_MIGRATE", migrate.to_owned()));
    }
    all
}

fn api(settings: &Settings, secrets: &Secrets) -> Vec<(&'static str, String)> {
    vec![
        ("BACKEND_HTTP_LISTEN_ADDR", settings.api.clone()),
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
            format!("http://{}", settings.gateway_http),
        ),
        (
            "BACKEND_ENGINE_BOOTSTRAP_VERSION",
            ENGINE_VERSION.to_owned(),
        ),
        ("BACKEND_ENGINE_BOOTSTRAP_IMAGE", ENGINE_IMAGE.to_owned()),
        (
            "BACKEND_GEOIP_DB_PATH",
            settings.countries.display().to_string(),
        ),
    ]
}

fn gateway(settings: &Settings, secrets: &Secrets) -> Vec<(&'static str, String)> {
    vec![
        ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        (
            "GATEWAY_BACKEND_HTTP_URL",
            format!("http://{}", settings.api),
        ),
        (
            "GATEWAY_BACKEND_GRPC_PUSH_URL",
            format!("http://{}", settings.push_hub),
        ),
        ("GATEWAY_LISTEN_ADDR", settings.gateway_grpc.clone()),
        ("GATEWAY_HTTP_LISTEN_ADDR", settings.gateway_http.clone()),
        ("GATEWAY_SIGNING_KEY", secrets.gateway_signing_key.clone()),
        ("BACKEND_TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned()),
    ]
}
