//! Requests for sign-in codes: blocks, throttles and challenges of a whole batch in one statement.

use galaxy_core::{ChallengeId, EmailAddress, Timestamp};
use galaxy_mail::Content;
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use crate::{auth::model::CODES_PER_EMAIL, throttle::Rule};

/// A request for a sign-in code, with its mail.
pub struct CodeRequest {
    /// Also the key under which the mail is enqueued once.
    pub challenge_id: ChallengeId,
    /// Where the code goes.
    pub email: EmailAddress,
    /// Keyed hash of the code.
    pub code_hash: [u8; 32],
    /// Stored instead if the request is throttled: no code matches it.
    pub no_hash: [u8; 32],
    pub locale: Option<String>,
    /// When the request arrived.
    pub requested_at: Timestamp,
    /// Until when the code is valid and its mail worth sending.
    pub expires_at: Timestamp,
    /// The key of the e-mail address in the counters.
    pub email_subject: [u8; 32],
    /// The key of the source address in the counters.
    pub address_subject: [u8; 32],
    /// The mail, written whether it will be sent or not.
    pub content: Content,
    /// The trace of the request.
    pub traceparent: Option<String>,
}

/// Whether the code of a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is sent.
    Send,
    /// It is not sent; the challenge will never verify.
    Throttled,
    /// The address or its domain is blocked; nothing was written.
    Blocked,
}

/// Checks blocks and throttles and writes the challenges; returns the admissions in the order of the requests.
///
/// What is not sent does not use up an e-mail address's windows, but its source's. Of several requests for one address
/// the first is let through.
#[instrument(name = "db.auth.request_codes", skip_all, fields(batch = batch.len()))]
pub async fn request_codes(
    connection: &mut PgConnection,
    batch: &[CodeRequest],
    per_address: &Rule,
    now: Timestamp,
) -> Result<Vec<Admission>> {
    let [minute, hour, day] =
        CODES_PER_EMAIL.map(|allowance| (allowance.most.cast_signed(), allowance.began(now)));
    let all = || CODES_PER_EMAIL.iter();
    let kept = all().map(|allowance| allowance.most).max();
    let expires_at = all().map(|allowance| allowance.ends(now)).max();
    let ids: Vec<Uuid> = batch
        .iter()
        .map(|request| request.challenge_id.uuid())
        .collect();
    let emails: Vec<&str> = batch
        .iter()
        .map(|request| request.email.identity())
        .collect();
    let domains: Vec<&str> = batch
        .iter()
        .map(|request| request.email.at_domain())
        .collect();
    let typed: Vec<&str> = batch.iter().map(|request| request.email.typed()).collect();
    let code_hashes: Vec<&[u8]> = batch.iter().map(|request| &request.code_hash[..]).collect();
    let no_hashes: Vec<&[u8]> = batch.iter().map(|request| &request.no_hash[..]).collect();
    let locales: Vec<Option<&str>> = batch
        .iter()
        .map(|request| request.locale.as_deref())
        .collect();
    let at: Vec<_> = batch.iter().map(|request| request.requested_at).collect();
    let expires: Vec<_> = batch.iter().map(|request| request.expires_at).collect();
    let email_subjects: Vec<&[u8]> = batch
        .iter()
        .map(|request| &request.email_subject[..])
        .collect();
    let address_subjects: Vec<&[u8]> = batch
        .iter()
        .map(|request| &request.address_subject[..])
        .collect();
    let rows = sqlx::query_file!(
        "src/auth/store/request_codes.sql",
        per_address.bucket,
        &address_subjects as _,
        now,
        per_address.ends(now),
        per_address.limit_i32(),
        &ids,
        &emails as _,
        &domains as _,
        &typed as _,
        &code_hashes as _,
        &no_hashes as _,
        &locales as _,
        &at,
        &expires,
        &email_subjects as _,
        minute.0,
        minute.1,
        hour.0,
        hour.1,
        day.0,
        day.1,
        kept.unwrap_or_default().cast_signed(),
        expires_at.unwrap_or(now),
    )
    .fetch_all(connection)
    .await?;
    let admission = |blocked, admitted| match (blocked, admitted) {
        (true, _) => Admission::Blocked,
        (false, true) => Admission::Send,
        (false, false) => Admission::Throttled,
    };
    Ok(rows
        .into_iter()
        .map(|row| admission(row.blocked, row.admitted))
        .collect())
}

/// Deletes up to `batch` counters whose windows are all over; returns how many.
#[instrument(name = "db.auth.sweep_sent_codes", skip_all)]
pub async fn sweep_sent_codes(
    connection: &mut PgConnection,
    now: Timestamp,
    batch: i64,
) -> Result<u64> {
    Ok(sqlx::query!(
        "delete from backend.sent_codes where subject in
             (select subject from backend.sent_codes
              where expires_at <= $1 order by expires_at limit $2 for update skip locked)",
        now,
        batch,
    )
    .execute(connection)
    .await?
    .rows_affected())
}
