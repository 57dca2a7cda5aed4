//! Sign-in, sessions, accounts, operators and countries through their public surface: requests in, answers, rows, mails
//! and events out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod admins;
mod audit;
mod concurrency;
mod deletion;
mod geo;
mod input;
mod lookup;
mod replicas;
mod sanctions;
mod search;
mod sessions;
mod sign_in;
mod support;
mod sweeps;
mod throttling;
