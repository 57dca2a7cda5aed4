//! The SQL of an operator's sign-in.

use galaxy_core::Timestamp;
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

/// The password hash of an enabled account.
#[instrument(name = "db.admin.password_hash", skip_all)]
pub async fn password_hash(
    connection: &mut PgConnection,
    username: &str,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select password_hash from backend.admin_accounts where username = $1 and disabled_at is null",
        username,
    )
    .fetch_optional(connection)
    .await?)
}

/// Records that the password was verified at `now`.
#[instrument(name = "db.admin.note_use", skip_all)]
pub async fn note_use(connection: &mut PgConnection, username: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.admin_accounts set last_used_at = $2 where username = $1",
        username,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
