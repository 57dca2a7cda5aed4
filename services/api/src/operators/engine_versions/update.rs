//! `PATCH /engine-versions/{id}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiJson, ApiPath};
use galaxy_runtime::versions::{self, VersionChange};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::instrument;
use utoipa::ToSchema;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// What to change; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEngineVersion {
    /// Another image; the recorded digest is cleared.
    #[serde(default)]
    #[schema(example = "registry.example.org/galaxy/engine:1.0.1-b2")]
    image_ref: Option<String>,
    /// Whether new games may use it.
    #[serde(default)]
    enabled: Option<bool>,
    /// Limits of its containers.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    resources: Option<Value>,
}

/// Changes a version. Running games keep their image.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/engine-versions/{id}",
    tag = "Admin",
    operation_id = "update_engine_version",
    params(("id" = String, Path, description = "The version.", example = "1.0.0")),
    request_body = UpdateEngineVersion,
    responses(
        (status = 200, body = EngineVersionView, description = "The changed version."),
        (status = 404, description = "No such version.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn update_engine_version(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<UpdateEngineVersion>,
) -> Result<Json<EngineVersionView>, ApiError> {
    let change = VersionChange {
        image_ref: request.image_ref,
        enabled: request.enabled,
        resources: request.resources,
    };
    let mut tx = operators.db.begin().await?;
    let version = versions::update(&mut tx, &id, &change, operators.clock.now())
        .await
        .map_err(refused)?;
    let details = json!({
        "image_ref": change.image_ref, "enabled": change.enabled, "resources": change.resources
    });
    audit::record(
        &mut tx,
        &admin,
        "engine_versions.update",
        "engine_version",
        &id,
        details,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(version.into()))
}
