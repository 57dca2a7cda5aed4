//! The environment variables of each process, made from the addresses and secrets of the stack.

use std::path::PathBuf;

use crate::{
    Secrets, Service,
    engines::{ENGINE_VERSION, Engines},
};

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
    /// How engines run.
    pub engines: Engines,
    /// Where the Docker engine listens, if engines run in containers.
    pub docker_host: Option<String>,
}

/// The variables of one process whose operations listener is at `ops`. Of `given`, those of the environment, all are
/// passed on that the stack need not set itself.
pub fn variables(
    service: Service,
    ops: &str,
    settings: &Settings,
    secrets: &Secrets,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    let set: Vec<(String, String)> = owned(own(service, ops, settings, secrets)).collect();
    // A secret comes from `NAME_FILE` in place of `NAME`; both together are refused.
    let about = |name: &str, other: &str| name.trim_end_matches("_FILE") == other;
    let passed = given
        .iter()
        .filter(|(name, _)| !set.iter().any(|(own, _)| about(name, own)))
        .cloned();
    let defaults = owned(defaults(service, settings))
        .filter(|(default, _)| !given.iter().any(|(name, _)| about(name, default)));
    let mut all: Vec<(String, String)> = passed.chain(defaults).collect();
    all.extend(set);
    all
}

fn owned(variables: Vec<(&'static str, String)>) -> impl Iterator<Item = (String, String)> {
    let variables = variables.into_iter();
    variables.map(|(name, value)| (name.to_owned(), value))
}

/// What the stack must set: addresses, secrets, and how engines run.
fn own(
    service: Service,
    ops: &str,
    settings: &Settings,
    secrets: &Secrets,
) -> Vec<(&'static str, String)> {
    let mut all = common(service, ops, settings);
    all.extend(match service {
        Service::Api => api(settings, secrets),
        Service::RuntimeManager => runtime_manager(settings),
        Service::Mailer => vec![("BACKEND_SMTP_URL", format!("smtp://{}", settings.smtp))],
        Service::Notifier => Vec::new(),
        Service::PushHub => vec![
            ("BACKEND_GRPC_PUSH_LISTEN_ADDR", settings.push_hub.clone()),
            ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ],
        Service::Gateway => gateway(settings, secrets),
    });
    all
}

/// What another value is as good for.
fn defaults(service: Service, settings: &Settings) -> Vec<(&'static str, String)> {
    let migrate = if service == Service::Api {
        "apply"
    } else {
        "wait"
    };
    let loopback = "127.0.0.0/8,::1/128".to_owned();
    let countries = settings.countries.display().to_string();
    let mut all = vec![("RUST_BACKTRACE", "0".to_owned())];
    if service != Service::Gateway {
        all.push(("BACKEND_MIGRATE", migrate.to_owned()));
    }
    let public = (
        "BACKEND_PUBLIC_URL",
        format!("http://{}", settings.gateway_http),
    );
    match service {
        Service::Api => all.extend([
            public,
            ("BACKEND_TRUSTED_PROXIES", loopback),
            ("BACKEND_GEOIP_DB_PATH", countries),
        ]),
        Service::Mailer => all.push((
            "BACKEND_MAIL_FROM",
            "Galaxy <galaxy@example.org>".to_owned(),
        )),
        Service::Notifier => all.extend([
            public,
            ("BACKEND_OPERATOR_EMAILS", "operator@example.org".to_owned()),
        ]),
        Service::Gateway => all.push(("BACKEND_TRUSTED_PROXIES", loopback)),
        Service::RuntimeManager | Service::PushHub => {}
    }
    all
}

fn runtime_manager(settings: &Settings) -> Vec<(&'static str, String)> {
    let engines = &settings.engines;
    let mut all = vec![
        ("BACKEND_RUNTIME_DRIVER", engines.driver.to_string()),
        (
            "BACKEND_ENGINE_PROCESS_DIR",
            engines.dir.display().to_string(),
        ),
        ("BACKEND_DEPLOYMENT_ID", engines.deployment.clone()),
        ("BACKEND_ENGINE_NETWORK", engines.in_docker().network()),
    ];
    let host = settings.docker_host.clone();
    all.extend(host.map(|host| ("BACKEND_DOCKER_HOST", host)));
    all
}

fn common(service: Service, ops: &str, settings: &Settings) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("BACKEND_NATS_URL", settings.nats_url.clone()),
        ("BACKEND_OPS_LISTEN_ADDR", ops.to_owned()),
    ];
    if service != Service::Gateway {
        all.push(("BACKEND_POSTGRES_URL", settings.postgres_url.clone()));
    }
    all
}

fn api(settings: &Settings, secrets: &Secrets) -> Vec<(&'static str, String)> {
    vec![
        ("BACKEND_HTTP_LISTEN_ADDR", settings.api.clone()),
        ("BACKEND_GATEWAY_TOKEN", secrets.gateway_token.clone()),
        ("BACKEND_AUTH_PEPPER", secrets.auth_pepper.clone()),
        ("BACKEND_ADMIN_BOOTSTRAP_USER", secrets.admin_user.clone()),
        (
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD",
            secrets.admin_password.clone(),
        ),
        (
            "BACKEND_ENGINE_BOOTSTRAP_VERSION",
            ENGINE_VERSION.to_owned(),
        ),
        (
            "BACKEND_ENGINE_BOOTSTRAP_IMAGE",
            settings.engines.image.clone(),
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
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Driver;

    fn settings() -> Settings {
        let address = || "127.0.0.1:1".to_owned();
        let engines = Engines::new(Driver::Docker, "/engines".into(), "local-1".to_owned());
        Settings {
            postgres_url: "postgres://stack".to_owned(),
            nats_url: "nats://stack".to_owned(),
            api: address(),
            push_hub: address(),
            gateway_grpc: address(),
            gateway_http: address(),
            smtp: address(),
            countries: "/countries".into(),
            engines,
            docker_host: Some("unix:///docker.sock".to_owned()),
        }
    }

    fn of(service: Service, given: &[(&str, &str)], name: &str) -> Vec<String> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let given: Vec<_> = given.iter().map(pair).collect();
        let all = variables(
            service,
            "127.0.0.1:2",
            &settings(),
            &Secrets::make(),
            &given,
        );
        let named = all.into_iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value).collect()
    }

    #[test]
    fn the_environment_is_passed_on_and_wins_over_defaults() {
        let given = [
            ("BACKEND_HTTP_BODY_LIMIT", "1KiB"),
            ("BACKEND_MAIL_FROM", "a@example.org"),
        ];
        assert_eq!(
            of(Service::Api, &given, "BACKEND_HTTP_BODY_LIMIT"),
            ["1KiB"]
        );
        assert_eq!(
            of(Service::Mailer, &given, "BACKEND_MAIL_FROM"),
            ["a@example.org"]
        );
    }

    #[test]
    fn what_the_stack_must_set_is_its_own_whether_given_by_value_or_file() {
        let given = [
            ("BACKEND_POSTGRES_URL", "postgres://other"),
            ("BACKEND_GATEWAY_TOKEN_FILE", "/token"),
            ("BACKEND_RUNTIME_DRIVER", "process"),
        ];
        let url = of(Service::Api, &given, "BACKEND_POSTGRES_URL");
        assert_eq!(url, ["postgres://stack"]);
        assert!(of(Service::Api, &given, "BACKEND_GATEWAY_TOKEN_FILE").is_empty());
        let driver = of(Service::RuntimeManager, &given, "BACKEND_RUNTIME_DRIVER");
        assert_eq!(driver, ["docker"]);
    }
}
