//! runtime-manager keeps one engine running for each started game: it works on queued operations, ticks turn schedules,
//! probes engines, and mends differences between what runs and what should.
//!
//! [`worker`] claims operations and [`work`] does them, a file each; [`scheduler`] queues due turns; [`watch`] probes;
//! [`reconcile`] compares; [`consumer`] hears of members who left. All of them reach engines through [`drivers`] and the
//! runtime crate. Any number of replicas can run: everything is claimed, nothing is assigned.

pub mod config;
pub mod consumer;
pub mod drivers;
mod engines;
pub mod manager;
mod metrics;
pub mod reconcile;
pub mod scheduler;
pub mod watch;
pub mod work;
pub mod worker;

pub use manager::Manager;
