//! runtime-manager keeps one engine running for each started game: it works on queued operations, ticks turn schedules,
//! watches engines, and mends differences between what runs and what should.
//!
//! [`run`] puts it together. [`worker`] claims operations, [`work`] does them step by step, a file each; [`scheduler`] queues
//! due turns. What concerns the node that engines run on is in [`node`]: its heartbeat, the lease of the one manager that
//! watches it, the probes and the reconciliation. [`upkeep`] measures the queue and lets old history go. Engines are run by
//! `galaxy-drivers` and called through the runtime crate. Any number of replicas can run: everything is claimed, nothing is
//! assigned.

mod bring_up;
mod changes;
pub mod config;
pub mod driver;
pub mod manager;
mod metrics;
pub mod node;
pub mod run;
pub mod scheduler;
pub mod upkeep;
pub mod work;
pub mod worker;

pub use manager::Manager;
