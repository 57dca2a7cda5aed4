//! `POST /engine-versions`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson};
use galaxy_runtime::versions::{self, NewVersion};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::instrument;
use utoipa::ToSchema;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// A version to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEngineVersion {
    /// SemVer.
    #[schema(example = "1.0.1")]
    version: String,
    /// A full image reference.
    #[schema(example = "registry.example.org/galaxy/engine:1.0.1")]
    image_ref: String,
    /// Limits of its containers.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    resources: Option<Value>,
}

/// Registers a version; new games may use it at once.
#[utoipa::path(
    post,
    path = "/api/v1/admin/engine-versions",
    tag = "Admin",
    operation_id = "create_engine_version",
    request_body = CreateEngineVersion,
    responses(
        (status = 201, body = EngineVersionView, description = "The version."),
        (status = 409, description = "`engine_version_exists`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn create_engine_version(
    State(operators): State<Operators>,
    admin: Admin,
    ApiJson(request): ApiJson<CreateEngineVersion>,
) -> Result<(StatusCode, Json<EngineVersionView>), ApiError> {
    let new = NewVersion {
        version: request.version,
        image_ref: request.image_ref,
        resources: request.resources.unwrap_or_else(|| json!({})),
    };
    let mut tx = operators.db.begin().await?;
    let version = versions::create(&mut tx, &new, operators.clock.now())
        .await
        .map_err(refused)?;
    let details = json!({"image_ref": version.image_ref});
    let id = &version.version;
    audit::record(
        &mut tx,
        &admin,
        "engine_versions.create",
        "engine_version",
        id,
        details,
    )
    .await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(version.into())))
}
