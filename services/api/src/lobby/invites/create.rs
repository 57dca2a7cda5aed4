//! `POST /lobby/games/{game_id}/invites`: the owner invites a player, or makes a code.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{InviteId, UserId};
use galaxy_events::catalogue::lobby::InviteCreated;
use galaxy_http::ApiJson;
use galaxy_store::{Error as StoreError, Tx};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::code;
use crate::{
    accounts,
    lobby::{
        Lobby,
        access::{OwnedGame, OwnedGameRefusals},
        admission, events,
        games::lock_managed,
        model::InviteStatus,
        refusal::{Error, Refusal, wrong},
        store::{self, invites::Invite},
        view::InviteView,
    },
};

/// Whom to invite.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct CreateInvite {
    /// The player; absent for an invite by code.
    #[serde(default)]
    pub invited_user_id: Option<UserId>,
}

/// Invites until enrollment ends. The code of a code invite is shown in this answer and never again.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/invites",
    tag = "User",
    operation_id = "create_invite",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = CreateInvite,
    responses(
        (status = 201, body = InviteView, description = "The invite, with its code if it is one by code."),
        (status = 409, description = "`enrollment_closed`, `enrollment_ended`, `already_member`, `already_invited` or \
            `blocked_from_game`."),
        OwnedGameRefusals
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn create_invite(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiJson(request): ApiJson<CreateInvite>,
) -> Result<(StatusCode, Json<InviteView>), Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    if let Some(invitee) = request.invited_user_id {
        lock_invitee(&mut tx, invitee).await?;
    }
    let game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    game.check_enrolling()?;
    if game.enrollment_ends_at <= now {
        return Err(Refusal::EnrollmentEnded.into());
    }
    if let Some(invitee) = request.invited_user_id {
        admission::check_newcomer(&mut tx, &game, invitee).await?;
        store::invites::expire_stale(&mut tx, game.game_id, invitee, now).await?;
    }
    let invite_id = InviteId::generate();
    let code = request.invited_user_id.is_none().then(code::generate);
    let invite = Invite {
        invite_id,
        game_id: game.game_id,
        invited_user_id: request.invited_user_id,
        code_hash: code
            .as_deref()
            .map(|code| code::hash(&lobby.keys, invite_id, code).to_vec()),
        status: InviteStatus::Created,
        redeemed_by_user_id: None,
        expires_at: game.enrollment_ends_at,
        created_at: now,
        decided_at: None,
    };
    store::invites::insert(&mut tx, &invite)
        .await
        .map_err(refused)?;
    events::invite(&mut tx, &game, &invite, |invite| InviteCreated { invite }).await?;
    tx.commit().await?;
    let view = InviteView {
        code,
        ..invite.into()
    };
    Ok((StatusCode::CREATED, Json(view)))
}

async fn lock_invitee(tx: &mut Tx, invitee: UserId) -> Result<(), Error> {
    if accounts::store::lock_for_use(tx, invitee).await? {
        Ok(())
    } else {
        Err(wrong("invited_user_id", "is not a player"))
    }
}

fn refused(error: StoreError) -> Error {
    if error.is_unique_violation("invites_open_idx") {
        Refusal::AlreadyInvited.into()
    } else {
        error.into()
    }
}
