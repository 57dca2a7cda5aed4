//! `POST /nodes/{node_id}/undrain`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use tracing::instrument;

use super::{set_draining, view::NodeView};
use crate::operators::{Admin, Operators};

/// New engines are started on the node again.
#[utoipa::path(
    post,
    path = "/api/v1/admin/nodes/{node_id}/undrain",
    tag = "Admin",
    operation_id = "undrain_node",
    params(("node_id" = String, Path, description = "The node's own id.")),
    responses(
        (status = 200, body = NodeView, description = "The node."),
        (status = 404, description = "No such node.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, node_id))]
pub async fn undrain_node(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(node_id): ApiPath<String>,
) -> Result<Json<NodeView>, ApiError> {
    set_draining(&operators, &admin, &node_id, false).await
}
