//! Limits that hold across all replicas: hits per rule and subject, counted by Postgres in one atomic statement.

use std::time::Duration;

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

/// Counts hits of `rule`, one for each time a subject is named, except where no hit is left; the windows of all begin
/// `now` or earlier. Hits beyond the limit that come with one that is within it are counted too.
///
/// Returns the subjects that were counted. The upsert is also part of `auth/store/request_codes.sql`, since a statement of
/// its own would cost a round trip there.
#[instrument(name = "db.throttle.count", skip_all, fields(bucket = rule.bucket))]
pub async fn count(
    connection: &mut PgConnection,
    rule: &Rule,
    subjects: &[&[u8]],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>> {
    Ok(sqlx::query_file_scalar!(
        "src/throttle/count.sql",
        rule.bucket,
        subjects as _,
        now as _,
        rule.ends(now) as _,
        rule.limit_i32(),
    )
    .fetch_all(connection)
    .await?)
}

/// Takes one hit of `rule` for `subject`, a keyed hash ([`crate::keys::Keys::hash`]). `Some` is how long to wait: no hit
/// is left, and none was taken. Hits are exact however many callers take them at the same time.
pub async fn take(
    connection: &mut PgConnection,
    rule: &Rule,
    subject: &[u8],
    now: Timestamp,
) -> Result<Option<Duration>> {
    if !count(connection, rule, &[subject], now).await?.is_empty() {
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

#[cfg(test)]
mod tests {
    /// The upsert of a statement: what follows `on conflict`, up to the columns it returns.
    fn upsert(sql: &str) -> Vec<&str> {
        let (_, rest) = sql.split_once("on conflict (bucket, subject)").unwrap();
        let (upsert, _) = rest.split_once("returning subject").unwrap();
        upsert.split_whitespace().collect()
    }

    #[test]
    fn requests_for_codes_count_by_the_same_upsert() {
        let counting = include_str!("throttle/count.sql");
        let requesting = include_str!("auth/store/request_codes.sql");
        assert_eq!(upsert(counting), upsert(requesting));
    }
}
