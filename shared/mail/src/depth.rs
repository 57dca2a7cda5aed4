//! How many mails are in the queue and how old the oldest is, for metrics.

use galaxy_store::{Db, Result};

/// The size and age of the queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// Mails that are queued or being sent, counted up to 100,000.
    pub open: i64,
    /// How long the oldest due mail has been due, in seconds.
    pub oldest_due_seconds: f64,
}

/// Reads both figures with one query.
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
