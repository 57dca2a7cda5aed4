//! `POST …/memberships/{membership_id}/remove`: the owner removes a member, or a member leaves.

use axum::{extract::State, http::StatusCode};
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{
    MembershipPath,
    end::{self, Ending},
    find,
};
use crate::lobby::{
    Lobby,
    access::VisibleGame,
    games::lock_managed,
    model::MembershipStatus,
    refusal::{Error, Refusal},
    store,
};

/// Ends a membership. The player may come back while the game enrolls; in a running game the race is banished.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/memberships/{membership_id}/remove",
    tag = "User",
    operation_id = "remove_membership",
    params(("game_id" = galaxy_core::GameId, Path), ("membership_id" = galaxy_core::MembershipId, Path)),
    responses(
        (status = 204, description = "Removed."),
        (status = 403, description = "`not_owner`: somebody else's membership."),
        (status = 404, description = "No such game or membership, or not visible to the caller."),
        (status = 409, description = "`invalid_transition` (ended before) or `game_over`.")
    )
)]
#[instrument(skip_all, fields(game_id = %visible.game.game_id, user_id = %visible.user_id))]
pub async fn remove_membership(
    State(lobby): State<Lobby>,
    visible: VisibleGame,
    ApiPath(path): ApiPath<MembershipPath>,
) -> Result<StatusCode, Error> {
    let now = lobby.clock.now();
    let (game_id, caller) = (visible.game.game_id, visible.user_id);
    let mut tx = lobby.db.begin().await?;
    let member = find(&mut tx, game_id, path.membership_id).await?;
    let mut game = if member.user_id == caller {
        // Leaving is open to those who may manage nothing.
        store::games::lock(&mut tx, game_id)
            .await?
            .ok_or(Error::Missing("game"))?
    } else if visible.is_owner() {
        lock_managed(&mut tx, caller, game_id, now).await?
    } else {
        return Err(Refusal::NotOwner.into());
    };
    // Once more, as it stands under the lock.
    let member = find(&mut tx, game_id, path.membership_id).await?;
    let ending = Ending {
        status: MembershipStatus::Removed,
        reason: None,
        by: Some(caller),
    };
    end::end(&mut tx, &mut game, &member, ending, now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
