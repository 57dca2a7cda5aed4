//! `POST /nodes/{node_id}/drain`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use tracing::instrument;

use super::{set_draining, view::NodeView};
use crate::operators::{Admin, Operators};

/// No new engine is started on the node; those that it has go on.
#[utoipa::path(
    post,
    path = "/api/v1/admin/nodes/{node_id}/drain",
    tag = "Admin",
    operation_id = "drain_node",
    params(("node_id" = String, Path, description = "The node's own id.")),
    responses(
        (status = 200, body = NodeView, description = "The node."),
        (status = 404, description = "No such node.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, node_id))]
pub async fn drain_node(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(node_id): ApiPath<String>,
) -> Result<Json<NodeView>, ApiError> {
    set_draining(&operators, &admin, &node_id, true).await
}
