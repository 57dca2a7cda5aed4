//! Claims due mails under a lease, by priority, and renews the leases.

use std::time::Duration;

use galaxy_core::{DeliveryId, LeaseToken, Timestamp};
use galaxy_store::{Db, Result};

use crate::model::Content;

/// A mail that this process may send for as long as it holds the lease.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The row that outcomes are recorded for.
    pub delivery_id: DeliveryId,
    /// The kind of mail, such as `login_code`.
    pub template_id: String,
    /// The recipient's address.
    pub to: String,
    /// Subject and body.
    pub content: Content,
    /// The local part of its `Message-ID`, the same at every attempt.
    pub message_id: String,
    /// An `https` address for one-click unsubscription (RFC 8058).
    pub list_unsubscribe: Option<String>,
    /// Attempts made before this one.
    pub attempts: i32,
    /// Whether `expires_at` has passed, so that the mail must not be sent.
    pub is_expired: bool,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// The W3C trace context of its cause.
    pub traceparent: Option<String>,
    pub(crate) lease: LeaseToken,
}

/// Claims up to `limit` due mails for `length`, by priority and then by how long they have been due.
///
/// A mail whose lease expired is due again. Its attempt is recorded as abandoned and counted, so that a mail that
/// crashes its mailer is given up after a while.
#[tracing::instrument(name = "mail.claim", level = "debug", skip_all)]
pub async fn claim(db: &Db, limit: u32, length: Duration) -> Result<Vec<Claim>> {
    let lease = LeaseToken::generate();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query!(
        r#"with due as (
             select found.* from generate_series(0, 9) as rank
             cross join lateral (
                 select delivery_id, status, updated_at from backend.mail_deliveries
                 where status in ('queued', 'sending') and priority = rank::smallint and next_attempt_at <= now()
                 order by next_attempt_at, delivery_id limit $1 for update skip locked
             ) as found
             limit $1),
         abandoned as (
             insert into backend.mail_attempts (attempt_id, delivery_id, attempt_no, started_at, finished_at, outcome)
             select gen_random_uuid(), due.delivery_id,
                 (select coalesce(max(a.attempt_no), 0) + 1 from backend.mail_attempts a
                  where a.delivery_id = due.delivery_id),
                 due.updated_at, now(), 'abandoned'
             from due where due.status = 'sending'),
         claimed as (
             update backend.mail_deliveries d
             set status = 'sending', lease_token = $2, lease_expires_at = now() + make_interval(secs => $3),
                 next_attempt_at = now() + make_interval(secs => $3), updated_at = now(),
                 attempts = d.attempts + (due.status = 'sending')::int
             from due where d.delivery_id = due.delivery_id
             returning d.*)
         select c.delivery_id, c.template_id, c.message_id, c.list_unsubscribe, c.attempts, c.created_at, c.traceparent,
             coalesce(c.expires_at <= now(), false) as "is_expired!",
             r.address, p.subject, convert_from(p.body, 'UTF8') as "text!", convert_from(p.html, 'UTF8') as html
         from claimed c
         join backend.mail_payloads p on p.payload_id = c.payload_id
         join backend.mail_recipients r on r.delivery_id = c.delivery_id
         order by c.priority, c.created_at, c.delivery_id"#,
        i64::from(limit),
        lease.uuid(),
        length.as_secs_f64(),
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claim {
            delivery_id: DeliveryId(row.delivery_id),
            template_id: row.template_id,
            to: row.address,
            content: Content {
                subject: row.subject,
                text: row.text,
                html: row.html,
            },
            message_id: row.message_id,
            list_unsubscribe: row.list_unsubscribe,
            attempts: row.attempts,
            is_expired: row.is_expired,
            created_at: row.created_at,
            traceparent: row.traceparent,
            lease,
        })
        .collect())
}

/// Extends the lease to `length` from now. `false`: another process holds the mail, or it was dropped.
pub async fn renew(db: &Db, claim: &Claim, length: Duration) -> Result<bool> {
    let mut connection = db.acquire().await?;
    let renewed = sqlx::query!(
        "update backend.mail_deliveries
         set lease_expires_at = now() + make_interval(secs => $3), next_attempt_at = now() + make_interval(secs => $3)
         where delivery_id = $1 and lease_token = $2",
        claim.delivery_id.uuid(),
        claim.lease.uuid(),
        length.as_secs_f64(),
    )
    .execute(&mut *connection)
    .await?;
    Ok(renewed.rows_affected() == 1)
}
