//! SQL on entitlements: the records and the one in force.

use galaxy_core::{RecordId, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use crate::accounts::model::{Entitlement, LimitCode, Tier};

/// The granted entitlement; free if there is none.
#[instrument(name = "db.accounts.entitlement", skip_all, fields(%user_id))]
pub async fn entitlement(connection: &mut PgConnection, user_id: UserId) -> Result<Entitlement> {
    let row = sqlx::query!(
        r#"select tier as "tier: Tier", ends_at, max_registered_race_names
           from backend.entitlement_snapshots where user_id = $1"#,
        user_id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map_or(Entitlement::FREE, |row| Entitlement {
        tier: row.tier,
        ends_at: row.ends_at,
        max_registered_race_names: row.max_registered_race_names.cast_unsigned(),
    }))
}

/// The granted entitlement and the value that an operator has set for `limit`, in one query.
#[instrument(name = "db.accounts.entitlement_and_limit", skip_all, fields(%user_id))]
pub async fn entitlement_and_limit(
    connection: &mut PgConnection,
    user_id: UserId,
    limit: LimitCode,
    now: Timestamp,
) -> Result<(Entitlement, Option<u32>)> {
    let row = sqlx::query!(
        r#"select s.tier as "tier: Tier", s.ends_at, s.max_registered_race_names, l.value as "value?"
           from backend.entitlement_snapshots s
           left join backend.limit_active l on l.user_id = s.user_id and l.limit_code = $2
               and (l.expires_at is null or l.expires_at > $3)
           where s.user_id = $1"#,
        user_id.uuid(),
        limit.as_str(),
        now,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map_or((Entitlement::FREE, None), |row| {
        let entitlement = Entitlement {
            tier: row.tier,
            ends_at: row.ends_at,
            max_registered_race_names: row.max_registered_race_names.cast_unsigned(),
        };
        (entitlement, row.value.map(i32::cast_unsigned))
    }))
}

/// A change of an entitlement.
#[derive(Debug)]
pub struct Grant<'a> {
    pub user_id: UserId,
    pub tier: Tier,
    pub ends_at: Option<Timestamp>,
    /// Where it comes from: `admin`, `purchase`, `expiry`, …
    pub source: &'a str,
    pub reason: Option<&'a str>,
    pub actor: &'a str,
}

/// Adds the record and puts the entitlement in force.
#[instrument(name = "db.accounts.grant", skip_all, fields(user_id = %grant.user_id))]
pub async fn grant(
    connection: &mut PgConnection,
    grant: &Grant<'_>,
    now: Timestamp,
) -> Result<RecordId> {
    let record_id = RecordId::generate();
    sqlx::query!(
        "with noted as (
             insert into backend.entitlement_records (record_id, user_id, tier, source, reason, actor, ends_at, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8))
         insert into backend.entitlement_snapshots (user_id, tier, max_registered_race_names, ends_at, taken_at)
         values ($2, $3, $9, $7, $8)
         on conflict (user_id) do update set tier = excluded.tier, ends_at = excluded.ends_at,
             max_registered_race_names = excluded.max_registered_race_names, taken_at = excluded.taken_at",
        record_id.uuid(),
        grant.user_id.uuid(),
        grant.tier.as_str(),
        grant.source,
        grant.reason,
        grant.actor,
        grant.ends_at,
        now,
        LimitCode::MaxRegisteredRaceNames.default_for(grant.tier).cast_signed(),
    )
    .execute(connection)
    .await?;
    Ok(record_id)
}

/// Up to `batch` accounts whose paid tier has ended.
#[instrument(name = "db.accounts.ended_entitlements", skip_all)]
pub async fn ended_entitlements(
    connection: &mut PgConnection,
    now: Timestamp,
    batch: i64,
) -> Result<Vec<UserId>> {
    let rows = sqlx::query_scalar!(
        "select user_id from backend.entitlement_snapshots where ends_at <= $1
         order by ends_at limit $2",
        now,
        batch,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(UserId).collect())
}
