//! `GET /runtimes/{game_id}/health`.

use axum::{Json, extract::State};
use galaxy_core::Timestamp;
use galaxy_events::catalogue::runtime::PlayerSnapshot;
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::{Seen, health};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::GamePath;
use crate::operators::{Admin, Operators};

/// What was seen of a game's engine.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RuntimeHealth)]
pub struct HealthView {
    /// When.
    pub observed_at: Timestamp,
    /// The turn.
    pub turn: u32,
    /// `created`, `running` or `finished`.
    #[schema(example = "running")]
    pub stage: String,
    /// What the probe found: `unknown`, `healthy`, `unreachable`, `crash_loop` or `host_lost`.
    #[schema(example = "healthy")]
    pub engine_health: String,
    /// How the players stood.
    pub players: Vec<PlayerSnapshot>,
}

/// What was seen, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RuntimeHealthHistory)]
pub struct HealthHistory {
    /// The last 100 changes at most.
    pub items: Vec<HealthView>,
}

impl From<(Timestamp, Seen)> for HealthView {
    fn from((observed_at, seen): (Timestamp, Seen)) -> Self {
        Self {
            observed_at,
            turn: seen.turn,
            stage: seen.stage.to_string(),
            engine_health: seen.engine_health.to_string(),
            players: seen.players,
        }
    }
}

/// What was seen of a game's engine, with each change, the newest first; empty if it was never started.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes/{game_id}/health",
    tag = "Admin",
    operation_id = "list_runtime_health",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses((status = 200, body = HealthHistory, description = "The history."))
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn list_runtime_health(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<Json<HealthHistory>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let seen = health::history(&mut connection, game_id).await?;
    let items = seen.into_iter().map(HealthView::from).collect();
    Ok(Json(HealthHistory { items }))
}
