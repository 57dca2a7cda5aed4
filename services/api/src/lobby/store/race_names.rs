//! The directory of race names.

use galaxy_core::{GameId, Limit, Page, RaceName, RaceNameId, Timestamp, UserId};
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;
use tracing::instrument;

use crate::lobby::model::RaceNameStatus;

/// A held race name.
#[derive(Debug, Clone)]
pub struct HeldName {
    pub race_name_id: RaceNameId,
    pub name: String,
    pub status: RaceNameStatus,
    pub owner_user_id: UserId,
    /// The game it was reserved or earned in.
    pub game_id: Option<GameId>,
    /// The end of registration of a pending name.
    pub expires_at: Option<Timestamp>,
    pub registered_at: Option<Timestamp>,
    /// When it was first held.
    pub created_at: Timestamp,
}

/// A query for names: `select <all columns> from backend.race_names <rest>`.
macro_rules! names {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            HeldName,
            r#"select race_name_id, name, status as "status: _", owner_user_id, game_id as "game_id: _",
                      expires_at, registered_at, created_at
               from backend.race_names "# + $rest,
            $($argument),*
        )
    };
}

/// The row that holds this key in any tier.
#[instrument(name = "db.lobby.race_name_holder", skip_all)]
pub async fn holder(connection: &mut PgConnection, canonical: &str) -> Result<Option<HeldName>> {
    Ok(names!(
        "where canonical = $1 and status in ('registered', 'reservation', 'pending_registration')",
        canonical
    )
    .fetch_optional(connection)
    .await?)
}

/// Reserves the name for a game; `false` if it is held in any tier, even by the same player. Of concurrent reservations
/// one waits for the other and then finds the name held.
#[instrument(name = "db.lobby.reserve_race_name", skip_all, fields(%user_id, %game_id))]
pub async fn reserve(
    tx: &mut Tx,
    race: (&str, &str),
    user_id: UserId,
    game_id: GameId,
    now: Timestamp,
) -> Result<bool> {
    let reserved = sqlx::query!(
        "insert into backend.race_names
             (race_name_id, name, canonical, status, owner_user_id, game_id, created_at, updated_at)
         values ($1, $2, $3, 'reservation', $4, $5, $6, $6)
         on conflict (canonical) where status in ('registered', 'reservation', 'pending_registration') do nothing",
        RaceNameId::generate().uuid(),
        race.0,
        race.1,
        user_id.uuid(),
        game_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(reserved == 1)
}

/// Releases the player's reservation in a game, if there is one; returns the name.
#[instrument(name = "db.lobby.release_reservation", skip_all, fields(%user_id, %game_id))]
pub async fn release_reservation(
    tx: &mut Tx,
    user_id: UserId,
    game_id: GameId,
    now: Timestamp,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "update backend.race_names set status = 'released', released_at = $3, updated_at = $3
         where game_id = $1 and owner_user_id = $2 and status = 'reservation' returning name",
        game_id.uuid(),
        user_id.uuid(),
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// The reservations of a game, by id, locked.
#[instrument(name = "db.lobby.reservations", skip_all, fields(%game_id))]
pub async fn reservations(tx: &mut Tx, game_id: GameId) -> Result<Vec<HeldName>> {
    Ok(names!(
        "where game_id = $1 and status = 'reservation' order by race_name_id for update",
        game_id.uuid()
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Makes a reservation one that can be registered until `expires_at`.
#[instrument(name = "db.lobby.promote_race_name", skip_all, fields(%id))]
pub async fn make_pending(
    tx: &mut Tx,
    id: RaceNameId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let promoted = sqlx::query!(
        "update backend.race_names set status = 'pending_registration', expires_at = $2, updated_at = $3
         where race_name_id = $1 and status = 'reservation'",
        id.uuid(),
        expires_at,
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(promoted == 1)
}

/// Registers a pending name for good; `false` if it no longer is pending.
#[instrument(name = "db.lobby.register_race_name", skip_all, fields(%id))]
pub async fn register(tx: &mut Tx, id: RaceNameId, now: Timestamp) -> Result<bool> {
    let registered = sqlx::query!(
        "update backend.race_names
         set status = 'registered', expires_at = null, registered_at = $2, updated_at = $2
         where race_name_id = $1 and status = 'pending_registration'",
        id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(registered == 1)
}

/// Releases a held name; `false` if it is released already.
#[instrument(name = "db.lobby.release_race_name", skip_all, fields(%id))]
pub async fn release(tx: &mut Tx, id: RaceNameId, now: Timestamp) -> Result<bool> {
    let released = sqlx::query!(
        "update backend.race_names
         set status = 'released', expires_at = null, released_at = $2, updated_at = $2
         where race_name_id = $1 and status <> 'released'",
        id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(released == 1)
}

/// Every name that the player holds, locked.
#[instrument(name = "db.lobby.race_names_held_by", skip_all, fields(%user_id))]
pub async fn held_by(tx: &mut Tx, user_id: UserId) -> Result<Vec<HeldName>> {
    Ok(names!(
        "where owner_user_id = $1 and status <> 'released' order by race_name_id for update",
        user_id.uuid()
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The name of this key that the player holds, locked.
#[instrument(name = "db.lobby.own_race_name", skip_all, fields(%user_id))]
pub async fn lock_own(tx: &mut Tx, user_id: UserId, name: &RaceName) -> Result<Option<HeldName>> {
    Ok(names!(
        "where canonical = $1 and owner_user_id = $2
               and status in ('registered', 'reservation', 'pending_registration') for update",
        name.canonical(),
        user_id.uuid()
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// How many names the player has registered.
#[instrument(name = "db.lobby.count_registered", skip_all, fields(%user_id))]
pub async fn count_registered(tx: &mut Tx, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from backend.race_names where owner_user_id = $1 and status = 'registered'"#,
        user_id.uuid(),
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Up to `batch` pending names whose time is over, locked; those that others work on are left aside.
#[instrument(name = "db.lobby.expired_race_names", skip_all)]
pub async fn expired(tx: &mut Tx, now: Timestamp, batch: i64) -> Result<Vec<HeldName>> {
    Ok(names!(
        "where status = 'pending_registration' and expires_at <= $1
         order by expires_at, race_name_id limit $2 for update skip locked",
        now,
        batch
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The position of a name in a list.
pub type ByAge = (Timestamp, RaceNameId);

/// A page of the names that the player holds, oldest first.
#[instrument(name = "db.lobby.list_race_names", skip_all, fields(%user_id))]
pub async fn list_held(
    connection: &mut PgConnection,
    list: &str,
    user_id: UserId,
    limit: Limit,
    after: Option<ByAge>,
) -> Result<Page<HeldName>> {
    let (at, id) = after.unwrap_or((Timestamp::UNIX_EPOCH, RaceNameId(uuid::Uuid::nil())));
    let rows = names!(
        "where owner_user_id = $1 and status <> 'released' and (created_at, race_name_id) > ($2, $3)
         order by created_at, race_name_id limit $4",
        user_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(Page::cut(rows, limit, list, |name: &HeldName| {
        (name.created_at, name.race_name_id)
    }))
}
