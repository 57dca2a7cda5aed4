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
mod deletion;
mod geo;
mod input;
mod lookup;
mod races;
mod replicas;
mod sanctions;
mod search;
mod sessions;
mod sign_in;
mod support;
mod sweeps;
mod throttling;
