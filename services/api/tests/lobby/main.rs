//! The lobby, the way to the engines and what operators do about both, through the public surface: requests in,
//! answers, rows and events out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod account_closure;
mod applications;
mod concurrency;
mod create;
mod engine_proxy;
mod engines;
mod finish;
mod invites;
mod lifecycle;
mod lists;
mod memberships;
mod operators;
mod owner_notices;
mod runtimes;

mod support;
mod sweeps;
mod visibility;
