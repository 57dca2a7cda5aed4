//! `PATCH /engine-versions/{id}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiJson, ApiPath};
use galaxy_runtime::versions::{self, VersionChange};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tracing::instrument;
use utoipa::ToSchema;

use super::{refused, view::EngineVersionView};
use crate::operators::{Admin, Operators, audit};

/// What to change; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEngineVersion {
    /// The image, named anew: the recorded digest is cleared and the image is looked for, also if the text is the same.
    #[serde(default)]
    #[schema(example = "registry.example.org/galaxy/engine:1.0.1-b2")]
    image_ref: Option<String>,
    /// Whether new games may use it.
    #[serde(default)]
    enabled: Option<bool>,
    /// Only for games that name it.
    #[serde(default)]
    is_candidate: Option<bool>,
    /// Limits of its containers.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    resources: Option<Value>,
    /// Players that it needs.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    min_players: Option<i32>,
    /// Players that it takes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    max_players: Option<i32>,
    /// JSON Schema of a game's options; `null`: it takes none any more. A game whose options do not fit is told at its start.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    options_schema: Option<Value>,
}

/// `null` is a value too: it takes the schema away.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Changes a version. Running games keep the content of their image.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/engine-versions/{id}",
    tag = "Admin",
    operation_id = "update_engine_version",
    params(("id" = String, Path, description = "The version, as `1.0.0` or `galaxy@1.0.0`.", example = "1.0.0")),
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
        is_candidate: request.is_candidate,
        resources: request.resources,
        min_players: request.min_players,
        max_players: request.max_players,
        options_schema: request
            .options_schema
            .map(|schema| (!schema.is_null()).then_some(schema)),
    };
    let mut tx = operators.db.begin().await?;
    let (engine, version) = versions::parse_id(&mut tx, &id).await?;
    let now = operators.clock.now();
    let version = versions::update(&mut tx, &engine, &version, &change, now)
        .await
        .map_err(refused)?;
    let details = json!({
        "image_ref": change.image_ref, "enabled": change.enabled, "resources": change.resources,
        "is_candidate": change.is_candidate, "min_players": change.min_players, "max_players": change.max_players,
        "options_schema": change.options_schema.is_some()
    });
    audit::record(
        &mut tx,
        &admin,
        "engine_versions.update",
        "engine_version",
        version.id(),
        details,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(version.into()))
}
