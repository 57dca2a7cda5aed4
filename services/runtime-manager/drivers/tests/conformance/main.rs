//! One suite for all drivers. A driver joins with a module that implements [`harness::Harness`] and calls
//! [`conformance!`](suite), which makes a test of each rule.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says where it ran"
)]

#[macro_use]
mod suite;
mod docker;
mod endings;
mod harness;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "kubernetes")]
mod kubernetes_real;
#[cfg(feature = "kubernetes")]
mod kubernetes_rules;
mod process;
mod process_managers;
mod process_rules;
mod scene;
