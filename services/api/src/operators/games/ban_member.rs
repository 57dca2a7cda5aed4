//! `POST /games/{game_id}/ban-member`: an operator removes a player from a game for good.

use axum::{extract::State, http::StatusCode};
use galaxy_core::{GameId, UserId};
use galaxy_http::{ApiJson, ApiPath};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::lock;
use crate::{
    accounts::model::reason,
    lobby::{
        memberships::end::{self, Ending},
        model::MembershipStatus,
        refusal::{Error, wrong},
        store,
    },
    operators::{Admin, Operators, audit},
};

/// The player to remove, and the reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BanMember {
    /// The player.
    pub user_id: UserId,
    /// Why: 1 to 1,000 characters, for operators.
    #[schema(example = "Plays two accounts.", min_length = 1)]
    pub reason: String,
}

/// Blocks a member, also one who has left, from returning; in a running game the race is banished.
#[utoipa::path(
    post,
    path = "/api/v1/admin/games/{game_id}/ban-member",
    tag = "Admin",
    operation_id = "ban_member",
    params(("game_id" = GameId, Path)),
    request_body = BanMember,
    responses(
        (status = 204, description = "The player is blocked."),
        (status = 404, description = "No such game, or the player was never in it."),
        (status = 409, description = "`invalid_transition` (blocked before) or `game_over`.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %game_id))]
pub async fn ban_member(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(game_id): ApiPath<GameId>,
    ApiJson(request): ApiJson<BanMember>,
) -> Result<StatusCode, Error> {
    let now = operators.clock.now();
    let why = reason(&request.reason).map_err(|refused| wrong("reason", refused))?;
    let mut tx = operators.db.begin().await?;
    let mut game = lock(&mut tx, game_id).await?;
    let member = store::memberships::of(&mut tx, game_id, request.user_id)
        .await?
        .ok_or(Error::Missing("member of the game"))?;
    let ending = Ending {
        status: MembershipStatus::Blocked,
        reason: Some(&why),
        by: None,
    };
    end::block(&mut tx, &mut game, &member, ending, now).await?;
    let details = json!({"user_id": request.user_id});
    audit::record(
        &mut tx,
        &admin,
        "games.ban_member",
        "game",
        game_id,
        details,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
