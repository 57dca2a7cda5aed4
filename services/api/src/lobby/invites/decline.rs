//! `POST …/invites/{invite_id}/decline`: the invitee declines.

use axum::{extract::State, http::StatusCode};
use galaxy_events::catalogue::lobby::InviteDeclined;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{InvitePath, check_open, decided, find_own};
use crate::{
    accounts::Caller,
    lobby::{Lobby, events, model::InviteStatus, refusal::Error, store},
};

/// Declines an invite that names the caller.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/invites/{invite_id}/decline",
    tag = "User",
    operation_id = "decline_invite",
    params(("game_id" = galaxy_core::GameId, Path), ("invite_id" = galaxy_core::InviteId, Path)),
    responses(
        (status = 204, description = "Declined."),
        (status = 404, description = "No such invite, or not one for the caller."),
        (status = 409, description = "`invalid_transition` (decided before) or `invite_expired`.")
    )
)]
#[instrument(skip_all, fields(game_id = %path.game_id, user_id = %caller.user_id))]
pub async fn decline_invite(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiPath(path): ApiPath<InvitePath>,
) -> Result<StatusCode, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let game = store::games::lock(&mut tx, path.game_id)
        .await?
        .ok_or(Error::Missing("invite"))?;
    let invite = find_own(&mut tx, &path, caller.user_id).await?;
    check_open(&invite, now)?;
    let status = InviteStatus::Declined;
    if !store::invites::decide(&mut tx, invite.invite_id, status, None, now).await? {
        return Err(decided(invite.status));
    }
    events::invite(&mut tx, &game, &invite, |invite| InviteDeclined { invite }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
