//! Records the outcome of a claimed mail, in one statement that requires the lease.

use std::time::Duration;

use galaxy_core::Timestamp;
use galaxy_store::{Db, Result};
use uuid::Uuid;

use crate::{
    claim::Claim,
    model::{AttemptOutcome, DeliveryStatus},
};

/// The longest error text that is stored, in characters.
const MAX_ERROR: usize = 1_000;

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The SMTP server accepted the mail.
    Sent,
    /// A transient failure: the mail is tried again.
    Retry {
        /// The wait before the next attempt.
        after: Duration,
        /// Whether the attempt counts. It does not when the server was unreachable.
        spent: bool,
        /// The SMTP server's reply or the error.
        failure: Failure,
    },
    /// A permanent failure, or one attempt too many: the mail becomes a dead letter.
    Dead(Failure),
    /// The mail was past its `expires_at`; no attempt was made.
    Expired,
    /// The claim was given up before an attempt; the mail is due at once.
    Released,
}

/// A failed attempt, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The SMTP reply code, if there was a reply.
    pub code: Option<u16>,
    /// The reply or the error, for operators.
    pub error: String,
}

/// The columns that an outcome sets.
struct Change<'a> {
    status: DeliveryStatus,
    attempt: Option<AttemptOutcome>,
    spent: i32,
    after: Duration,
    failure: Option<&'a Failure>,
}

impl Outcome {
    fn change(&self) -> Change<'_> {
        let change = Change {
            status: DeliveryStatus::Queued,
            attempt: None,
            spent: 0,
            after: Duration::ZERO,
            failure: None,
        };
        match self {
            Self::Sent => Change {
                status: DeliveryStatus::Sent,
                attempt: Some(AttemptOutcome::Sent),
                spent: 1,
                ..change
            },
            Self::Retry {
                after,
                spent,
                failure,
            } => Change {
                attempt: Some(AttemptOutcome::TransientFailure),
                spent: i32::from(*spent),
                after: *after,
                failure: Some(failure),
                ..change
            },
            Self::Dead(failure) => Change {
                status: DeliveryStatus::Dead,
                attempt: Some(AttemptOutcome::PermanentFailure),
                spent: 1,
                failure: Some(failure),
                ..change
            },
            Self::Expired => Change {
                status: DeliveryStatus::Expired,
                ..change
            },
            Self::Released => change,
        }
    }
}

/// Records `outcome` of an attempt that began at `started_at`, releases the lease and, when a secret mail is finished,
/// erases its body. `false`: another process holds the lease or the mail was dropped, and nothing was written.
#[tracing::instrument(name = "mail.finish", level = "debug", skip_all, fields(delivery_id = %claim.delivery_id))]
pub async fn finish(
    db: &Db,
    claim: &Claim,
    outcome: &Outcome,
    started_at: Timestamp,
) -> Result<bool> {
    let change = outcome.change();
    let error = change
        .failure
        .map(|failure| failure.error.chars().take(MAX_ERROR).collect::<String>());
    let code = change
        .failure
        .and_then(|failure| failure.code)
        .filter(|code| (200..600).contains(code));
    let mut connection = db.acquire().await?;
    let written = sqlx::query!(
        "with done as (
             update backend.mail_deliveries
             set status = $3, attempts = attempts + $4, next_attempt_at = now() + make_interval(secs => $5),
                 last_error = coalesce($6, last_error), lease_token = null, lease_expires_at = null, updated_at = now(),
                 finished_at = case when $3 = 'queued' then null else now() end
             where delivery_id = $1 and lease_token = $2
             returning delivery_id, payload_id, status),
         attempt as (
             insert into backend.mail_attempts
                 (attempt_id, delivery_id, attempt_no, started_at, finished_at, outcome, smtp_code, error)
             select $7, done.delivery_id,
                 (select coalesce(max(a.attempt_no), 0) + 1 from backend.mail_attempts a
                  where a.delivery_id = done.delivery_id),
                 $8, now(), $9, $10, $6
             from done where $9::text is not null),
         letter as (
             insert into backend.mail_dead_letters (dead_letter_id, delivery_id, reason)
             select $11, delivery_id, coalesce(nullif($6, ''), 'refused') from done where status = 'dead'),
         erased as (
             update backend.mail_payloads p set body = '', html = null, erased_at = now()
             from done where p.payload_id = done.payload_id and p.secret and done.status <> 'queued')
         select delivery_id from done",
        claim.delivery_id.uuid(),
        claim.lease.uuid(),
        change.status as _,
        change.spent,
        change.after.as_secs_f64(),
        error,
        Uuid::now_v7(),
        started_at,
        change.attempt as _,
        code.and_then(|code| i16::try_from(code).ok()),
        Uuid::now_v7(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(written.is_some())
}
