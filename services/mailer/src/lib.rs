//! mailer takes due mails from the outbox and hands them to the relay by SMTP, the most urgent first.
//!
//! The way of a mail: [`queue`] claims it, [`message`] builds it, [`outlet`] sends it (over a [`relay`] connection, or
//! into a directory), [`verdict`] says what a failure means, and the outcome is recorded under the lease. While the
//! relay is away, [`breaker`] lets one mail at a time try the way.

pub mod breaker;
pub mod config;
pub mod message;
mod metrics;
pub mod outlet;
pub mod queue;
pub mod relay;
pub mod upkeep;
pub mod verdict;
