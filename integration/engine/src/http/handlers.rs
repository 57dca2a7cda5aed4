//! One handler per route: read the request, call the engine on a blocking thread, answer.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::ApiError,
    json::{Body, Params},
};
use crate::{
    engine::{Engine, EngineError},
    game::{ActionResults, Command, NewGame, Order, Report, Status},
};

type App = State<Arc<Engine>>;
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

pub(super) async fn init(State(engine): App, Body(new): Body<NewGame>) -> Answer<Status> {
    let status = ask(engine, move |engine| engine.init(&new)).await?;
    tracing::info!(game_id = %status.game_id, players = status.players.len(), "game set up");
    Ok(Json(status))
}

pub(super) async fn status(State(engine): App) -> Answer<Status> {
    ask(engine, Engine::status).await.map(Json)
}

pub(super) async fn turn(State(engine): App, Body(request): Body<TurnRequest>) -> Answer<Status> {
    let status = ask(engine, move |engine| engine.generate(request.expected_turn)).await?;
    tracing::info!(turn = status.turn, stage = ?status.stage, "turn is there");
    Ok(Json(status))
}

pub(super) async fn banish(
    State(engine): App,
    Body(request): Body<BanishRequest>,
) -> Result<StatusCode, ApiError> {
    ask(engine, move |engine| engine.banish(&request.race_name)).await?;
    tracing::info!("race banished");
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn command(
    State(engine): App,
    Body(CommandRequest {
        player_id,
        commands,
    }): Body<CommandRequest>,
) -> Answer<ActionResults> {
    ask(engine, move |engine| engine.command(player_id, &commands))
        .await
        .map(Json)
}

pub(super) async fn order(
    State(engine): App,
    Body(OrderRequest { player_id, orders }): Body<OrderRequest>,
) -> Answer<ActionResults> {
    ask(engine, move |engine| engine.order(player_id, orders))
        .await
        .map(Json)
}

pub(super) async fn report(
    State(engine): App,
    Params(ReportQuery { player_id, turn }): Params<ReportQuery>,
) -> Answer<Report> {
    ask(engine, move |engine| engine.report(player_id, turn))
        .await
        .map(Json)
}

/// Calls the engine where blocking is allowed.
async fn ask<T: Send + 'static>(
    engine: Arc<Engine>,
    call: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(move || call(&engine)).await {
        Ok(answer) => Ok(answer?),
        Err(error) => {
            tracing::error!(%error, "a call panicked");
            Err(ApiError::Internal)
        }
    }
}
