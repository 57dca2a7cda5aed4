//! `POST …/invites/{invite_id}/revoke`: the owner takes an invite back.

use axum::{extract::State, http::StatusCode};
use galaxy_events::catalogue::lobby::InviteRevoked;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{InvitePath, decided, find};
use crate::lobby::{
    Lobby, access::OwnedGame, events, games::lock_managed, model::InviteStatus, refusal::Error,
    store,
};

/// Takes an open invite back.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/invites/{invite_id}/revoke",
    tag = "User",
    operation_id = "revoke_invite",
    params(("game_id" = galaxy_core::GameId, Path), ("invite_id" = galaxy_core::InviteId, Path)),
    responses(
        (status = 204, description = "Revoked."),
        (status = 403, description = "`not_owner`."),
        (status = 404, description = "No such game or invite, or not visible to the caller."),
        (status = 409, description = "`invalid_transition`: decided before.")
    )
)]
#[instrument(skip_all, fields(game_id = %path.game_id))]
pub async fn revoke_invite(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiPath(path): ApiPath<InvitePath>,
) -> Result<StatusCode, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    let invite = find(&mut tx, &path).await?;
    let status = InviteStatus::Revoked;
    if !store::invites::decide(&mut tx, invite.invite_id, status, None, now).await? {
        return Err(decided(invite.status));
    }
    events::invite(&mut tx, &game, &invite, |invite| InviteRevoked { invite }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
