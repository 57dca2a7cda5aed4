//! Gives routes up, and replays them for an operator.

use galaxy_core::RouteId;
use galaxy_store::Tx;
use uuid::Uuid;

/// Why a dead letter cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The id is unknown.
    #[error("there is no such dead letter")]
    NotFound,
    /// It was replayed already, or its route is not dead any more.
    #[error("the dead letter was replayed already")]
    Replayed,
    /// A query failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

impl From<sqlx::Error> for ReplayError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Marks a route as dead and writes a dead letter with the reason.
pub(crate) async fn give_up(tx: &mut Tx, route: RouteId, reason: &str) -> galaxy_store::Result<()> {
    let reason: String = reason.chars().take(1_000).collect();
    sqlx::query!(
        "with dead as (
             update backend.notification_routes
             set status = 'dead', reason = $2, lease_token = null, lease_expires_at = null, updated_at = now()
             where route_id = $1 returning route_id, notification_id)
         insert into backend.notification_dead_letters (dead_letter_id, notification_id, route_id, reason)
         select $3, notification_id, route_id, $2 from dead",
        route.uuid(),
        reason,
        Uuid::now_v7(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes the route of a dead letter due again, with no attempts counted.
#[tracing::instrument(name = "notifications.replay", skip_all, fields(%dead_letter_id))]
pub async fn replay(tx: &mut Tx, dead_letter_id: Uuid) -> Result<(), ReplayError> {
    let letter = sqlx::query!(
        r#"select route_id as "route_id!", replayed_at is not null as "is_replayed!"
         from backend.notification_dead_letters where dead_letter_id = $1 and route_id is not null for update"#,
        dead_letter_id,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(ReplayError::NotFound)?;
    let revived = sqlx::query!(
        "update backend.notification_routes
         set status = 'pending', reason = null, attempts = 0, next_attempt_at = now(), updated_at = now()
         where route_id = $1 and status = 'dead'",
        letter.route_id,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if letter.is_replayed || revived == 0 {
        return Err(ReplayError::Replayed);
    }
    sqlx::query!(
        "update backend.notification_dead_letters set replayed_at = now() where dead_letter_id = $1",
        dead_letter_id,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
