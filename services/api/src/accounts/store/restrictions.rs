//! What the SQL on sanctions and on limits shares: both keep records and a table of those in force.

use galaxy_core::{Timestamp, UserId};

/// A sanction or a limit put in force or removed.
#[derive(Debug)]
pub struct Change<'a, C> {
    pub user_id: UserId,
    pub code: C,
    pub reason: &'a str,
    pub actor: &'a str,
    /// When it ends by itself; ignored by a removal.
    pub expires_at: Option<Timestamp>,
}

/// A sanction or a limit whose end has come, while it is still in the table of those in force.
#[derive(Debug)]
pub struct Ended<C> {
    pub user_id: UserId,
    pub code: C,
}
