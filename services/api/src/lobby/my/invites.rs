//! `GET /lobby/my/invites`: the invites that name the caller.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    accounts::Caller,
    http::PageQuery,
    lobby::{Lobby, refusal::Error, store::mine, view::InviteView},
};

const LIST: &str = "my_invites";

/// Invites that name the caller, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/my/invites",
    tag = "User",
    operation_id = "list_my_invites",
    params(PageQuery),
    responses((status = 200, body = Page<InviteView>, description = "A page of invites."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn list_my_invites(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<InviteView>>, Error> {
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let page = mine::invites_of(&mut connection, LIST, caller.user_id, limit, after).await?;
    Ok(Json(page.map(InviteView::from)))
}
