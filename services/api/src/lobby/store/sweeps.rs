//! Games that sweeps and the end of an account look for.

use galaxy_core::{GameId, Timestamp, UserId};
use galaxy_store::{Result, Tx};
use tracing::instrument;

/// Up to `batch` games past the end of their enrollment that have enough players.
///
/// Games without enough players stay open until their owner acts; they are skipped by the filter, not locked.
#[instrument(name = "db.lobby.enrollment_ended", skip_all)]
pub async fn enrollment_ended(tx: &mut Tx, now: Timestamp, batch: i64) -> Result<Vec<GameId>> {
    let rows = sqlx::query_scalar!(
        "select game_id from backend.games
         where status = 'enrollment_open' and enrollment_ends_at <= $1 and approved_count >= min_players
         order by enrollment_ends_at, game_id limit $2 for no key update skip locked",
        now,
        batch,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(GameId).collect())
}

/// The games that a leaving player owns or plays in and that are not over, locked in the order of their ids.
#[instrument(name = "db.lobby.lock_games_of", skip_all, fields(%user_id))]
pub async fn lock_games_of(tx: &mut Tx, user_id: UserId) -> Result<Vec<GameId>> {
    let rows = sqlx::query_scalar!(
        "select game_id from backend.games
         where status not in ('finished', 'cancelled')
               and (owner_user_id = $1
                    or game_id in (select game_id from backend.memberships where user_id = $1 and status = 'active'))
         order by game_id for no key update",
        user_id.uuid(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(GameId).collect())
}
