//! Games for operators: read all of them, start, resume, stop, cancel, and ban members.

mod ban_member;
mod cancel;
mod force_start;
mod force_stop;
mod get;
mod list;
mod resume;

use axum::Json;
use galaxy_core::{GameId, Timestamp};
use galaxy_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    lobby::{
        game::Game,
        refusal::Error,
        store,
        view::{GameView, MembershipView},
    },
    operators::{Admin, Operators, audit},
};

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_all_games))
        .routes(routes!(get::get_any_game))
        .routes(routes!(force_start::force_start))
        .routes(routes!(force_stop::force_stop))
        .routes(routes!(resume::resume_any_game))
        .routes(routes!(cancel::cancel_any_game))
        .routes(routes!(ban_member::ban_member))
}

/// A game with what only operators see.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AdminGame)]
pub struct AdminGameView {
    /// The game as players see it.
    #[serde(flatten)]
    pub game: GameView,
    /// When it passed from its owner, who left, to the operators.
    pub handed_over_at: Option<Timestamp>,
    /// Current and former members, at most 200.
    pub members: Vec<MembershipView>,
}

async fn lock(tx: &mut Tx, game_id: GameId) -> Result<Game, Error> {
    store::games::lock(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))
}

/// Adds the audit entry for what was done to the game, commits, and gives the game.
async fn conclude(
    mut tx: Tx,
    admin: &Admin,
    action: &str,
    game: Game,
) -> Result<Json<GameView>, Error> {
    audit::record(&mut tx, admin, action, "game", game.game_id, json!({})).await?;
    tx.commit().await?;
    Ok(Json(game.into()))
}
