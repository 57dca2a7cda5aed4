//! Codes that are asked for: blocks, throttles and challenges of a whole batch in one statement.

use galaxy_core::{ChallengeId, EmailAddress};
use galaxy_store::Result;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use crate::{auth::model::CODES_PER_EMAIL, throttle::Rule};

/// A code that somebody asks for.
pub struct Asked {
    /// Its id.
    pub challenge_id: ChallengeId,
    /// For whom.
    pub email: EmailAddress,
    /// Keyed hash of the code.
    pub code_hash: [u8; 32],
    /// Stored instead if the request is throttled: no code matches it.
    pub no_hash: [u8; 32],
    /// BCP 47 tag.
    pub locale: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Until when the code is valid.
    pub expires_at: Timestamp,
    /// What stands for the e-mail address in the counters.
    pub email_subject: [u8; 32],
    /// What stands for the source address in the counters.
    pub address_subject: [u8; 32],
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The code is to be sent.
    Send,
    /// It is not; the challenge will never verify.
    Throttled,
    /// The address or its domain is blocked; nothing was written.
    Blocked,
}

/// Checks blocks and throttles and writes the challenges; gives each request's admission in their order.
///
/// Each counter is raised only by what the one before it let through, so what is not sent does not use up the longer
/// windows. Of several requests for one address the first is let through. Counters are taken in one order by everybody:
/// rule by rule, and within a rule by subject.
#[instrument(name = "db.auth.ask", skip_all, fields(batch = batch.len()))]
pub async fn ask(
    connection: &mut PgConnection,
    batch: &[&Asked],
    per_address: &Rule,
    now: Timestamp,
) -> Result<Vec<Admission>> {
    let [minute, hour, day] = CODES_PER_EMAIL;
    let ids: Vec<Uuid> = batch
        .iter()
        .map(|asked| asked.challenge_id.uuid())
        .collect();
    let emails: Vec<&str> = batch.iter().map(|asked| asked.email.identity()).collect();
    let domains: Vec<&str> = batch.iter().map(|asked| asked.email.at_domain()).collect();
    let typed: Vec<&str> = batch.iter().map(|asked| asked.email.typed()).collect();
    let code_hashes: Vec<&[u8]> = batch.iter().map(|asked| &asked.code_hash[..]).collect();
    let no_hashes: Vec<&[u8]> = batch.iter().map(|asked| &asked.no_hash[..]).collect();
    let locales: Vec<Option<&str>> = batch.iter().map(|asked| asked.locale.as_deref()).collect();
    let at: Vec<_> = batch.iter().map(|asked| asked.at.to_sqlx()).collect();
    let expires: Vec<_> = batch
        .iter()
        .map(|asked| asked.expires_at.to_sqlx())
        .collect();
    let email_subjects: Vec<&[u8]> = batch.iter().map(|asked| &asked.email_subject[..]).collect();
    let address_subjects: Vec<&[u8]> = batch
        .iter()
        .map(|asked| &asked.address_subject[..])
        .collect();
    let rows = sqlx::query!(
        r#"with asked as (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[],
                 $8::timestamptz[], $9::timestamptz[], $10::bytea[], $11::bytea[]) with ordinality
             a (challenge_id, email, domain, typed, code_hash, no_hash, locale, at, expires_at, email_subject,
                address_subject, place)),
         blocked as (
             select place from asked a
             where exists (select from backend.blocked_emails b where b.email in (a.email, a.domain))),
         free as (
             select * from asked where place not in (select place from blocked)),
         by_address as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $12, address_subject, $24, count(*), $14 from free group by address_subject order by address_subject
             on conflict (bucket, subject) do update set
                 hits = least(case when t.expires_at <= $24 then 0 else t.hits end, $13) + excluded.hits,
                 window_start = case when t.expires_at <= $24 then $24 else t.window_start end,
                 expires_at = case when t.expires_at <= $24 then $14 else t.expires_at end
             returning subject, hits),
         from_address as (
             select f.*, t.hits, count(*) over (partition by address_subject) as all_of_it,
                 row_number() over (partition by address_subject order by place) as nth
             from free f join by_address t on t.subject = f.address_subject),
         first_of_email as (
             select distinct on (email_subject) place, email_subject from from_address
             where nth <= all_of_it - greatest(hits - $13, 0)
             order by email_subject, place),
         by_minute as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $15, email_subject, $24, 1, $17 from first_of_email order by email_subject
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $24 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $24 then $24 else t.window_start end,
                 expires_at = case when t.expires_at <= $24 then $17 else t.expires_at end
             where t.expires_at <= $24 or t.hits < $16
             returning subject),
         by_hour as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $18, subject, $24, 1, $20 from by_minute order by subject
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $24 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $24 then $24 else t.window_start end,
                 expires_at = case when t.expires_at <= $24 then $20 else t.expires_at end
             where t.expires_at <= $24 or t.hits < $19
             returning subject),
         by_day as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $21, subject, $24, 1, $23 from by_hour order by subject
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $24 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $24 then $24 else t.window_start end,
                 expires_at = case when t.expires_at <= $24 then $23 else t.expires_at end
             where t.expires_at <= $24 or t.hits < $22
             returning subject),
         admitted as (
             select f.place from first_of_email f join by_day t on t.subject = f.email_subject),
         written as (
             insert into backend.auth_challenges
                 (challenge_id, email, delivery_email, code_hash, locale, created_at, expires_at)
             select challenge_id, email, typed,
                 case when place in (select place from admitted) then code_hash else no_hash end,
                 locale, at, expires_at
             from free)
         select place in (select place from blocked) as "blocked!", place in (select place from admitted) as "admitted!"
         from asked order by place"#,
        &ids,
        &emails as _,
        &domains as _,
        &typed as _,
        &code_hashes as _,
        &no_hashes as _,
        &locales as _,
        &at as _,
        &expires as _,
        &email_subjects as _,
        &address_subjects as _,
        per_address.bucket,
        per_address.limit_i32(),
        per_address.ends(now).to_sqlx() as _,
        minute.bucket,
        minute.limit_i32(),
        minute.ends(now).to_sqlx() as _,
        hour.bucket,
        hour.limit_i32(),
        hour.ends(now).to_sqlx() as _,
        day.bucket,
        day.limit_i32(),
        day.ends(now).to_sqlx() as _,
        now.to_sqlx() as _,
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

/// Marks the point to which [`rollback`] goes back.
#[instrument(name = "db.auth.savepoint", skip_all)]
pub async fn savepoint(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("savepoint mail").execute(connection).await?;
    Ok(())
}

/// Keeps what was written since [`savepoint`].
#[instrument(name = "db.auth.release", skip_all)]
pub async fn release(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("release savepoint mail")
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes back what was written since [`savepoint`].
#[instrument(name = "db.auth.rollback", skip_all)]
pub async fn rollback(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("rollback to savepoint mail")
        .execute(connection)
        .await?;
    Ok(())
}
