//! mailer claims due mails from the outbox and sends them to an SMTP server, the most urgent first.
//!
//! [`queue`] claims a mail, [`message`] builds the message, [`transport`] sends it (over an [`smtp`] connection, or into a
//! directory), [`retry_policy`] maps a failure to an outcome, and the outcome is recorded under the lease. While the server
//! is unavailable, [`breaker`] permits one mail at a time.

pub mod breaker;
pub mod config;
pub mod message;
mod metrics;
pub mod queue;
pub mod retry_policy;
pub mod smtp;
pub mod target;
pub mod transport;
pub mod upkeep;
