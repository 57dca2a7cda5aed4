//! The reference engine: a small strategy game that speaks the engine contract
//! (`proto/engine.openapi.yaml`). Engine authors may copy it.
//!
//! [`game`] is pure: no clock, no randomness but the seed, no I/O. [`store`] keeps a game in a
//! directory, [`engine`] joins the two under one lock, [`http`] is the contract, [`process`] the
//! program around it.
//!
//! The second binary, `faulty-engine`, is the same engine with faults that tests of the platform ask for.

pub mod engine;
pub mod game;
pub mod http;
pub mod process;
pub mod store;
