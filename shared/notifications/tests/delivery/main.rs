//! Notifications over a real Postgres: what is noted, pushed, mailed, kept back and kept for operators.

#![cfg(test)]

mod operators;
mod submitting;
mod waiting;
mod world;
