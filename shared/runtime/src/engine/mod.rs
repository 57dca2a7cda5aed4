//! The client of the engine contract: pooled, bounded in time and size, following nothing that an engine says.
//!
//! It dials [`Endpoint`]s only, which come from the runtime record, where only a driver writes them.

mod client;
mod endpoint;
mod error;
mod transport;
mod types;

pub use client::{EngineClient, Limits};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::EngineError;
pub use types::{EngineStatus, Init, PlayerStatus, Race};
