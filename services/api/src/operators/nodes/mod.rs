//! Nodes: the places that run engines.

mod drain;
mod list;
mod undrain;
mod view;

use axum::Json;
use galaxy_http::ApiError;
use galaxy_runtime::nodes;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::NodeView;
use crate::operators::{Admin, Operators, audit};

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_nodes))
        .routes(routes!(drain::drain_node))
        .routes(routes!(undrain::undrain_node))
}

/// Lets the node take new engines, or not, on the record.
async fn set_draining(
    operators: &Operators,
    admin: &Admin,
    node_id: &str,
    draining: bool,
) -> Result<Json<NodeView>, ApiError> {
    let missing = || ApiError::not_found("node");
    let mut tx = operators.db.begin().await?;
    if !nodes::set_draining(&mut tx, node_id, draining).await? {
        return Err(missing());
    }
    let action = if draining {
        "nodes.drain"
    } else {
        "nodes.undrain"
    };
    audit::record(&mut tx, admin, action, "node", node_id, json!({})).await?;
    let node = nodes::get(&mut tx, node_id).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(Json(node.into()))
}
