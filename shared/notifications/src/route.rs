//! The channels of a notification and the states of its delivery over each of them.

use serde::Serialize;

/// A way to reach a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// An event to every connected device of the player.
    Push,
    /// A mail to the player's address, or to every operator's.
    Mail,
}

/// The state of a delivery over one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum RouteStatus {
    /// Due later: after quiet hours, with the digest, or at the next attempt.
    Pending,
    /// Written to the event outbox or to the mail outbox.
    Delivered,
    /// Not wanted, or of no use any more.
    Skipped,
    /// Given up; an operator may replay it.
    Dead,
}
