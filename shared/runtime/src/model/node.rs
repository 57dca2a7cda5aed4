//! Places that run engines.

use galaxy_core::Timestamp;

/// What a runtime manager says of the node it runs engines on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// The place's own id, 1 to 200 characters.
    pub node_id: String,
    /// `docker`, `kubernetes` or `process`.
    pub driver: &'static str,
    /// For people, 1 to 200 characters.
    pub name: String,
    /// Engines at most; 0 for no limit.
    pub capacity: u32,
}

/// A node as it stands, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The place's own id.
    pub node_id: String,
    /// `docker`, `kubernetes` or `process`.
    pub driver: String,
    /// For people.
    pub name: String,
    /// Engines at most; 0 for no limit.
    pub capacity: u32,
    /// Engines that it has.
    pub engines: u32,
    /// When a runtime manager of it last said that it is alive.
    pub heartbeat_at: Timestamp,
    /// When all its engines were last listed.
    pub listed_at: Option<Timestamp>,
    /// Since when nobody has heard of it.
    pub lost_at: Option<Timestamp>,
    /// It takes no new engine.
    pub draining: bool,
    /// The process that watches it.
    pub watched_by: Option<String>,
    /// When it was first heard of.
    pub created_at: Timestamp,
}
