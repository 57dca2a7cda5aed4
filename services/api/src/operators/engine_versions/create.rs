//! `POST /engine-versions`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson};
use galaxy_runtime::{
    engines,
    versions::{self, NewVersion},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::instrument;
use utoipa::ToSchema;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// A version to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "engine_name": "galaxy", "version": "1.0.1", "image_ref": "registry.example.org/galaxy/engine:1.0.1",
    "resources": {"memory_mib": 512, "cpu_millis": 1000, "pids": 64}, "min_players": 2, "max_players": 16,
    "options_schema": {
        "type": "object", "additionalProperties": false,
        "properties": {"planets_per_race": {"type": "integer", "minimum": 3, "maximum": 12}}
    }
}))]
pub struct CreateEngineVersion {
    /// The engine that it is a version of; the default one if absent.
    #[serde(default)]
    engine_name: Option<String>,
    /// SemVer.
    #[schema(example = "1.0.1")]
    version: String,
    /// A full image reference.
    #[schema(example = "registry.example.org/galaxy/engine:1.0.1")]
    image_ref: String,
    /// Limits of its containers: `memory_mib`, `cpu_millis`, `pids`; absent ones have their defaults.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    resources: Option<Value>,
    /// Only for games that name it: it is never taken as the newest by default.
    #[serde(default)]
    is_candidate: bool,
    /// Players that it needs; 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    min_players: Option<i32>,
    /// Players that it takes; 64 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    max_players: Option<i32>,
    /// JSON Schema 2020-12 of a game's options, an object of at most 16 KiB without references; without it a game has none.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    options_schema: Option<Value>,
}

/// Registers a version; new games may use it at once. Its image is looked for afterwards: see `check` in the answer.
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
    let mut tx = operators.db.begin().await?;
    let engine_name = match request.engine_name {
        Some(name) => name,
        None => engines::default_name(&mut tx).await?,
    };
    let new = NewVersion {
        engine_name,
        version: request.version,
        image_ref: request.image_ref,
        resources: request.resources.unwrap_or_else(|| json!({})),
        is_candidate: request.is_candidate,
        min_players: request.min_players.unwrap_or(1),
        max_players: request.max_players.unwrap_or(64),
        options_schema: request.options_schema,
    };
    let version = versions::create(&mut tx, &new, operators.clock.now())
        .await
        .map_err(refused)?;
    let details = json!({"image_ref": version.image_ref});
    let id = version.id();
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
