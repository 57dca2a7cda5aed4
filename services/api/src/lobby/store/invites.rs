//! Invites, by name or by code.

use galaxy_core::{GameId, InviteId, Timestamp, UserId};
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;
use tracing::instrument;

use crate::lobby::model::InviteStatus;

/// An invitation to a game.
#[derive(Debug, Clone)]
pub struct Invite {
    pub invite_id: InviteId,
    pub game_id: GameId,
    /// `None` for an invite by code.
    pub invited_user_id: Option<UserId>,
    /// Keyed.
    pub code_hash: Option<Vec<u8>>,
    pub status: InviteStatus,
    pub redeemed_by_user_id: Option<UserId>,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    /// When it left `created`.
    pub decided_at: Option<Timestamp>,
}

/// A query for invites: `select <all columns> from backend.invites <rest>`.
macro_rules! invites {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::lobby::store::invites::Invite,
            r#"select invite_id, game_id, invited_user_id as "invited_user_id: _", code as code_hash, status as "status: _",
                      redeemed_by_user_id as "redeemed_by_user_id: _", expires_at, created_at, decided_at
               from backend.invites "# + $rest,
            $($argument),*
        )
    };
}
pub(super) use invites;

/// The invite, if it is one to this game.
#[instrument(name = "db.lobby.invite", skip_all, fields(%game_id, %id))]
pub async fn find(
    connection: &mut PgConnection,
    game_id: GameId,
    id: InviteId,
) -> Result<Option<Invite>> {
    Ok(invites!(
        "where invite_id = $1 and game_id = $2",
        id.uuid(),
        game_id.uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// Writes a new invite. A second open one for a player fails on `invites_open_idx`.
#[instrument(name = "db.lobby.insert_invite", skip_all, fields(game_id = %invite.game_id))]
pub async fn insert(tx: &mut Tx, invite: &Invite) -> Result<()> {
    sqlx::query!(
        "insert into backend.invites
             (invite_id, game_id, invited_user_id, code, expires_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        invite.invite_id.uuid(),
        invite.game_id.uuid(),
        invite.invited_user_id.map(UserId::uuid),
        invite.code_hash,
        invite.expires_at,
        invite.created_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Expires an open invite of the player to the game that has run out, so that a new one can take its place.
#[instrument(name = "db.lobby.expire_invite", skip_all, fields(%game_id, %user_id))]
pub async fn expire_stale(
    tx: &mut Tx,
    game_id: GameId,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.invites set status = 'expired', decided_at = $3, updated_at = $3
         where game_id = $1 and invited_user_id = $2 and status = 'created' and expires_at <= $3",
        game_id.uuid(),
        user_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Decides an invite; `false` if it is not open any more. `by` is the player who redeems it.
#[instrument(name = "db.lobby.decide_invite", skip_all, fields(%id))]
pub async fn decide(
    tx: &mut Tx,
    id: InviteId,
    status: InviteStatus,
    by: Option<UserId>,
    now: Timestamp,
) -> Result<bool> {
    let decided = sqlx::query!(
        "update backend.invites
         set status = $2, redeemed_by_user_id = $3, decided_at = $4, updated_at = $4
         where invite_id = $1 and status = 'created'",
        id.uuid(),
        status as _,
        by.map(UserId::uuid),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(decided == 1)
}

/// Revokes all open invites to a game; returns them.
#[instrument(name = "db.lobby.revoke_open_invites", skip_all, fields(%game_id))]
pub async fn revoke_open(tx: &mut Tx, game_id: GameId, now: Timestamp) -> Result<Vec<Invite>> {
    Ok(sqlx::query_as!(
        Invite,
        r#"update backend.invites set status = 'revoked', decided_at = $2, updated_at = $2
           where game_id = $1 and status = 'created'
           returning invite_id, game_id, invited_user_id as "invited_user_id: _", code as code_hash, status as "status: _",
                     redeemed_by_user_id as "redeemed_by_user_id: _", expires_at, created_at, decided_at"#,
        game_id.uuid(),
        now,
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Revokes all open invites that name a player; returns how many.
#[instrument(name = "db.lobby.revoke_invites_of", skip_all, fields(%user_id))]
pub async fn revoke_of(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<u64> {
    Ok(sqlx::query!(
        "update backend.invites set status = 'revoked', decided_at = $2, updated_at = $2
         where invited_user_id = $1 and status = 'created'",
        user_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected())
}

/// Revokes the open invite of one player to one game, if there is one.
#[instrument(name = "db.lobby.revoke_invite_of", skip_all, fields(%game_id, %user_id))]
pub async fn revoke_one(
    tx: &mut Tx,
    game_id: GameId,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.invites set status = 'revoked', decided_at = $3, updated_at = $3
         where game_id = $1 and invited_user_id = $2 and status = 'created'",
        game_id.uuid(),
        user_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Expires up to `batch` open invites that have run out, except rows that others have locked; returns them.
#[instrument(name = "db.lobby.expire_invites", skip_all)]
pub async fn expire_due(tx: &mut Tx, now: Timestamp, batch: i64) -> Result<Vec<Invite>> {
    Ok(sqlx::query_as!(
        Invite,
        r#"update backend.invites set status = 'expired', decided_at = $1, updated_at = $1
           where invite_id in (select invite_id from backend.invites
                               where status = 'created' and expires_at <= $1
                               order by expires_at, invite_id limit $2 for update skip locked)
           returning invite_id, game_id, invited_user_id as "invited_user_id: _", code as code_hash, status as "status: _",
                     redeemed_by_user_id as "redeemed_by_user_id: _", expires_at, created_at, decided_at"#,
        now,
        batch,
    )
    .fetch_all(&mut **tx)
    .await?)
}
