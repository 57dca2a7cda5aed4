//! Postgres for every process: the pool, the one transaction helper, migrations, errors, claims under leases.
//!
//! A domain's SQL is in its own `store.rs` as functions over `&mut PgConnection`; an operation opens a [`Tx`], calls
//! them, appends its events in the same transaction and commits. Work queues run under [`worker::start`].
#![warn(missing_docs)]

mod clock;
mod config;
mod connect;
mod connections;
mod db;
mod dedicated;
mod error;
mod grants;
pub mod lease;
mod metrics;
mod migrate;
mod notify;
mod probe;
mod server_state;
pub mod worker;

pub use config::{MigrateMode, PostgresConfig, RuntimeRole};
pub use connections::NoConnection;
pub use db::{Db, Tx};
pub use dedicated::DedicatedConnection;
pub use error::{Error, ListError, Result};
pub use grants::{GrantError, RoleName, grant_runtime_role};
pub use migrate::MIGRATOR;
pub use notify::Topic;
