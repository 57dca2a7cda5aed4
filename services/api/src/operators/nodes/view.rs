//! Nodes in responses.

use galaxy_core::Timestamp;
use galaxy_runtime::Node;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place that runs engines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Node)]
pub struct NodeView {
    /// The place's own id.
    #[schema(example = "a7f3c1d2")]
    pub node_id: String,
    /// `docker`, `kubernetes` or `process`.
    #[schema(example = "docker")]
    pub driver: String,
    /// Its name.
    #[schema(example = "games-1")]
    pub name: String,
    /// Engines at most; 0 for no limit.
    pub capacity: u32,
    /// Engines that it has.
    pub engines: u32,
    /// When a runtime manager of it was last heard of.
    pub heartbeat_at: Timestamp,
    /// When all its engines were last listed.
    pub listed_at: Option<Timestamp>,
    /// Since when nobody has heard of it.
    pub lost_at: Option<Timestamp>,
    /// It takes no new engine.
    pub draining: bool,
    /// The process that watches its engines.
    #[schema(example = "runtime-manager-4711")]
    pub watched_by: Option<String>,
    /// When it was first heard of.
    pub created_at: Timestamp,
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
        Self {
            node_id: node.node_id,
            driver: node.driver,
            name: node.name,
            capacity: node.capacity,
            engines: node.engines,
            heartbeat_at: node.heartbeat_at,
            listed_at: node.listed_at,
            lost_at: node.lost_at,
            draining: node.draining,
            watched_by: node.watched_by,
            created_at: node.created_at,
        }
    }
}
