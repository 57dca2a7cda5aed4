//! `GET /nodes`.

use axum::{Json, extract::State};
use galaxy_http::ApiError;
use galaxy_runtime::nodes;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::view::NodeView;
use crate::operators::{Admin, Operators};

/// All nodes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// By name, 1,000 at most.
    pub items: Vec<NodeView>,
}

/// The nodes that run engines, also those that nobody has heard of for a while.
#[utoipa::path(
    get,
    path = "/api/v1/admin/nodes",
    tag = "Admin",
    operation_id = "list_nodes",
    responses((status = 200, body = Nodes, description = "The nodes."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_nodes(
    State(operators): State<Operators>,
    admin: Admin,
) -> Result<Json<Nodes>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let nodes = nodes::list(&mut connection).await?;
    let items = nodes.into_iter().map(NodeView::from).collect();
    Ok(Json(Nodes { items }))
}
