//! `POST …/invites/{invite_id}/redeem`: the invitee, or a player with the code, joins.

use axum::{Json, extract::State};
use galaxy_core::{Timestamp, UserId};
use galaxy_http::{ApiJson, ApiPath};
use serde::Deserialize;
use sqlx::PgConnection;
use tracing::instrument;
use utoipa::ToSchema;

use super::{InvitePath, check_open, code, decided, find};
use crate::{
    accounts::{self, Action, Caller},
    lobby::{
        Lobby, admission, events, limits,
        model::InviteStatus,
        refusal::Error,
        store::{self, invites::Invite},
        view::MembershipView,
    },
};

/// How to join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"race_name": "Zorgons", "code": "7k2m9qx4tz0c"}))]
pub struct RedeemInvite {
    /// The race to play: 2–32 letters, digits, spaces, `-` and `'` of one script.
    pub race_name: String,
    /// The code, for an invite by code.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub code: Option<String>,
}

/// Takes the invite up: the caller is in. It works once.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/invites/{invite_id}/redeem",
    tag = "User",
    operation_id = "redeem_invite",
    params(("game_id" = galaxy_core::GameId, Path), ("invite_id" = galaxy_core::InviteId, Path)),
    request_body = RedeemInvite,
    responses(
        (status = 200, body = MembershipView, description = "The caller's place in the game."),
        (status = 403, description = "`game_join_blocked`, `blocked_from_game`."),
        (status = 404, description = "No such invite, not one for the caller, or a wrong code."),
        (status = 409, description = "`invalid_transition`, `invite_expired`, `enrollment_closed`, `roster_full`, \
            `already_member`, `race_name_taken`, `race_name_reserved` or `limit_reached`."),
        (status = 429, description = "Too many codes tried; see Retry-After.")
    )
)]
#[instrument(skip_all, fields(game_id = %path.game_id, user_id = %caller.user_id))]
pub async fn redeem_invite(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiPath(path): ApiPath<InvitePath>,
    ApiJson(request): ApiJson<RedeemInvite>,
) -> Result<Json<MembershipView>, Error> {
    let now = lobby.clock.now();
    let player = caller.user_id;
    let race = admission::race_name(&lobby, &request.race_name)?;
    let mut invite = own_invite(&lobby, &path, player, request.code.as_deref(), now).await?;
    let mut tx = lobby.db.begin().await?;
    accounts::ensure_may(&mut tx, player, Action::JoinGame, now).await?;
    limits::lock(&mut tx, player).await?;
    let mut game = store::games::lock(&mut tx, path.game_id)
        .await?
        .ok_or(Error::Missing("game"))?;
    check_open(&find(&mut tx, &path).await?, now)?;
    let names = (race.as_str(), race.canonical());
    let member = admission::admit(&mut tx, &mut game, player, names, now).await?;
    let status = InviteStatus::Redeemed;
    if !store::invites::decide(&mut tx, invite.invite_id, status, Some(player), now).await? {
        return Err(decided(find(&mut tx, &path).await?.status));
    }
    (invite.status, invite.redeemed_by_user_id) = (status, Some(player));
    store::applications::withdraw(&mut tx, game.game_id, player, now).await?;
    store::invites::revoke_one(&mut tx, game.game_id, player, now).await?;
    events::invite_redeemed(&mut tx, &game, &invite, &member).await?;
    tx.commit().await?;
    Ok(Json(member.into()))
}

/// The invite, if it names the player or the code is its own. Everything else looks as if there were none.
async fn own_invite(
    lobby: &Lobby,
    path: &InvitePath,
    player: UserId,
    code: Option<&str>,
    now: Timestamp,
) -> Result<Invite, Error> {
    if let Some(code) = code {
        code::take_try(lobby, player, now).await?;
        let mut connection = lobby.db.acquire().await?;
        return by_code(lobby, &mut connection, path, code).await;
    }
    let mut connection = lobby.db.acquire().await?;
    super::find_own(&mut connection, path, player).await
}

async fn by_code(
    lobby: &Lobby,
    connection: &mut PgConnection,
    path: &InvitePath,
    code: &str,
) -> Result<Invite, Error> {
    let invite = find(connection, path).await?;
    let stored = invite.code_hash.as_deref().unwrap_or_default();
    if code::matches(&lobby.keys, invite.invite_id, code, stored) {
        Ok(invite)
    } else {
        Err(Error::Missing("invite, or the code is not its own"))
    }
}
