//! `GET /lobby/games`: the public list.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::{
    accounts::Caller,
    http::PageQuery,
    lobby::{
        Lobby,
        model::GameStatus,
        refusal::{Error, wrong},
        store::game_lists,
        view::GameView,
    },
};

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListGames {
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    pub cursor: Option<String>,
    /// Only games in this status.
    pub status: Option<GameStatus>,
    /// Only games whose name begins like this, whatever the case; 1–60 characters.
    #[param(max_length = 60)]
    pub q: Option<String>,
}

/// Public games: the newest first, or by name if a name is looked for.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/games",
    tag = "User",
    operation_id = "list_games",
    params(ListGames),
    responses((status = 200, body = Page<GameView>, description = "A page of games."))
)]
#[instrument(skip_all)]
pub async fn list_games(
    State(lobby): State<Lobby>,
    _: Caller,
    ApiQuery(query): ApiQuery<ListGames>,
) -> Result<Json<Page<GameView>>, Error> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let mut connection = lobby.db.acquire().await?;
    let games = match query.q.as_deref().filter(|prefix| !prefix.is_empty()) {
        None => {
            let list = list_name("games", query.status);
            let (limit, after) = page.read(&list)?;
            game_lists::public(&mut connection, &list, query.status, limit, after).await?
        }
        Some(prefix) => {
            check_prefix(prefix)?;
            let list = list_name("games_by_name", query.status);
            let (limit, after) = page.read(&list)?;
            game_lists::search(&mut connection, &list, prefix, query.status, limit, after).await?
        }
    };
    Ok(Json(games.map(GameView::from)))
}

/// A cursor belongs to one filter: with another it is refused.
fn list_name(list: &str, status: Option<GameStatus>) -> String {
    status.map_or_else(
        || list.to_owned(),
        |status| format!("{list}.{}", status.as_str()),
    )
}

fn check_prefix(prefix: &str) -> Result<(), ApiError> {
    if prefix.chars().count() <= 60 && !prefix.contains('\0') {
        return Ok(());
    }
    Err(wrong("q", "must have at most 60 characters, none of them NUL").into())
}
