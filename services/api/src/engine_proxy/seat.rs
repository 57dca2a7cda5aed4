//! The extractor of the caller's player in an engine.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use galaxy_core::{GameId, RuntimeStatus};
use galaxy_http::{ApiError, ApiPath};
use galaxy_runtime::{Seat as Found, engine::EngineAddress, players};
use serde::Deserialize;
use utoipa::{
    IntoResponses,
    openapi::{RefOr, Response},
};
use uuid::Uuid;

use super::EngineProxy;
use crate::{accounts::Caller, http::described, lobby::access::VisibleGame};

#[derive(Deserialize)]
struct GamePath {
    game_id: GameId,
}

/// The caller's player in the engine of a game that can be looked at now.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The id of the caller in the engine.
    pub player_id: Uuid,
    pub engine: EngineAddress,
    /// The game is over: there are reports, but nothing to do any more.
    finished: bool,
}

/// The caller's player in the engine of a game that goes on.
#[derive(Debug, Clone)]
pub struct ActingSeat(pub Seat);

impl FromRequestParts<EngineProxy> for ActingSeat {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, proxy: &EngineProxy) -> Result<Self, ApiError> {
        let seat = Seat::from_request_parts(parts, proxy).await?;
        if seat.finished {
            return Err(not_running(RuntimeStatus::Finished.as_str()));
        }
        Ok(Self(seat))
    }
}

impl FromRequestParts<EngineProxy> for Seat {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, proxy: &EngineProxy) -> Result<Self, ApiError> {
        let Caller { user_id } = Caller::from_request_parts(parts, &proxy.lobby).await?;
        let ApiPath(path) = ApiPath::<GamePath>::from_request_parts(parts, proxy).await?;
        let found = {
            let mut connection = proxy.db.acquire().await?;
            players::seat(&mut connection, path.game_id, user_id).await?
        };
        let Some(found) = found else {
            // 404 if the game is hidden from the caller, else the reason why there is no seat.
            let visible = VisibleGame::from_request_parts(parts, proxy).await?;
            return Err(if visible.ties.member {
                not_running(visible.game.status.as_str())
            } else {
                not_a_player()
            });
        };
        seated(found)
    }
}

/// What [`Seat`] refuses, for the documents of the operations that take one.
pub struct SeatRefusals;

impl IntoResponses for SeatRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([
            ("403", "`not_a_player`."),
            ("404", "No such game, or not visible to the caller."),
            ("409", "`turn_in_progress` or `game_not_running`."),
            (
                "502",
                "`engine_answer_invalid`: the engine's answer cannot be used; trying again does not help.",
            ),
        ])
    }
}

fn seated(found: Found) -> Result<Seat, ApiError> {
    if found.mapping.banished_at.is_some() {
        return Err(not_a_player());
    }
    match (found.status, found.engine) {
        (RuntimeStatus::GenerationInProgress, _) => Err(turn_in_progress()),
        (status, Some(engine)) if status.has_engine() || status == RuntimeStatus::Finished => {
            Ok(Seat {
                player_id: found.mapping.player_id,
                engine,
                finished: found.finished || status == RuntimeStatus::Finished,
            })
        }
        (status, None) if status.has_engine() => Err(engine_unavailable()),
        (status, _) => Err(not_running(status.as_str())),
    }
}

fn not_a_player() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "not_a_player",
        "Only players of the game can do this.",
    )
}

fn not_running(status: &str) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "game_not_running",
        format!("The game is {status}; this is not possible now."),
    )
}

fn turn_in_progress() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "turn_in_progress",
        "A turn is being generated; try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}

/// 503: the engine should be running, but does not respond.
pub fn engine_unavailable() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "engine_unavailable",
        "The game's engine does not answer right now; try again in a moment.",
    )
    .retry_after(Duration::from_secs(5))
}
