//! Expires mails that are too late and erases old bodies, in bounded batches that several processes may run at once.

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};

/// Erases the bodies of up to `batch` finished mails enqueued before `before`. Returns how many. Bodies with login codes
/// are not left to this: they are erased when their delivery is finished.
pub async fn erase_bodies(db: &Db, before: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    Ok(sqlx::query!(
        "update backend.mail_payloads set body = '', html = null, erased_at = now()
         where payload_id in (
             select p.payload_id from backend.mail_payloads p
             where p.erased_at is null and p.created_at < $1
               and not exists (select from backend.mail_deliveries d
                               where d.payload_id = p.payload_id and d.status in ('queued', 'sending'))
             order by p.created_at limit $2 for update skip locked)",
        before,
        batch,
    )
    .execute(&mut *connection)
    .await?
    .rows_affected())
}

/// Expires up to `batch` queued mails whose `expires_at` has passed, and erases the secret ones. Returns how many. So login
/// codes are erased in time even while no mail can be sent.
pub async fn expire(db: &Db, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    let expired = sqlx::query!(
        "with done as (
             update backend.mail_deliveries set status = 'expired', finished_at = now(), updated_at = now()
             where delivery_id in (
                 select delivery_id from backend.mail_deliveries
                 where status = 'queued' and expires_at <= now()
                 order by priority, next_attempt_at limit $1 for update skip locked)
             returning payload_id),
         erased as (
             update backend.mail_payloads p set body = '', html = null, erased_at = now()
             from done where p.payload_id = done.payload_id and p.secret)
         select payload_id from done",
        batch,
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(expired.len() as u64)
}
