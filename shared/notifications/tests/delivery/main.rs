//! Notifications on a real Postgres: submission, delayed mails, operators' lists.

#![cfg(test)]

mod operators;
mod submitting;
mod waiting;
mod world;
