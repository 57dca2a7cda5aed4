//! `GET /lobby/my/race-names`: the race names that the caller holds.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    accounts::Caller,
    http::PageQuery,
    lobby::{Lobby, refusal::Error, store::race_names, view::RaceNameView},
};

const LIST: &str = "my_race_names";

/// Race names that the caller holds, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/my/race-names",
    tag = "User",
    operation_id = "list_my_race_names",
    params(PageQuery),
    responses((status = 200, body = Page<RaceNameView>, description = "A page of race names."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn list_my_race_names(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<RaceNameView>>, Error> {
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let page = race_names::list_held(&mut connection, LIST, caller.user_id, limit, after).await?;
    Ok(Json(page.map(RaceNameView::from)))
}
