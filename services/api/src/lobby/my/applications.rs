//! `GET /lobby/my/applications`: the caller's applications.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    accounts::Caller,
    http::PageQuery,
    lobby::{Lobby, refusal::Error, store::mine, view::ApplicationView},
};

const LIST: &str = "my_applications";

/// The caller's applications, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/my/applications",
    tag = "User",
    operation_id = "list_my_applications",
    params(PageQuery),
    responses((status = 200, body = Page<ApplicationView>, description = "A page of applications."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn list_my_applications(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<ApplicationView>>, Error> {
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let page = mine::applications_of(&mut connection, LIST, caller.user_id, limit, after).await?;
    Ok(Json(page.map(ApplicationView::from)))
}
