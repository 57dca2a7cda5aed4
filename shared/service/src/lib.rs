//! The skeleton that all six processes share: settings from the environment, telemetry, the operations listener,
//! supervised tasks, draining, and the HTTP layers of those that serve HTTP.
//!
//! A `main.rs` calls [`process::run`] and says in the closure what to connect and which loops to run, nothing else.

pub mod backoff;
pub mod config;
pub mod http;
pub mod ops;
pub mod process;
pub mod readiness;
pub mod tasks;
pub mod telemetry;

pub use backoff::Backoff;
pub use config::{Secret, Section, Vars};
pub use process::Process;
pub use readiness::{Latch, Readiness};
pub use tasks::Tasks;
