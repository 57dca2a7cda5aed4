//! How much mail waits, for metrics.

use galaxy_store::{Db, Result};

/// The queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// Mails not yet over, counted up to 100,000.
    pub open: i64,
    /// For how long the one that has been due longest has waited, in seconds.
    pub oldest_due_seconds: f64,
}

/// Measures the queue.
pub async fn depth(db: &Db) -> Result<Depth> {
    let mut connection = db.acquire().await?;
    let row = sqlx::query!(
        r#"select count(*) as "open!",
             coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::float8 as "oldest!"
         from (select next_attempt_at from backend.mail_deliveries
               where status in ('queued', 'sending') limit 100000) as waiting"#
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Depth {
        open: row.open,
        oldest_due_seconds: row.oldest.max(0.0),
    })
}
