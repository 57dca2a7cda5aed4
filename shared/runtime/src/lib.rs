//! What runs for each game: the runtime record, the durable queue of operations on its engine, turn schedules, engines and
//! their versions, nodes, who plays which race, and the client that speaks the engine contract.
//!
//! A change of a game is the operation of that name ([`start`], [`pause`], [`turn`], …) in the caller's own transaction; the
//! runtime manager claims what was queued ([`operations::claim`]) and writes each outcome with its events ([`outcome`]).
//! Layers, from below: [`engine`] and `model` are pure or know the engine only; `store` holds all SQL; [`operations`] queues
//! and cancels; the requests and [`outcome`] stand on top. To add an operation: a variant of [`Work`] and a file that
//! queues it.
#![warn(missing_docs)]

pub mod banish;
pub mod engine;
pub mod engines;
mod events;
pub mod health;
pub mod image_checks;
mod model;
pub mod operations;
pub mod options;
pub mod outcome;
pub mod patch;
pub mod pause;
pub mod restart;
pub mod schedule;
pub mod scheduling;
pub mod start;
pub mod stop;
mod store;
pub mod turn;
pub mod versions;
pub mod why;

pub use model::{
    Claimed, EndError, EngineToken, EngineUp, LEASE, Lane, NewNode, NewOperation, Node, Operation,
    PlayerMapping, PutBack, Record, RequestError, RosterEntry, RosterMismatch, Seat, Seen,
    TurnMode, Waiting, Watched, Work,
};
pub use schedule::Schedule;
pub use store::{figures, nodes, players, records};
