//! `POST /engine-versions/{id}/disable`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::versions;
use serde_json::json;
use tracing::instrument;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// Hides a version from new games; running ones keep it. Disabling a disabled one changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/admin/engine-versions/{id}/disable",
    tag = "Admin",
    operation_id = "disable_engine_version",
    params(("id" = String, Path, description = "The version, as `1.0.0` or `galaxy@1.0.0`.", example = "1.0.0")),
    responses(
        (status = 200, body = EngineVersionView, description = "The version, disabled."),
        (status = 404, description = "No such version.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn disable_engine_version(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<EngineVersionView>, ApiError> {
    let mut tx = operators.db.begin().await?;
    let (engine, version) = versions::parse_id(&mut tx, &id).await?;
    let version = versions::disable(&mut tx, &engine, &version, operators.clock.now())
        .await
        .map_err(refused)?;
    audit::record(
        &mut tx,
        &admin,
        "engine_versions.disable",
        "engine_version",
        version.id(),
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(Json(version.into()))
}
