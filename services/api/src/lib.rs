//! The REST contract of the back end, and the domains behind it.
//!
//! Each domain is laid out alike: `mod.rs` says what it is and holds its router, `model.rs` its rules without I/O,
//! `store.rs` all its SQL, one file per operation, `view.rs` its answers, `events.rs` what it emits or applies.

pub mod account_lifecycle;
pub mod accounts;
pub mod auth;
pub mod batch;
pub mod commands;
pub mod compose;
mod config;
pub mod engine_proxy;
pub mod geo;
pub mod http;
pub mod invalidation;
pub mod keys;
pub mod lobby;
pub mod loops;
pub mod openapi;
pub mod operators;
pub mod routes;
pub mod sweeps;
pub mod throttle;

pub use config::Config;
