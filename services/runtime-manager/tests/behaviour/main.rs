//! The runtime manager with real engines, a real Postgres, and a clock that is moved by hand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers are tests as well"
)]

mod adoption;
mod banishment;
mod broken_answers;
mod busy_driver;
mod driver_double;
mod engine_faults;
mod finish;
mod health;
mod hosts;
mod pinned_image;
mod reconciliation;
mod stage;
mod start;
mod turns;
mod versions;
