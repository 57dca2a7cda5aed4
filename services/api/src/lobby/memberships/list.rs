//! `GET /lobby/games/{game_id}/memberships`: the members of a game.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::ApiQuery;
use tracing::instrument;

use crate::{
    http::PageQuery,
    lobby::{
        Lobby,
        access::VisibleGame,
        model::Visibility,
        refusal::{Error, Refusal},
        store::memberships,
        view::MembershipView,
    },
};

const LIST: &str = "memberships";

/// The members in the order they joined: of a public game for all, of a private one for owner and members. The owner
/// also sees who left.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/games/{game_id}/memberships",
    tag = "User",
    operation_id = "list_memberships",
    params(("game_id" = galaxy_core::GameId, Path), PageQuery),
    responses(
        (status = 200, body = Page<MembershipView>, description = "A page of memberships."),
        (status = 403, description = "`not_member`: a private game that the caller is only invited to."),
        (status = 404, description = "No such game, or not visible to the caller.")
    )
)]
#[instrument(skip_all, fields(game_id = %visible.game.game_id))]
pub async fn list_memberships(
    State(lobby): State<Lobby>,
    visible: VisibleGame,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<MembershipView>>, Error> {
    let is_owner = visible.is_owner();
    if visible.game.visibility == Visibility::Private && !is_owner && !visible.ties.member {
        return Err(Refusal::NotMember.into());
    }
    let (limit, after) = query.read(LIST)?;
    let mut connection = lobby.db.acquire().await?;
    let game_id = visible.game.game_id;
    let page = memberships::list(&mut connection, LIST, game_id, is_owner, limit, after).await?;
    Ok(Json(page.map(MembershipView::from)))
}
