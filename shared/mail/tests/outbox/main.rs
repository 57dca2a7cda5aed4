//! The mail outbox over a real Postgres: what is written, who may send it, what remains of it.

#![cfg(test)]

mod claims;
mod operators;
mod sweeps;
mod world;
mod writing;
