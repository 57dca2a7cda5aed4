//! `GET /games/{game_id}/reports/{turn}`: the caller's view of a turn, from the engine.

use axum::{extract::State, response::Response};
use galaxy_http::{ApiError, ApiPath};
use serde::Deserialize;
use tracing::instrument;

use super::{
    EngineProxy, respond,
    seat::{Seat, SeatRefusals},
};

#[derive(Deserialize)]
pub(super) struct ReportPath {
    turn: u32,
}

/// What the caller's race knows of a turn; 0 is the beginning.
#[utoipa::path(
    get,
    path = "/api/v1/user/games/{game_id}/reports/{turn}",
    tag = "User",
    operation_id = "get_report",
    params(("game_id" = galaxy_core::GameId, Path), ("turn" = u32, Path, example = 0)),
    responses(
        (status = 200, body = Object, description = "The engine's own report."),
        (status = 422, description = "`engine_refused`: no such turn yet, for example."),
        SeatRefusals
    )
)]
#[instrument(skip_all)]
pub async fn get_report(
    State(proxy): State<EngineProxy>,
    seat: Seat,
    ApiPath(path): ApiPath<ReportPath>,
) -> Result<Response, ApiError> {
    let answer = proxy
        .engines
        .report(&seat.engine, seat.player_id, path.turn)
        .await;
    respond(seat.engine.game_id, answer)
}
