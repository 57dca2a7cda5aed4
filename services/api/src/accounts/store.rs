//! All SQL on accounts.

use galaxy_core::UserId;
use galaxy_store::Result;
use jiff::Timestamp;
use sqlx::PgConnection;
use tracing::instrument;

/// What decides whether an account may call at all.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Blocked for good.
    pub permanent_block: bool,
}

/// The standing of an account that exists and is not deleted.
#[instrument(name = "db.accounts.standing", skip_all, fields(%user_id))]
pub async fn standing(connection: &mut PgConnection, user_id: UserId) -> Result<Option<Standing>> {
    Ok(sqlx::query_as!(
        Standing,
        "select permanent_block from backend.accounts where user_id = $1 and deleted_at is null",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}

/// An account row.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub user_id: UserId,
    /// The name people see.
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The account, deleted ones excepted.
#[instrument(name = "db.accounts.find", skip_all, fields(%user_id))]
pub async fn find(connection: &mut PgConnection, user_id: UserId) -> Result<Option<Account>> {
    Ok(sqlx::query_as!(
        Account,
        "select user_id, display_name, created_at from backend.accounts where user_id = $1 and deleted_at is null",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}
