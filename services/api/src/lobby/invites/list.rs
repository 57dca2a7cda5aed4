//! `GET /lobby/games/{game_id}/invites`: the invites of a game, for its owner.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    http::PageQuery,
    lobby::{
        Lobby,
        access::{OwnedGame, OwnedGameRefusals},
        refusal::Error,
        store::mine,
        view::InviteView,
    },
};

const LIST: &str = "game_invites";

/// The invites to a game, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/games/{game_id}/invites",
    tag = "User",
    operation_id = "list_invites",
    params(("game_id" = galaxy_core::GameId, Path), PageQuery),
    responses(
        (status = 200, body = Page<InviteView>, description = "A page of invites."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn list_invites(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<InviteView>>, Error> {
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let page = mine::invites_to(&mut connection, LIST, owned.game.game_id, limit, after).await?;
    Ok(Json(page.map(InviteView::from)))
}
