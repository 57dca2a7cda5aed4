//! Postgres for everybody: the pool, the one transaction helper, migrations, errors, claims under leases.
//!
//! A domain's SQL stands in its own `store.rs` as functions over `&mut PgConnection`; an operation opens a [`Tx`], calls
//! them, appends its events in the same transaction and commits. Work queues run under [`worker::run`].
#![warn(missing_docs)]

mod config;
mod connect;
mod db;
mod error;
mod kept;
pub mod lease;
mod migrate;
mod wake;
pub mod worker;

pub use config::{MigrateMode, PostgresConfig};
pub use db::{Db, Tx};
pub use error::{Error, ListError, Result};
pub use kept::Kept;
pub use migrate::MIGRATOR;
pub use wake::{Topic, Wakeups};
