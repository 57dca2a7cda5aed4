//! notifier turns domain events into notifications and routes them to push and mail.
//!
//! [`table`] maps each event to intents, without looking anywhere; [`apply`] submits them in the transaction that notes the
//! event as applied; [`due`] delivers mail that waited for the end of quiet hours or for a digest.

pub mod apply;
pub mod config;
pub mod due;
pub mod table;
