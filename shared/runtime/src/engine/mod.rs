//! The client of the engine contract: pooled, bounded in time and size, following nothing that an engine says.
//!
//! It calls [`EngineAddress`]es only, which come from the runtime record, where only a driver's sight is written.

mod address;
mod answer;
mod client;
mod error;
mod transport;
mod types;

pub use address::EngineAddress;
pub use client::{EngineClient, Limits};
pub use error::EngineError;
pub use types::{EngineStatus, Init, PlayerStatus, Race, TurnAnswer, TurnFailure};
