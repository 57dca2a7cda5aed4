//! One handler per route: read the request, call the engine on a blocking thread, answer.

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    App,
    access::MeantFor,
    error::ApiError,
    json::{Body, Params},
    view::StatusView,
};
use crate::{
    engine::{Engine, EngineError},
    game::{ActionResults, Command, GameError, NewGame, Order, Report, Stage, Status},
};

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, ApiError>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TurnRequest {
    expected_turn: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanishRequest {
    race_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandRequest {
    player_id: Uuid,
    commands: Vec<Command>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderRequest {
    player_id: Uuid,
    orders: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    player_id: Uuid,
    turn: u32,
}

/// Says that the process answers, whatever its game does.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

pub(super) async fn init(
    State(app): Shared,
    Extension(MeantFor(meant_for)): Extension<MeantFor>,
    Body(new): Body<NewGame>,
) -> Answer<StatusView> {
    if let Some(playing) = app.game_id().or(meant_for)
        && playing != new.game_id
    {
        return Err(ApiError::Game(GameError::OtherGame { playing }));
    }
    let status = ask(&app, move |engine| engine.init(&new)).await?;
    tracing::info!(game_id = %status.game_id, players = status.players.len(), "game set up");
    Ok(Json(app.view(status)))
}

pub(super) async fn status(State(app): Shared) -> Answer<StatusView> {
    let status = ask(&app, Engine::status).await?;
    Ok(Json(app.view(status)))
}

pub(super) async fn turn(
    State(app): Shared,
    Body(TurnRequest { expected_turn }): Body<TurnRequest>,
) -> Result<(StatusCode, Json<StatusView>), ApiError> {
    if let Some(delay) = app.settings.turn_delay {
        let now = ask(&app, Engine::status).await?;
        if is_next(&now, expected_turn) {
            app.generate_later(expected_turn, delay);
            return Ok((StatusCode::ACCEPTED, Json(app.view(now))));
        }
    }
    let status = ask(&app, move |engine| engine.generate(expected_turn)).await?;
    tracing::info!(turn = status.turn, stage = ?status.stage, "turn is there");
    Ok((StatusCode::OK, Json(app.view(status))))
}

fn is_next(now: &Status, expected_turn: u32) -> bool {
    now.stage != Stage::Finished && now.turn.checked_add(1) == Some(expected_turn)
}

pub(super) async fn banish(
    State(app): Shared,
    Body(request): Body<BanishRequest>,
) -> Result<StatusCode, ApiError> {
    ask(&app, move |engine| engine.banish(&request.race_name)).await?;
    tracing::info!("race banished");
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn command(
    State(app): Shared,
    Body(CommandRequest {
        player_id,
        commands,
    }): Body<CommandRequest>,
) -> Answer<ActionResults> {
    ask(&app, move |engine| engine.command(player_id, &commands))
        .await
        .map(Json)
}

pub(super) async fn order(
    State(app): Shared,
    Body(OrderRequest { player_id, orders }): Body<OrderRequest>,
) -> Answer<ActionResults> {
    ask(&app, move |engine| engine.order(player_id, orders))
        .await
        .map(Json)
}

pub(super) async fn report(
    State(app): Shared,
    Params(ReportQuery { player_id, turn }): Params<ReportQuery>,
) -> Answer<Report> {
    ask(&app, move |engine| engine.report(player_id, turn))
        .await
        .map(Json)
}

/// Calls the engine where blocking is allowed.
async fn ask<T: Send + 'static>(
    app: &App,
    call: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, ApiError> {
    let engine = Arc::clone(&app.engine);
    match tokio::task::spawn_blocking(move || call(&engine)).await {
        Ok(answer) => Ok(answer?),
        Err(error) => {
            tracing::error!(%error, "a call panicked");
            Err(ApiError::Internal)
        }
    }
}
