//! `GET /lobby/my/games`: the games that the caller plays or owns.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    accounts::Caller,
    http::PageQuery,
    lobby::{Lobby, refusal::Error, store::game_lists, view::GameView},
};

const LIST: &str = "my_games";

/// Games that the caller owns or is a member of, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/my/games",
    tag = "User",
    operation_id = "list_my_games",
    params(PageQuery),
    responses((status = 200, body = Page<GameView>, description = "A page of games."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn list_my_games(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<GameView>>, Error> {
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let page = game_lists::of_player(&mut connection, LIST, caller.user_id, limit, after).await?;
    Ok(Json(page.map(GameView::from)))
}
