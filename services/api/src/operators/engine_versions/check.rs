//! `POST /engine-versions/{id}/check`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::{image_checks, versions};
use serde_json::json;
use tracing::instrument;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// Has the version's image looked for anew, on a node. The answer is `check` of the version, soon; a fetch takes its time, and
/// what is not there in 15 minutes has failed. A digest that is known stays: the same content is looked for.
#[utoipa::path(
    post,
    path = "/api/v1/admin/engine-versions/{id}/check",
    tag = "Admin",
    operation_id = "check_engine_version",
    params(("id" = String, Path, description = "The version, as `1.0.0` or `galaxy@1.0.0`.", example = "1.0.0")),
    responses(
        (status = 202, body = EngineVersionView, description = "The version; its check is pending."),
        (status = 404, description = "No such version.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn check_engine_version(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(id): ApiPath<String>,
) -> Result<(StatusCode, Json<EngineVersionView>), ApiError> {
    let mut tx = operators.db.begin().await?;
    let (engine, version) = versions::parse_id(&mut tx, &id).await?;
    let version = image_checks::request(&mut tx, &engine, &version, operators.clock.now())
        .await
        .map_err(refused)?;
    let id = version.id();
    let action = "engine_versions.check";
    audit::record(&mut tx, &admin, action, "engine_version", id, json!({})).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(version.into())))
}
