//! `POST …/memberships/{membership_id}/block`: the owner removes a member for good.

use axum::{extract::State, http::StatusCode};
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{
    MembershipPath,
    end::{self, Ending},
    find,
};
use crate::lobby::{
    Lobby, access::OwnedGame, games::lock_managed, model::MembershipStatus, refusal::Error,
};

/// Ends a membership and bars the player from applying or redeeming again; in a running game the race is banished.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/memberships/{membership_id}/block",
    tag = "User",
    operation_id = "block_membership",
    params(("game_id" = galaxy_core::GameId, Path), ("membership_id" = galaxy_core::MembershipId, Path)),
    responses(
        (status = 204, description = "Blocked."),
        (status = 403, description = "`not_owner`."),
        (status = 404, description = "No such game or membership, or not visible to the caller."),
        (status = 409, description = "`invalid_transition` (blocked before) or `game_over`.")
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn block_membership(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiPath(path): ApiPath<MembershipPath>,
) -> Result<StatusCode, Error> {
    let now = lobby.clock.now();
    let game_id = owned.game.game_id;
    let mut tx = lobby.db.begin().await?;
    let mut game = lock_managed(&mut tx, owned.user_id, game_id, now).await?;
    let member = find(&mut tx, game_id, path.membership_id).await?;
    let ending = Ending {
        status: MembershipStatus::Blocked,
        reason: None,
        by: Some(owned.user_id),
    };
    end::block(&mut tx, &mut game, &member, ending, now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
