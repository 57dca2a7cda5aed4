//! notifier turns domain events into notifications and routes them to push and mail.
//!
//! [`table`] maps each event to intents, without I/O; [`apply`] submits them in the transaction that records the event as
//! applied; [`due`] delivers mails that were held back for quiet hours or for a digest.

pub mod apply;
pub mod config;
pub mod due;
pub mod table;
