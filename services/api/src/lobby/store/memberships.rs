//! Memberships: one row for each player and game, never deleted.

use galaxy_core::{GameId, Limit, MembershipId, Page, Timestamp, UserId};
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;
use tracing::instrument;

use crate::lobby::model::MembershipStatus;

/// A place in a game.
#[derive(Debug, Clone)]
pub struct Membership {
    pub membership_id: MembershipId,
    pub game_id: GameId,
    pub user_id: UserId,
    pub race_name: String,
    /// The canonical form of the race name.
    pub race_canonical: String,
    pub status: MembershipStatus,
    /// When the player first joined.
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// A query for memberships: `select <all columns> from backend.memberships <rest>`.
macro_rules! memberships {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Membership,
            r#"select membership_id, game_id, user_id, race_name, race_canonical, status as "status: _",
                      created_at, ended_at
               from backend.memberships "# + $rest,
            $($argument),*
        )
    };
}

/// The membership, if it is one of this game.
#[instrument(name = "db.lobby.membership", skip_all, fields(%game_id, %id))]
pub async fn find(
    connection: &mut PgConnection,
    game_id: GameId,
    id: MembershipId,
) -> Result<Option<Membership>> {
    Ok(memberships!(
        "where membership_id = $1 and game_id = $2",
        id.uuid(),
        game_id.uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// The player's place in the game, whatever its status.
#[instrument(name = "db.lobby.membership_of", skip_all, fields(%game_id, %user_id))]
pub async fn of(
    connection: &mut PgConnection,
    game_id: GameId,
    user_id: UserId,
) -> Result<Option<Membership>> {
    Ok(memberships!(
        "where game_id = $1 and user_id = $2",
        game_id.uuid(),
        user_id.uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// The active members in the order they joined, 64 at most.
#[instrument(name = "db.lobby.active_members", skip_all, fields(%game_id))]
pub async fn active(tx: &mut Tx, game_id: GameId) -> Result<Vec<Membership>> {
    Ok(memberships!(
        "where game_id = $1 and status = 'active' order by created_at, membership_id",
        game_id.uuid()
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// How many games that are not over the player is in.
#[instrument(name = "db.lobby.count_memberships", skip_all, fields(%user_id))]
pub async fn count_active(tx: &mut Tx, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from backend.memberships m join backend.games g using (game_id)
           where m.user_id = $1 and m.status = 'active' and g.status not in ('finished', 'cancelled')"#,
        user_id.uuid(),
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Makes the player a member, or a member again. A race that an active member has fails on `memberships_race_idx`;
/// `None` if the player is blocked or active already.
#[instrument(name = "db.lobby.join", skip_all, fields(%game_id, %user_id))]
pub async fn join(
    tx: &mut Tx,
    game_id: GameId,
    user_id: UserId,
    race: (&str, &str),
    now: Timestamp,
) -> Result<Option<Membership>> {
    Ok(sqlx::query_as!(
        Membership,
        r#"insert into backend.memberships as m
               (membership_id, game_id, user_id, race_name, race_canonical, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $6)
           on conflict (game_id, user_id) do update
           set status = 'active', race_name = $4, race_canonical = $5, reason = null, ended_at = null, updated_at = $6
           where m.status = 'removed'
           returning membership_id, game_id, user_id, race_name, race_canonical, status as "status: _",
                     created_at, ended_at"#,
        MembershipId::generate().uuid(),
        game_id.uuid(),
        user_id.uuid(),
        race.0,
        race.1,
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Ends an active membership; `false` if it is not active.
#[instrument(name = "db.lobby.end_membership", skip_all, fields(%id))]
pub async fn end(
    tx: &mut Tx,
    id: MembershipId,
    status: MembershipStatus,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let ended = sqlx::query!(
        "update backend.memberships set status = $2, reason = $3, ended_at = $4, updated_at = $4
         where membership_id = $1 and status = 'active'",
        id.uuid(),
        status as _,
        reason,
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(ended == 1)
}

/// Turns a removed membership into a blocked one; `false` if it is not removed.
#[instrument(name = "db.lobby.block_removed", skip_all, fields(%id))]
pub async fn block_removed(
    tx: &mut Tx,
    id: MembershipId,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let blocked = sqlx::query!(
        "update backend.memberships set status = 'blocked', reason = $2, updated_at = $3
         where membership_id = $1 and status = 'removed'",
        id.uuid(),
        reason,
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(blocked == 1)
}

/// The position of a member in a list.
pub type ByAge = (Timestamp, MembershipId);

/// A page of the game's memberships in the order they began; only active ones unless `all`.
#[instrument(name = "db.lobby.list_memberships", skip_all, fields(%game_id))]
pub async fn list(
    connection: &mut PgConnection,
    list: &str,
    game_id: GameId,
    all: bool,
    limit: Limit,
    after: Option<ByAge>,
) -> Result<Page<Membership>> {
    let (at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, MembershipId(uuid::Uuid::nil())));
    let rows = memberships!(
        "where game_id = $1 and (created_at, membership_id) > ($2, $3) and ($4 or status = 'active')
         order by created_at, membership_id limit $5",
        game_id.uuid(),
        at,
        id.uuid(),
        all,
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(Page::cut(rows, limit, list, |member: &Membership| {
        (member.created_at, member.membership_id)
    }))
}
