//! Extractors that load the game of the path and authorise the caller.
//!
//! A game that the caller may not see is 404; a visible one that the caller does not own is 403. The loaded game may be
//! stale: operations lock and read it again before they change it.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use galaxy_core::{GameId, UserId};
use galaxy_http::{ApiError, ApiPath};
use serde::Deserialize;
use utoipa::{
    IntoResponses,
    openapi::{RefOr, Response},
};

use super::{
    game::Game,
    model::{GameStatus, Visibility},
    refusal::Refusal,
    store::{games, games::Ties},
};
use crate::{accounts::Caller, http::described, lobby::Lobby};

#[derive(Deserialize)]
struct GamePath {
    game_id: GameId,
}

/// A game that the caller may see.
#[derive(Debug, Clone)]
pub struct VisibleGame {
    pub game: Game,
    /// The caller.
    pub user_id: UserId,
    /// Membership and invite of the caller.
    pub ties: Ties,
}

impl VisibleGame {
    /// Whether the caller owns the game.
    pub fn is_owner(&self) -> bool {
        self.game.owner_user_id == self.user_id
    }
}

/// Whether a player with these ties may see the game.
pub fn is_visible(game: &Game, user_id: UserId, ties: Ties) -> bool {
    game.owner_user_id == user_id
        || ties.member
        || ties.invited
        || (game.visibility == Visibility::Public && game.status != GameStatus::Draft)
}

impl<S> FromRequestParts<S> for VisibleGame
where
    Lobby: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let lobby = Lobby::from_ref(state);
        let Caller { user_id } = Caller::from_request_parts(parts, &lobby).await?;
        let ApiPath(path) = ApiPath::<GamePath>::from_request_parts(parts, state).await?;
        let mut connection = lobby.db.acquire().await?;
        let game = games::find(&mut connection, path.game_id)
            .await?
            .ok_or_else(|| ApiError::not_found("game"))?;
        let ties = if game.owner_user_id == user_id {
            Ties::default()
        } else {
            games::ties(&mut connection, path.game_id, user_id, lobby.clock.now()).await?
        };
        if !is_visible(&game, user_id, ties) {
            return Err(ApiError::not_found("game"));
        }
        Ok(Self {
            game,
            user_id,
            ties,
        })
    }
}

/// A game that the caller owns.
#[derive(Debug, Clone)]
pub struct OwnedGame {
    pub game: Game,
    /// The caller, who is the owner.
    pub user_id: UserId,
}

impl<S> FromRequestParts<S> for OwnedGame
where
    Lobby: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let visible = VisibleGame::from_request_parts(parts, state).await?;
        if !visible.is_owner() {
            return Err(Refusal::NotOwner.into());
        }
        Ok(Self {
            game: visible.game,
            user_id: visible.user_id,
        })
    }
}

/// What [`OwnedGame`] refuses, for the documents of the operations that take one.
pub struct OwnedGameRefusals;

impl IntoResponses for OwnedGameRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described([
            ("403", "`not_owner`."),
            ("404", "No such game, or not visible to the caller."),
        ])
    }
}
