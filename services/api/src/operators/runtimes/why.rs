//! `GET /runtimes/{game_id}/why`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::{
    nodes, operations, records,
    why::{self, Facts, LobbyState, Why},
};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::GamePath;
use crate::{
    lobby::{model::GameStatus, store::games},
    operators::{Admin, Operators},
};

/// What a game waits for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RuntimeWhy)]
pub struct WhyView {
    /// `not_started`, `operation_running`, `operation_parked`, `operation_queued`, `operation_waits_for_node`, `paused`,
    /// `generation_failed`, `crash_loop`, `host_lost`, `engine_unreachable`, `engine_missing`, `start_failed`, `stopped`,
    /// `removed`, `finished`, `lobby_disagrees`, `no_operation`, `no_next_turn` or `schedule`.
    #[schema(example = "schedule")]
    pub code: String,
    /// The same for people.
    #[schema(
        example = "The game waits for its schedule; the next turn is due at 2026-11-30T18:00:00Z."
    )]
    pub sentence: String,
    /// What belongs to the code.
    #[schema(value_type = Object)]
    pub details: serde_json::Value,
}

impl From<Why> for WhyView {
    fn from(why: Why) -> Self {
        Self {
            code: why.code.to_owned(),
            sentence: why.sentence,
            details: why.details,
        }
    }
}

/// What a game waits for, or what stands against it, in one code and one sentence.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes/{game_id}/why",
    tag = "Admin",
    operation_id = "explain_runtime",
    params(("game_id" = galaxy_core::GameId, Path)),
    responses(
        (status = 200, body = WhyView, description = "The explanation."),
        (status = 404, description = "No such game.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn explain_runtime(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
) -> Result<Json<WhyView>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let game = games::find(&mut connection, game_id)
        .await?
        .ok_or_else(|| ApiError::not_found("game"))?;
    let record = records::get(&mut connection, game_id).await?;
    let open = operations::open(&mut connection, game_id).await?;
    let nodes = nodes::list(&mut connection).await?;
    let why = why::explain(&Facts {
        record: record.as_ref(),
        operations: &open,
        nodes: &nodes,
        lobby: lobby_state(game.status),
        now: operators.clock.now(),
    });
    Ok(Json(why.into()))
}

const fn lobby_state(status: GameStatus) -> LobbyState {
    match status {
        GameStatus::Draft
        | GameStatus::EnrollmentOpen
        | GameStatus::ReadyToStart
        | GameStatus::StartFailed => LobbyState::NotRunning,
        GameStatus::Starting => LobbyState::Starting,
        GameStatus::Running => LobbyState::Running,
        GameStatus::Paused => LobbyState::Paused,
        GameStatus::Finished | GameStatus::Cancelled => LobbyState::Over,
    }
}
