//! `POST /games/{game_id}/orders`: passed on to the engine for the caller's race.

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

/// What the engine takes as orders. Whose they are, the back end says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"orders": [{"type": "send_ships", "from": 3, "to": 7, "ships": 5}]}))]
pub struct PostOrders {
    /// The engine's own objects.
    #[schema(value_type = Vec<Object>)]
    pub orders: Vec<Box<RawValue>>,
}

/// Sets the orders for the next turn, in place of those given before.
#[utoipa::path(
    post,
    path = "/api/v1/user/games/{game_id}/orders",
    tag = "User",
    operation_id = "post_orders",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = PostOrders,
    responses(
        (status = 200, body = Object, description = "The engine's own answer: a result for each."),
        (status = 422, description = "`engine_refused`, with the engine's own message."),
        SeatRefusals
    )
)]
#[instrument(skip_all)]
pub async fn post_orders(
    State(proxy): State<EngineProxy>,
    ActingSeat(seat): ActingSeat,
    ApiJson(request): ApiJson<PostOrders>,
) -> Result<Response, ApiError> {
    let answer = proxy
        .engines
        .order(&seat.engine, seat.player_id, &request.orders)
        .await;
    respond(seat.engine.game_id, answer)
}
