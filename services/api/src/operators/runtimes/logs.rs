//! `GET /runtimes/{game_id}/logs`: asked of the node that the engine is on.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use galaxy_core::GameId;
use galaxy_events::rpc::{AskError, RuntimeLogs};
use galaxy_http::{ApiError, ApiPath, ApiQuery, FieldError};
use galaxy_runtime::records;
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::IntoParams;

use super::{GamePath, not_found};
use crate::operators::{Admin, Operators, audit};

/// How long the node may take.
const DEADLINE: Duration = Duration::from_secs(12);
const MAX_LINES: u32 = 10_000;

/// What to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadLogs {
    /// Lines at most, 1 to 10,000; 200 if absent.
    #[param(minimum = 1, maximum = 10_000, default = 200)]
    tail: Option<u32>,
    /// Of the engine that ran before the present one.
    #[param(default = false)]
    previous: Option<bool>,
}

/// The last lines of a game's engine, printable, 256 KiB from the end at most. Reading them is audited.
#[utoipa::path(
    get,
    path = "/api/v1/admin/runtimes/{game_id}/logs",
    tag = "Admin",
    operation_id = "read_runtime_logs",
    params(("game_id" = GameId, Path), ReadLogs),
    responses(
        (status = 200, body = String, content_type = "text/plain; charset=utf-8", description = "The lines."),
        (status = 404, description = "No such game, or it was never started."),
        (status = 409, description = "`no_engine`: no engine was made for the game yet."),
        (status = 502, description = "`log_unreadable`: the node has no such log, or cannot read it."),
        (status = 503, description = "`node_unavailable`: no runtime manager of the engine's node answers.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn read_runtime_logs(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): GamePath,
    ApiQuery(query): ApiQuery<ReadLogs>,
) -> Result<Response, ApiError> {
    let question = RuntimeLogs {
        game_id,
        tail: lines(query.tail)?,
        previous: query.previous.unwrap_or(false),
    };
    let node = node_of(&operators, &admin, &question).await?;
    let nats = operators
        .nats
        .as_ref()
        .ok_or_else(|| node_unavailable(&AskError::Nobody))?;
    let log = nats
        .ask(&node, &question, DEADLINE)
        .await
        .map_err(unanswered)?;
    let text = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((text, log).into_response())
}

fn lines(tail: Option<u32>) -> Result<u32, ApiError> {
    let tail = tail.unwrap_or(200);
    if (1..=MAX_LINES).contains(&tail) {
        return Ok(tail);
    }
    Err(ApiError::invalid(vec![FieldError {
        field: "tail".to_owned(),
        reason: "must be 1 to 10000".to_owned(),
    }]))
}

/// The node to ask, with the audit entry written. No connection is held while the node is asked.
async fn node_of(
    operators: &Operators,
    admin: &Admin,
    question: &RuntimeLogs,
) -> Result<String, ApiError> {
    let mut tx = operators.db.begin().await?;
    let game_id = question.game_id;
    let record = records::get(&mut tx, game_id)
        .await?
        .ok_or_else(not_found)?;
    let node = record.node_id.ok_or_else(|| {
        let message = "No engine was made for the game yet, so there is no log.";
        ApiError::new(StatusCode::CONFLICT, "no_engine", message)
    })?;
    let details = json!({ "tail": question.tail, "previous": question.previous, "node_id": node });
    audit::record(&mut tx, admin, "runtimes.logs", "game", game_id, details).await?;
    tx.commit().await?;
    Ok(node)
}

fn unanswered(error: AskError) -> ApiError {
    match error {
        AskError::Refused(why) => ApiError::new(
            StatusCode::BAD_GATEWAY,
            "log_unreadable",
            format!("The node cannot give the log: {why}."),
        ),
        AskError::Nobody | AskError::Timeout | AskError::Broker(_) | AskError::Unreadable(_) => {
            node_unavailable(&error)
        }
    }
}

fn node_unavailable(error: &AskError) -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "node_unavailable",
        "No runtime manager of the engine's node answers; see whether one runs there.",
    )
    .with_source(error)
    .retry_after(Duration::from_secs(5))
}
