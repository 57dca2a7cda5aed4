//! All SQL that lists and changes admin accounts.

use galaxy_core::{Limit, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

/// An operator's account, without its password.
#[derive(Debug, Clone)]
pub struct AdminAccount {
    pub username: String,
    pub created_at: Timestamp,
    /// When its password was last verified; behind by the minutes for which a verified password is cached.
    pub last_used_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
}

/// Creates an account; `false` if the name is taken.
#[instrument(name = "db.admin.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    username: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query!(
        "insert into backend.admin_accounts (username, password_hash, created_at, password_changed_at)
         values ($1, $2, $3, $3) on conflict do nothing",
        username,
        password_hash,
        now,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// Whether an account has this name, enabled or disabled.
#[instrument(name = "db.admin.exists", skip_all)]
pub async fn exists(connection: &mut PgConnection, username: &str) -> Result<bool> {
    Ok(find(connection, username).await?.is_some())
}

/// The account of that name.
#[instrument(name = "db.admin.find", skip_all)]
pub async fn find(connection: &mut PgConnection, username: &str) -> Result<Option<AdminAccount>> {
    Ok(sqlx::query_as!(
        AdminAccount,
        "select username, created_at, last_used_at, disabled_at from backend.admin_accounts where username = $1",
        username,
    )
    .fetch_optional(connection)
    .await?)
}

/// Accounts after `after`, ordered by name.
#[instrument(name = "db.admin.list", skip_all)]
pub async fn list(
    connection: &mut PgConnection,
    after: Option<&str>,
    limit: Limit,
) -> Result<Vec<AdminAccount>> {
    Ok(sqlx::query_as!(
        AdminAccount,
        "select username, created_at, last_used_at, disabled_at from backend.admin_accounts
         where username > coalesce($1, '') order by username limit $2",
        after,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?)
}

/// Locks all enabled accounts and returns their names. This serialises operators who disable each other.
#[instrument(name = "db.admin.lock_enabled", skip_all)]
pub async fn lock_enabled(connection: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select username from backend.admin_accounts where disabled_at is null order by username for update",
    )
    .fetch_all(connection)
    .await?)
}

/// Disables the account, or enables it if `disabled_at` is `None`; `false` if there is no such account.
#[instrument(name = "db.admin.set_disabled", skip_all)]
pub async fn set_disabled(
    connection: &mut PgConnection,
    username: &str,
    disabled_at: Option<Timestamp>,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update backend.admin_accounts
         set disabled_at = case when $2::timestamptz is null then null else coalesce(disabled_at, $2) end
         where username = $1",
        username,
        disabled_at,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// Replaces the password; `false` if there is no such account.
#[instrument(name = "db.admin.set_password", skip_all)]
pub async fn set_password(
    connection: &mut PgConnection,
    username: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update backend.admin_accounts set password_hash = $2, password_changed_at = $3 where username = $1",
        username,
        password_hash,
        now,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}
