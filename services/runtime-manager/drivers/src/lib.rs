//! Drivers run engines: in Docker, in Kubernetes, or as plain processes. They know games and images, not operations.
//!
//! A verb returns at once with what it sees ([`Sight`]); nobody waits inside a driver. Every verb is idempotent, and an
//! engine carries the epoch it was made under, so that a verb of an older epoch is refused ([`DriverError::Fenced`]).
//! To add a driver: a module that implements [`Driver`], and a harness for it in `tests/conformance`.
#![warn(missing_docs)]

mod bounded;
pub mod docker;
mod driver;
mod error;
mod feed;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod process;
mod sight;
mod snapshot;
mod spec;

pub use bounded::Bounded;
pub use docker::{DockerConfig, DockerDriver, DockerTls, PullPolicy};
pub use driver::{Driver, DriverEvent, Events, Logs};
pub use error::{DriverError, Result};
#[cfg(feature = "kubernetes")]
pub use kubernetes::{KubernetesConfig, KubernetesDriver};
pub use process::{ProcessConfig, ProcessDriver};
pub use sight::{Exit, Instance, Listing, LogQuery, Node, Resolved, Sight};
pub use spec::{EngineSpec, Resources};
