//! All SQL on country counters.

use galaxy_core::{Limit, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

/// How often an account was used from a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub user_id: UserId,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub count: i64,
    pub last_seen_at: Timestamp,
}

/// Adds to the counters, in the order given. Deleted accounts are left out, those included whose deletion is under way.
#[instrument(name = "db.geo.add", skip_all, fields(rows = counts.len()))]
pub async fn add(connection: &mut PgConnection, counts: &[Count]) -> Result<()> {
    let users: Vec<Uuid> = counts.iter().map(|c| c.user_id.uuid()).collect();
    let countries: Vec<String> = counts.iter().map(|c| c.country.clone()).collect();
    let numbers: Vec<i64> = counts.iter().map(|c| c.count).collect();
    let at: Vec<_> = counts.iter().map(|c| c.last_seen_at).collect();
    sqlx::query!(
        "with live as (
             select user_id from backend.accounts where user_id = any($1) and deleted_at is null
             order by user_id for key share)
         insert into backend.user_country_counters as c (user_id, country, count, last_seen_at)
         select n.user_id, n.country, n.count, n.at
         from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[]) n (user_id, country, count, at)
         join live using (user_id)
         order by n.user_id, n.country
         on conflict (user_id, country) do update set count = c.count + excluded.count,
             last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at)",
        &users,
        &countries,
        &numbers,
        &at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The counters of an account after `after`, the most used country first.
#[instrument(name = "db.geo.list", skip_all, fields(%user_id))]
pub async fn list(
    connection: &mut PgConnection,
    user_id: UserId,
    after: Option<(i64, String)>,
    limit: Limit,
) -> Result<Vec<Count>> {
    let (after_count, after_country) = after.unzip();
    Ok(sqlx::query_as!(
        Count,
        "select user_id, country, count, last_seen_at from backend.user_country_counters
         where user_id = $1 and ($2::bigint is null or (-count, country) > (-$2, $3))
         order by -count, country limit $4",
        user_id.uuid(),
        after_count,
        after_country,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?)
}

/// Removes the counters of an account that is being deleted.
#[instrument(name = "db.geo.remove", skip_all, fields(%user_id))]
pub async fn remove(connection: &mut PgConnection, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "delete from backend.user_country_counters where user_id = $1",
        user_id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}
