//! `PATCH /engines/{name}`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiJson, ApiPath};
use galaxy_runtime::engines;
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{invalid, refused, view::EngineView};
use crate::operators::{Admin, Operators, audit};

/// What to change; absent fields stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Star chess", "is_default": true}))]
pub struct UpdateEngine {
    /// For people, 1 to 60 characters.
    #[serde(default)]
    title: Option<String>,
    /// `true`: it becomes the default engine, instead of another.
    #[serde(default)]
    is_default: Option<bool>,
}

/// Changes the title, or makes it the engine of games and versions that name none. Games that there are keep theirs.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/engines/{name}",
    tag = "Admin",
    operation_id = "update_engine",
    params(("name" = String, Path, description = "The engine.", example = "star-chess")),
    request_body = UpdateEngine,
    responses(
        (status = 200, body = EngineView, description = "The changed engine."),
        (status = 404, description = "No such engine.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn update_engine(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(name): ApiPath<String>,
    ApiJson(request): ApiJson<UpdateEngine>,
) -> Result<Json<EngineView>, ApiError> {
    if request.is_default == Some(false) {
        let reason = "cannot be taken away: make another engine the default one";
        return Err(invalid("is_default", reason));
    }
    let (title, make_default) = (request.title.as_deref(), request.is_default.is_some());
    let mut tx = operators.db.begin().await?;
    let engine = engines::update(&mut tx, &name, title, make_default, operators.clock.now())
        .await
        .map_err(refused)?;
    let details = json!({"title": request.title, "is_default": request.is_default});
    audit::record(&mut tx, &admin, "engines.update", "engine", &name, details).await?;
    tx.commit().await?;
    Ok(Json(engine.into()))
}
