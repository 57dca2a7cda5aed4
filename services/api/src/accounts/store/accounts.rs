//! The account rows themselves.

use galaxy_core::{EmailAddress, Locale, RecordId, UserId};
use galaxy_store::Result;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use crate::accounts::model::Entitlement;

/// An account row.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub user_id: UserId,
    /// The address as typed; `deleted-<id>` after deletion.
    pub delivery_email: String,
    /// The unchanging name.
    pub user_name: String,
    /// The name people see.
    pub display_name: String,
    /// The language of mails.
    pub preferred_language: String,
    /// IANA time zone.
    pub time_zone: String,
    /// The country of the first sign-in.
    pub declared_country: Option<String>,
    /// Notification preferences; absent members have their defaults.
    pub notifications: serde_json::Value,
    /// Blocked for good.
    pub permanent_block: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The standing of an account that exists and is not deleted: whether it is blocked for good.
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
    let row = sqlx::query!(
        "select user_id, delivery_email, user_name, display_name, preferred_language, time_zone, declared_country,
                notifications, permanent_block, created_at, updated_at, deleted_at
         from backend.accounts where user_id = $1",
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Account {
        user_id: row.user_id.into(),
        delivery_email: row.delivery_email,
        user_name: row.user_name,
        display_name: row.display_name,
        preferred_language: row.preferred_language,
        time_zone: row.time_zone,
        declared_country: row.declared_country,
        notifications: row.notifications,
        permanent_block: row.permanent_block,
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
        deleted_at: row.deleted_at.map(jiff_sqlx::Timestamp::to_jiff),
    }))
}

/// Keeps sanctions, deletion and other changes of standing out until the transaction ends; requests of the same account
/// do not wait for each other. `false` if there is no such account.
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

/// As [`lock_for_use`], and makes others who count against this account's limits wait too.
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

/// Waits for all who use the account and keeps others out: before a change of its standing. Gives the normalised
/// address; `None` if there is no such account.
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

/// What a first sign-in knows of a person.
#[derive(Debug)]
pub struct NewAccount {
    /// Its id.
    pub user_id: UserId,
    /// The address.
    pub email: EmailAddress,
    /// A generated name, unique.
    pub user_name: String,
    /// The language of mails.
    pub language: Locale,
    /// IANA time zone.
    pub time_zone: String,
    /// Where the sign-in came from.
    pub country: Option<String>,
}

/// An account that signs in, locked.
#[derive(Debug)]
pub struct Ensured {
    /// Its address.
    pub email: String,
    /// Its id.
    pub user_id: UserId,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Finds the accounts of the addresses `identities` and locks them for a sign-in, which counts their sessions; makes those
/// of `new` that are not found, with their free entitlements. Those left out have their address or name taken by another
/// transaction, or their name by another account.
#[instrument(name = "db.accounts.ensure_all", skip_all, fields(batch = identities.len()))]
pub async fn ensure_all(
    connection: &mut PgConnection,
    identities: &[&str],
    new: &[NewAccount],
    now: Timestamp,
) -> Result<Vec<Ensured>> {
    let ids: Vec<Uuid> = new.iter().map(|account| account.user_id.uuid()).collect();
    let emails: Vec<&str> = new.iter().map(|account| account.email.identity()).collect();
    let typed: Vec<&str> = new.iter().map(|account| account.email.typed()).collect();
    let names: Vec<&str> = new
        .iter()
        .map(|account| account.user_name.as_str())
        .collect();
    let languages: Vec<&str> = new
        .iter()
        .map(|account| account.language.as_str())
        .collect();
    let zones: Vec<&str> = new
        .iter()
        .map(|account| account.time_zone.as_str())
        .collect();
    let countries: Vec<Option<&str>> = new
        .iter()
        .map(|account| account.country.as_deref())
        .collect();
    let records: Vec<Uuid> = new.iter().map(|_| RecordId::generate().uuid()).collect();
    let rows = sqlx::query!(
        r#"with found as (
             select user_id, email from backend.accounts where email = any($11::text[]) order by user_id
             for no key update),
         new as (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::uuid[]) n (user_id, email, typed, name, language, zone, country, record_id)),
         made as (
             insert into backend.accounts (user_id, email, delivery_email, user_name, display_name, preferred_language,
                 time_zone, declared_country, created_at, updated_at)
             select user_id, email, typed, name, name, language, zone, country, $9, $9 from new
             where email collate "C" not in (select email from found) order by email
             on conflict do nothing
             returning user_id, email),
         noted as (
             insert into backend.entitlement_records (record_id, user_id, tier, source, created_at)
             select new.record_id, new.user_id, 'free', 'registration', $9 from new join made on made.user_id = new.user_id),
         entitled as (
             insert into backend.entitlement_snapshots (user_id, tier, max_registered_race_names, taken_at)
             select user_id, 'free', $10, $9 from made)
         select email as "email!", user_id as "user_id!", false as "is_new!" from found
         union all select email, user_id, true from made"#,
        &ids,
        &emails as _,
        &typed as _,
        &names as _,
        &languages as _,
        &zones as _,
        &countries as _,
        &records,
        now.to_sqlx() as _,
        Entitlement::FREE.max_registered_race_names.cast_signed(),
        identities as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Ensured {
            email: row.email,
            user_id: row.user_id.into(),
            is_new: row.is_new,
        })
        .collect())
}

/// Sets the display name.
#[instrument(name = "db.accounts.set_display_name", skip_all, fields(%user_id))]
pub async fn set_display_name(
    connection: &mut PgConnection,
    user_id: UserId,
    display_name: &str,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query!(
        "update backend.accounts set display_name = $2, updated_at = $3 where user_id = $1 and deleted_at is null",
        user_id.uuid(),
        display_name,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
}

/// A change of settings; what is absent stays.
#[derive(Debug, Default)]
pub struct SettingsChange {
    /// The language of mails.
    pub preferred_language: Option<Locale>,
    /// IANA time zone.
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
    Ok(sqlx::query!(
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
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?
    .rows_affected()
        == 1)
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
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks the account as deleted, frees its address, replaces everything that says whose it was, and empties the roll-ups.
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
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
