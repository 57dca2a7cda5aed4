//! Limits that hold across all replicas: hits per rule and subject, counted by Postgres in one atomic statement.

use std::{net::IpAddr, time::Duration};

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};
use sqlx::PgConnection;
use tracing::instrument;

/// At most `limit` hits in a window, which begins with its first hit.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What is counted, such as `auth.code.address`.
    pub bucket: &'static str,
    /// Hits allowed in one window.
    pub limit: u32,
    /// How long a window is.
    pub window: Duration,
}

impl Rule {
    /// When a window that begins `now` ends.
    pub fn ends(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.window)
    }

    pub(crate) fn limit_i32(&self) -> i32 {
        i32::try_from(self.limit).unwrap_or(i32::MAX)
    }
}

/// What stands for a source address in a subject: an IPv4 address, or the /64 network of an IPv6 address, since one host
/// has all of that.
pub fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

/// Takes one hit of `rule` for `subject`, a keyed hash ([`crate::keys::Keys::hash`]). `Some` is how long to wait: no hit
/// is left, and none was taken. Hits are exact however many callers race.
#[instrument(name = "db.throttle.take", skip_all, fields(bucket = rule.bucket))]
pub async fn take(
    connection: &mut PgConnection,
    rule: &Rule,
    subject: &[u8],
    now: Timestamp,
) -> Result<Option<Duration>> {
    let taken = sqlx::query!(
        "insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
         values ($1, $2, $3, 1, $4)
         on conflict (bucket, subject) do update set
             hits = case when t.expires_at <= $3 then 1 else t.hits + 1 end,
             window_start = case when t.expires_at <= $3 then $3 else t.window_start end,
             expires_at = case when t.expires_at <= $3 then $4 else t.expires_at end
         where t.expires_at <= $3 or t.hits < $5",
        rule.bucket,
        subject,
        now,
        rule.ends(now),
        rule.limit_i32(),
    )
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(None);
    }
    wait(connection, rule, subject, now)
        .await
        .map(|wait| wait.or(Some(Duration::from_secs(1))))
}

/// How long until `subject` has a hit of `rule` again; `None` if it has one now. Takes nothing.
#[instrument(name = "db.throttle.wait", skip_all, fields(bucket = rule.bucket))]
pub async fn wait(
    connection: &mut PgConnection,
    rule: &Rule,
    subject: &[u8],
    now: Timestamp,
) -> Result<Option<Duration>> {
    let until = sqlx::query_scalar!(
        "select expires_at from backend.throttle_counters
         where bucket = $1 and subject = $2 and expires_at > $3 and hits >= $4",
        rule.bucket,
        subject,
        now,
        rule.limit_i32(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(until.map(|until| {
        until
            .duration_since(now)
            .try_into()
            .unwrap_or(Duration::from_secs(1))
    }))
}

/// Gives one hit back, for what turned out not to count.
#[instrument(name = "db.throttle.give_back", skip_all, fields(bucket = rule.bucket))]
pub async fn give_back(connection: &mut PgConnection, rule: &Rule, subject: &[u8]) -> Result<()> {
    sqlx::query!(
        "update backend.throttle_counters set hits = hits - 1 where bucket = $1 and subject = $2 and hits > 0",
        rule.bucket,
        subject,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets up to `batch` counters whose window is over; says how many.
#[instrument(name = "db.throttle.sweep", skip_all)]
pub async fn sweep(db: &Db, now: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    Ok(sqlx::query!(
        "delete from backend.throttle_counters where (bucket, subject) in
             (select bucket, subject from backend.throttle_counters
              where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        batch,
    )
    .execute(&mut *connection)
    .await?
    .rows_affected())
}
