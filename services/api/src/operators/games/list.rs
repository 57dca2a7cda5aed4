//! `GET /games`: every game.

use axum::{Json, extract::State};
use galaxy_core::{Page, UserId};
use galaxy_http::ApiQuery;
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::{
    http::PageQuery,
    lobby::{
        model::GameStatus,
        refusal::{Error, wrong},
        store::game_lists::{self, Filter},
        view::GameView,
    },
    operators::{Admin, Operators},
};

/// Which games to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListAllGames {
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    pub cursor: Option<String>,
    /// Only games in this status; not together with an owner.
    pub status: Option<GameStatus>,
    /// Only games of this owner.
    pub owner_user_id: Option<UserId>,
}

/// All games, drafts and private ones too, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/games",
    tag = "Admin",
    operation_id = "list_all_games",
    params(ListAllGames),
    responses((status = 200, body = Page<GameView>, description = "A page of games."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_all_games(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<ListAllGames>,
) -> Result<Json<Page<GameView>>, Error> {
    let (filter, list) = match (query.status, query.owner_user_id) {
        (None, None) => (Filter::All, "all_games".to_owned()),
        (Some(status), None) => (
            Filter::Status(status),
            format!("all_games.{}", status.as_str()),
        ),
        (None, Some(owner)) => (Filter::Owner(owner), format!("all_games.{owner}")),
        (Some(_), Some(_)) => {
            return Err(wrong(
                "status",
                "cannot be given together with owner_user_id",
            ));
        }
    };
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, after) = page.read(&list)?;
    let mut connection = operators.db.acquire().await?;
    let games = game_lists::all(&mut connection, &list, filter, limit, after).await?;
    Ok(Json(games.map(GameView::from)))
}
