//! Whether the database can be worked with: for readiness, and at start.

use std::time::Duration;

use sqlx::PgConnection;

use crate::{Db, migrate, server_state};

/// How long the probe waits for a connection before it finds out why there is none: less than a probe may take as a whole.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// The server takes no writes.
#[derive(Debug, thiserror::Error)]
#[error("Postgres is read-only: a standby, or default_transaction_read_only is on")]
pub(crate) struct ReadOnly;

/// Why the database cannot be worked with right now, if it cannot.
pub(crate) async fn postgres(db: &Db) -> Result<(), String> {
    if server_state::is_disk_full() {
        return Err("Postgres has no space left on its disk".to_owned());
    }
    let Ok(connection) = tokio::time::timeout(ACQUIRE_TIMEOUT, db.acquire()).await else {
        return Err(db.connections().diagnose(db.pool()).await.to_string());
    };
    let mut connection = connection.map_err(|error| error.to_string())?;
    let writable = writable(&mut connection)
        .await
        .map_err(|error| error.to_string())?;
    writable.map_err(|error| error.to_string())?;
    migrate::check(&mut connection)
        .await
        .map_err(|error| error.to_string())
}

/// The inner error: the server only reads.
pub(crate) async fn writable(
    connection: &mut PgConnection,
) -> Result<Result<(), ReadOnly>, sqlx::Error> {
    let is_read_only: bool = sqlx::query_scalar(
        "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean",
    )
    .fetch_one(connection)
    .await?;
    if is_read_only {
        server_state::note_read_only();
        return Ok(Err(ReadOnly));
    }
    Ok(Ok(()))
}
