//! Blocked addresses and expired challenges.

use galaxy_core::Timestamp;
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

/// Blocks an address, or a domain given as `@domain`.
#[instrument(name = "db.auth.block_email", skip_all)]
pub async fn block_email(
    connection: &mut PgConnection,
    email: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into backend.blocked_emails (email, blocked_at, reason) values ($1, $2, $3) on conflict do nothing",
        email,
        now,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lifts the block of an address.
#[instrument(name = "db.auth.unblock_email", skip_all)]
pub async fn unblock_email(connection: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!("delete from backend.blocked_emails where email = $1", email)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes the challenges of an address whose account is deleted or blocked.
#[instrument(name = "db.auth.drop_challenges", skip_all)]
pub async fn drop_challenges(connection: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!(
        "delete from backend.auth_challenges where email = $1",
        email
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes up to `batch` challenges that expired before `before`; returns how many.
#[instrument(name = "db.auth.sweep_challenges", skip_all)]
pub async fn sweep_challenges(
    connection: &mut PgConnection,
    before: Timestamp,
    batch: i64,
) -> Result<u64> {
    Ok(sqlx::query!(
        "delete from backend.auth_challenges where challenge_id in
             (select challenge_id from backend.auth_challenges
              where expires_at < $1 order by expires_at limit $2 for update skip locked)",
        before,
        batch,
    )
    .execute(connection)
    .await?
    .rows_affected())
}
