//! The mail outbox on a real Postgres: enqueuing, claims and outcomes, operators' lists, sweeps.

#![cfg(test)]

mod claims;
mod enqueuing;
mod operators;
mod sweeps;
mod world;
