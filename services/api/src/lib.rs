//! The REST contract of the back end, and the domains behind it: `auth`, `accounts`, `admin`, `lobby`, `geo`, and the
//! `proxies` to the engines.
//!
//! Each domain is laid out alike: `mod.rs` says what it is and holds its router, `model.rs` its rules without I/O,
//! `store.rs` all its SQL, one file per operation, `view.rs` its answers, `events.rs` what it emits or applies.

pub mod accounts;
pub mod admin;
mod app;
pub mod auth;
pub mod channel;
mod config;
pub mod gather;
pub mod geo;
pub mod http;
pub mod keys;
pub mod lobby;
pub mod loops;
pub mod metrics;
pub mod openapi;
pub mod operators;
pub mod proxies;
pub mod sweeps;
pub mod throttle;

pub use app::App;
pub use config::Config;
