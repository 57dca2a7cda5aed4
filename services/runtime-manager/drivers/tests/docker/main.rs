//! The Docker driver against the Docker engine of this machine. Without one the tests say so, and end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says where it ran"
)]

mod cleanup;
mod concurrency;
mod hardening;
mod image;
mod lifecycle;
mod listing;
mod outage;
mod pull;
mod registry;
mod tls;
mod world;
