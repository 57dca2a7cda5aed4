//! The skeleton that all six processes share: settings from the environment, telemetry, readiness, supervised tasks and
//! draining. It knows no HTTP; that is `galaxy-http`, which is built on it.
//!
//! A `main.rs` calls [`process::run`] and says in the closure what to connect and which loops to run, nothing else.
#![warn(missing_docs)]

pub mod backoff;
pub mod cache;
pub mod config;
pub mod process;
pub mod readiness;
pub mod single_flight;
pub mod tasks;
pub mod telemetry;
pub mod tls;

pub use backoff::Backoff;
pub use cache::{Generation, GenerationCache};
pub use config::{Secret, Section, Vars};
pub use process::Process;
pub use readiness::{Latch, Readiness};
pub use single_flight::SingleFlight;
pub use tasks::{Next, Schedule, Tasks};
