//! What runs for each game: the runtime record, the durable queue of operations on its engine, turn schedules, engine
//! versions, who plays which race, and the client that speaks the engine contract.
//!
//! Whoever changes a game calls the operation of that name ([`start`], [`pause`], [`turn`], …) in its own transaction;
//! the runtime manager claims what was queued ([`operations::claim`]) and writes each outcome with its events
//! ([`outcome`]). All SQL stands in `store`. To add an operation: a variant of [`Work`] and a file that queues it.
#![warn(missing_docs)]

pub mod banish;
pub mod engine;
pub mod health;
pub mod operations;
pub mod outcome;
pub mod patch;
pub mod pause;
pub mod players;
pub mod records;
pub mod restart;
pub mod schedule;
pub mod scheduling;
pub mod start;
pub mod stop;
mod store;
pub mod turn;
pub mod versions;
mod work;

pub use operations::{NewOperation, Operation};
pub use players::{PlayerMapping, Seat};
pub use records::Record;
pub use schedule::Schedule;
pub use work::{RosterEntry, Work};
