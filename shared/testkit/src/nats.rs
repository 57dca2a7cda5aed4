//! The NATS server that tests share.

/// Its URL, from `GALAXY_TEST_NATS_URL`; without that variable the local default.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings but this variable"
)]
pub fn nats_url() -> String {
    std::env::var("GALAXY_TEST_NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned())
}
