//! `POST /engines`.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiJson};
use galaxy_runtime::engines;
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{refused, view::EngineView};
use crate::operators::{Admin, Operators, audit};

/// An engine to make known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"engine_name": "star-chess", "title": "Star chess"}))]
pub struct CreateEngine {
    /// 1 to 40 lower-case letters, digits and dashes, a letter first. It stays.
    engine_name: String,
    /// For people, 1 to 60 characters.
    title: String,
}

/// Makes a kind of game known. Games can be made of it once it has a version.
#[utoipa::path(
    post,
    path = "/api/v1/admin/engines",
    tag = "Admin",
    operation_id = "create_engine",
    request_body = CreateEngine,
    responses(
        (status = 201, body = EngineView, description = "The engine."),
        (status = 409, description = "`engine_exists`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn create_engine(
    State(operators): State<Operators>,
    admin: Admin,
    ApiJson(request): ApiJson<CreateEngine>,
) -> Result<(StatusCode, Json<EngineView>), ApiError> {
    let (name, title) = (&request.engine_name, &request.title);
    let mut tx = operators.db.begin().await?;
    let engine = engines::create(&mut tx, name, title, operators.clock.now())
        .await
        .map_err(refused)?;
    let details = json!({"title": engine.title});
    audit::record(&mut tx, &admin, "engines.create", "engine", name, details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(engine.into())))
}
