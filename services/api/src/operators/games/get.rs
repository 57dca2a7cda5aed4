//! `GET /games/{game_id}`: a game of any visibility, with its members.

use axum::{Json, extract::State};
use galaxy_core::{GameId, Limit};
use galaxy_http::ApiPath;
use tracing::instrument;

use super::AdminGameView;
use crate::{
    lobby::{
        refusal::Error,
        store::{games, memberships},
        view::MembershipView,
    },
    operators::{Admin, Operators},
};

/// One game with its current and former members.
#[utoipa::path(
    get,
    path = "/api/v1/admin/games/{game_id}",
    tag = "Admin",
    operation_id = "get_any_game",
    params(("game_id" = GameId, Path)),
    responses(
        (status = 200, body = AdminGameView, description = "The game."),
        (status = 404, description = "No such game.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn get_any_game(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
) -> Result<Json<AdminGameView>, Error> {
    let mut connection = operators.db.acquire().await?;
    let game = games::find(&mut connection, game_id)
        .await?
        .ok_or(Error::Missing("game"))?;
    let limit = Limit::new(Limit::MAX).unwrap_or_default();
    let members = memberships::list(&mut connection, "", game_id, true, limit, None).await?;
    Ok(Json(AdminGameView {
        handed_over_at: game.handed_over_at,
        game: game.into(),
        members: members.map(MembershipView::from).items,
    }))
}
