//! The environment variables of the stack and its tools. Those of the processes are in `environment`.

/// The value of an environment variable; `None` if it is unset, empty or not Unicode.
#[expect(
    clippy::disallowed_methods,
    reason = "tools have no configuration struct; this is their one way to a variable"
)]
pub fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables of the environment that are settings of the processes.
pub fn settings() -> Vec<(String, String)> {
    let text = |word: std::ffi::OsString| word.into_string().ok();
    std::env::vars_os()
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .filter(|(name, _)| is_setting(name))
        .collect()
}

/// Whether a variable is a setting of the processes.
pub fn is_setting(name: &str) -> bool {
    ["BACKEND_", "GATEWAY_", "OTEL_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A Postgres to use as it is, instead of starting one.
pub const POSTGRES_URL: &str = "GALAXY_STACK_POSTGRES_URL";
/// A NATS server with `JetStream` to use as it is, instead of starting one.
pub const NATS_URL: &str = "GALAXY_STACK_NATS_URL";
/// A Postgres whose user may create databases: stacks of tests make theirs there.
pub const TEST_POSTGRES_URL: &str = "GALAXY_TEST_POSTGRES_URL";
/// A country database for the api.
pub const GEOIP_DB_PATH: &str = "GALAXY_STACK_GEOIP_DB_PATH";
