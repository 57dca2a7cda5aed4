//! SQL on the account rows.

use galaxy_core::{Locale, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use super::changes_one_row;

/// An account row, of a deleted account too.
#[derive(Debug, Clone)]
pub struct Account {
    pub user_id: UserId,
    /// The address as typed; `deleted-<id>` after deletion.
    pub delivery_email: String,
    /// Generated; never changes.
    pub user_name: String,
    /// The name other players see.
    pub display_name: String,
    pub preferred_language: String,
    pub time_zone: String,
    /// ISO 3166-1 code of the country of the first sign-in.
    pub declared_country: Option<String>,
    /// Notification preferences; absent members have their defaults.
    pub notifications: serde_json::Value,
    pub permanent_block: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

/// Whether an account is blocked for good; `None` if it does not exist or is deleted.
#[instrument(name = "db.accounts.is_blocked", skip_all, fields(%user_id))]
pub async fn is_blocked(connection: &mut PgConnection, user_id: UserId) -> Result<Option<bool>> {
    Ok(sqlx::query_scalar!(
        "select permanent_block from backend.accounts where user_id = $1 and deleted_at is null",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}

/// The account, a deleted one too.
#[instrument(name = "db.accounts.find", skip_all, fields(%user_id))]
pub async fn find(connection: &mut PgConnection, user_id: UserId) -> Result<Option<Account>> {
    Ok(sqlx::query_as!(
        Account,
        "select user_id, delivery_email, user_name, display_name, preferred_language, time_zone, declared_country,
                notifications, permanent_block, created_at, updated_at, deleted_at
         from backend.accounts where user_id = $1",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}

/// Locks the account against sanctions and deletion until the transaction ends. Requests of the same account do not wait
/// for each other. `false` if there is no such account.
#[instrument(name = "db.accounts.lock_for_use", skip_all, fields(%user_id))]
pub async fn lock_for_use(connection: &mut PgConnection, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        "select true from backend.accounts where user_id = $1 and deleted_at is null for key share",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?
    .is_some())
}

/// As [`lock_for_use`], and serialises requests that count against the account's limits.
#[instrument(name = "db.accounts.lock_for_count", skip_all, fields(%user_id))]
pub async fn lock_for_count(connection: &mut PgConnection, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        "select true from backend.accounts where user_id = $1 and deleted_at is null for no key update",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?
    .is_some())
}

/// Locks the account exclusively, for sanctions and deletion. Returns the normalised address; `None` if there is no such account.
#[instrument(name = "db.accounts.lock_for_change", skip_all, fields(%user_id))]
pub async fn lock_for_change(
    connection: &mut PgConnection,
    user_id: UserId,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select email from backend.accounts where user_id = $1 and deleted_at is null for update",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}

/// `false` if there is no such account.
#[instrument(name = "db.accounts.set_display_name", skip_all, fields(%user_id))]
pub async fn set_display_name(
    connection: &mut PgConnection,
    user_id: UserId,
    display_name: &str,
    now: Timestamp,
) -> Result<bool> {
    let update = sqlx::query!(
        "update backend.accounts set display_name = $2, updated_at = $3 where user_id = $1 and deleted_at is null",
        user_id.uuid(),
        display_name,
        now,
    );
    changes_one_row(connection, update).await
}

/// A change of settings; absent members stay unchanged.
#[derive(Debug, Default)]
pub struct SettingsChange {
    pub preferred_language: Option<Locale>,
    pub time_zone: Option<String>,
    /// Members of the notification preferences to set; `null` returns one to its default.
    pub notifications: Option<serde_json::Value>,
}

/// Merges `change` into the settings in one statement, so that parallel changes of different settings all stay.
#[instrument(name = "db.accounts.change_settings", skip_all, fields(%user_id))]
pub async fn change_settings(
    connection: &mut PgConnection,
    user_id: UserId,
    change: &SettingsChange,
    now: Timestamp,
) -> Result<bool> {
    let update = sqlx::query!(
        "update backend.accounts set
             preferred_language = coalesce($2, preferred_language),
             time_zone = coalesce($3, time_zone),
             notifications = jsonb_strip_nulls(notifications || coalesce($4, '{}'::jsonb)),
             updated_at = $5
         where user_id = $1 and deleted_at is null",
        user_id.uuid(),
        change.preferred_language.map(Locale::as_str),
        change.time_zone,
        change.notifications,
        now,
    );
    changes_one_row(connection, update).await
}

/// Sets or lifts the permanent block.
#[instrument(name = "db.accounts.set_permanent_block", skip_all, fields(%user_id))]
pub async fn set_permanent_block(
    connection: &mut PgConnection,
    user_id: UserId,
    blocked: bool,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.accounts set permanent_block = $2, updated_at = $3 where user_id = $1",
        user_id.uuid(),
        blocked,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks the account as deleted, frees its address, overwrites its personal fields and removes what is in force.
#[instrument(name = "db.accounts.erase", skip_all, fields(%user_id))]
pub async fn erase(connection: &mut PgConnection, user_id: UserId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "with sanctions as (delete from backend.sanction_active where user_id = $1),
         limits as (delete from backend.limit_active where user_id = $1),
         entitlement as (
             update backend.entitlement_snapshots set tier = 'free', ends_at = null, taken_at = $3 where user_id = $1)
         update backend.accounts set email = $2, delivery_email = $2, user_name = $2, display_name = $2,
             preferred_language = 'en', time_zone = 'UTC', declared_country = null, notifications = '{}',
             deleted_at = $3, updated_at = $3
         where user_id = $1 and deleted_at is null",
        user_id.uuid(),
        format!("deleted-{user_id}"),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
