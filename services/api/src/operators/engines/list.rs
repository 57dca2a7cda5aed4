//! `GET /engines`.

use axum::{Json, extract::State};
use galaxy_http::ApiError;
use galaxy_runtime::engines;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::view::EngineView;
use crate::operators::{Admin, Operators};

/// All engines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Engines {
    /// The default one first, then by name; 200 at most.
    pub items: Vec<EngineView>,
}

/// The kinds of games, whether they have versions or not.
#[utoipa::path(
    get,
    path = "/api/v1/admin/engines",
    tag = "Admin",
    operation_id = "list_engines",
    responses((status = 200, body = Engines, description = "The engines."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_engines(
    State(operators): State<Operators>,
    admin: Admin,
) -> Result<Json<Engines>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let engines = engines::list(&mut connection).await?;
    let items = engines.into_iter().map(EngineView::from).collect();
    Ok(Json(Engines { items }))
}
