//! `POST /games/{game_id}/commands`: passed on to the engine for the caller's race.

use axum::{extract::State, response::Response};
use galaxy_http::{ApiError, ApiJson};
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    EngineProxy, respond,
    seat::{ActingSeat, SeatRefusals},
};

/// What the engine takes as commands. Whose they are, the back end says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"commands": [{"type": "set_production", "planet": 3, "production": "ships"}]}))]
pub struct PostCommands {
    /// The engine's own objects.
    #[schema(value_type = Vec<Object>)]
    pub commands: Vec<Box<RawValue>>,
}

/// Carries commands out at once, in the order given.
#[utoipa::path(
    post,
    path = "/api/v1/user/games/{game_id}/commands",
    tag = "User",
    operation_id = "post_commands",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = PostCommands,
    responses(
        (status = 200, body = Object, description = "The engine's own answer: a result for each."),
        (status = 422, description = "`engine_refused`, with the engine's own message."),
        SeatRefusals
    )
)]
#[instrument(skip_all)]
pub async fn post_commands(
    State(proxy): State<EngineProxy>,
    ActingSeat(seat): ActingSeat,
    ApiJson(request): ApiJson<PostCommands>,
) -> Result<Response, ApiError> {
    let answer = proxy
        .engines
        .command(&seat.engine, seat.player_id, &request.commands)
        .await;
    respond(seat.engine.game_id, answer)
}
