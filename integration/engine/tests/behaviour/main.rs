//! What the engine promises: the rules through its library, the contract through its router, the
//! durability through its real process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers are tests as well"
)]

mod access;
mod api;
mod contract;
mod determinism;
mod errors;
mod faulty;
mod fog;
mod long_turn;
mod process;
mod storage;
mod world;
