//! Lists of applications and invites, of a player and of a game.

use galaxy_core::{ApplicationId, GameId, InviteId, Limit, Page, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use super::{
    applications::{Application, applications},
    invites::{Invite, invites},
};

/// The position of an application in a list.
pub type AfterApplication = (Timestamp, ApplicationId);
/// The position of an invite in a list.
pub type AfterInvite = (Timestamp, InviteId);

/// A page of the player's applications, newest first.
#[instrument(name = "db.lobby.applications_of", skip_all, fields(%user_id))]
pub async fn applications_of(
    connection: &mut PgConnection,
    list: &str,
    user_id: UserId,
    limit: Limit,
    after: Option<AfterApplication>,
) -> Result<Page<Application>> {
    let (at, id) = after.unwrap_or((Timestamp::MAX, ApplicationId(uuid::Uuid::max())));
    let rows = applications!(
        "where applicant_user_id = $1 and (created_at, application_id) < ($2, $3)
         order by created_at desc, application_id desc limit $4",
        user_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(cut_applications(rows, limit, list))
}

/// A page of the applications to a game, oldest first.
#[instrument(name = "db.lobby.applications_to", skip_all, fields(%game_id))]
pub async fn applications_to(
    connection: &mut PgConnection,
    list: &str,
    game_id: GameId,
    limit: Limit,
    after: Option<AfterApplication>,
) -> Result<Page<Application>> {
    let (at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, ApplicationId(uuid::Uuid::nil())));
    let rows = applications!(
        "where game_id = $1 and (created_at, application_id) > ($2, $3)
         order by created_at, application_id limit $4",
        game_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(cut_applications(rows, limit, list))
}

fn cut_applications(rows: Vec<Application>, limit: Limit, list: &str) -> Page<Application> {
    Page::cut(rows, limit, list, |row: &Application| {
        (row.created_at, row.application_id)
    })
}

/// A page of the invites that name the player, newest first.
#[instrument(name = "db.lobby.invites_of", skip_all, fields(%user_id))]
pub async fn invites_of(
    connection: &mut PgConnection,
    list: &str,
    user_id: UserId,
    limit: Limit,
    after: Option<AfterInvite>,
) -> Result<Page<Invite>> {
    let (at, id) = after.unwrap_or((Timestamp::MAX, InviteId(uuid::Uuid::max())));
    let rows = invites!(
        "where invited_user_id = $1 and (created_at, invite_id) < ($2, $3)
         order by created_at desc, invite_id desc limit $4",
        user_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(cut_invites(rows, limit, list))
}

/// A page of the invites to a game, oldest first.
#[instrument(name = "db.lobby.invites_to", skip_all, fields(%game_id))]
pub async fn invites_to(
    connection: &mut PgConnection,
    list: &str,
    game_id: GameId,
    limit: Limit,
    after: Option<AfterInvite>,
) -> Result<Page<Invite>> {
    let (at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, InviteId(uuid::Uuid::nil())));
    let rows = invites!(
        "where game_id = $1 and (created_at, invite_id) > ($2, $3)
         order by created_at, invite_id limit $4",
        game_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(cut_invites(rows, limit, list))
}

fn cut_invites(rows: Vec<Invite>, limit: Limit, list: &str) -> Page<Invite> {
    Page::cut(rows, limit, list, |row: &Invite| {
        (row.created_at, row.invite_id)
    })
}
