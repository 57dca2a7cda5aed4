//! Postgres for every process: the pool, the one transaction helper, migrations, errors, claims under leases.
//!
//! A domain's SQL is in its own `store.rs` as functions over `&mut PgConnection`; an operation opens a [`Tx`], calls
//! them, appends its events in the same transaction and commits. Work queues run under [`worker::start`].
#![warn(missing_docs)]

mod config;
mod connect;
mod db;
mod dedicated;
mod error;
pub mod lease;
mod migrate;
mod notify;
pub mod worker;

pub use config::{MigrateMode, PostgresConfig};
pub use db::{Db, Tx};
pub use dedicated::DedicatedConnection;
pub use error::{Error, ListError, Result};
pub use migrate::MIGRATOR;
pub use notify::Topic;
