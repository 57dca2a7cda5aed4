//! Operations of owners on their games.

pub mod cancel;
pub mod create;
pub mod get;
pub mod list;
pub mod open;
pub mod pause;
pub mod ready;
pub mod resume;
pub mod retry_start;
pub mod start;
pub mod update;

use axum::{Json, http::StatusCode};
use galaxy_core::{GameId, Timestamp, UserId};
use galaxy_store::Tx;

use super::{
    Lobby, access::OwnedGame, game::Game, model, refusal::Error, runtime, store, view::GameView,
};
use crate::accounts::{self, Action};

/// Checks that the owner may manage games and locks the game; the account is locked before the game, as everywhere.
pub(super) async fn lock_managed(
    tx: &mut Tx,
    owner: UserId,
    game_id: GameId,
    now: Timestamp,
) -> Result<Game, Error> {
    accounts::ensure_may(tx, owner, Action::ManageGame, now).await?;
    store::games::lock(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))
}

/// Starts the owner's game by `action`. The response is 202, since the engine comes up later.
async fn start_owned(
    lobby: &Lobby,
    owned: &OwnedGame,
    action: model::Action,
) -> Result<(StatusCode, Json<GameView>), Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    let by = format!("user:{}", owned.user_id);
    runtime::start(&mut tx, &mut game, action, by, now).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(game.into())))
}
