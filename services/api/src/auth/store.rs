//! All SQL on challenges and blocked addresses.

use galaxy_core::{ChallengeId, DeviceSessionId, EmailAddress, UserId};
use galaxy_store::Result;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use tracing::instrument;

use super::{
    model::{CODES_PER_EMAIL, TRIES, WRONG_CODES},
    sessions::{SESSIONS_PER_USER, store::Revoked},
};
use crate::{accounts::model::SanctionCode, throttle::Rule};

/// A code that somebody asks for.
pub struct Asked<'a> {
    /// Its id.
    pub challenge_id: ChallengeId,
    /// For whom.
    pub email: &'a EmailAddress,
    /// Keyed hash of the code.
    pub code_hash: [u8; 32],
    /// Stored instead if the request is throttled: no code matches it.
    pub no_hash: [u8; 32],
    /// BCP 47 tag.
    pub locale: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// Until when the code is valid.
    pub expires_at: Timestamp,
    /// What stands for the e-mail address in the counters.
    pub email_subject: [u8; 32],
    /// What stands for the source address in the counters.
    pub address_subject: [u8; 32],
    /// How many codes a source address may ask for.
    pub per_address: Rule,
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

/// Checks blocks and throttles and writes the challenge, in one statement. Each counter is raised only if the one before
/// it let the request through, so what is not sent does not use up the longer windows.
#[instrument(name = "db.auth.ask", skip_all, fields(challenge_id = %asked.challenge_id))]
pub async fn ask(connection: &mut PgConnection, asked: &Asked<'_>) -> Result<Admission> {
    let [minute, hour, day] = CODES_PER_EMAIL;
    let row = sqlx::query!(
        r#"with blocked as (
             select from backend.blocked_emails where email = $1 or email = $2),
         by_address as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $9, $10, $7, 1, $12 where not exists (select from blocked)
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $7 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $7 then $7 else t.window_start end,
                 expires_at = case when t.expires_at <= $7 then $12 else t.expires_at end
             where t.expires_at <= $7 or t.hits < $11
             returning 1),
         by_minute as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $13, $19, $7, 1, $15 from by_address
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $7 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $7 then $7 else t.window_start end,
                 expires_at = case when t.expires_at <= $7 then $15 else t.expires_at end
             where t.expires_at <= $7 or t.hits < $14
             returning 1),
         by_hour as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $16, $19, $7, 1, $18 from by_minute
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $7 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $7 then $7 else t.window_start end,
                 expires_at = case when t.expires_at <= $7 then $18 else t.expires_at end
             where t.expires_at <= $7 or t.hits < $17
             returning 1),
         by_day as (
             insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
             select $20, $19, $7, 1, $22 from by_hour
             on conflict (bucket, subject) do update set
                 hits = case when t.expires_at <= $7 then 1 else t.hits + 1 end,
                 window_start = case when t.expires_at <= $7 then $7 else t.window_start end,
                 expires_at = case when t.expires_at <= $7 then $22 else t.expires_at end
             where t.expires_at <= $7 or t.hits < $21
             returning 1),
         written as (
             insert into backend.auth_challenges
                 (challenge_id, email, delivery_email, code_hash, locale, created_at, expires_at)
             select $3, $1, $4, case when exists (select from by_day) then $5::bytea else $6::bytea end, $23, $7, $8
             where not exists (select from blocked))
         select exists (select from blocked) as "blocked!", exists (select from by_day) as "admitted!""#,
        asked.email.identity(),
        asked.email.at_domain(),
        asked.challenge_id.uuid(),
        asked.email.typed(),
        &asked.code_hash[..],
        &asked.no_hash[..],
        asked.at.to_sqlx() as _,
        asked.expires_at.to_sqlx() as _,
        asked.per_address.bucket,
        &asked.address_subject[..],
        asked.per_address.limit_i32(),
        asked.per_address.ends(asked.at).to_sqlx() as _,
        minute.bucket,
        minute.limit_i32(),
        minute.ends(asked.at).to_sqlx() as _,
        hour.bucket,
        hour.limit_i32(),
        hour.ends(asked.at).to_sqlx() as _,
        &asked.email_subject[..],
        day.bucket,
        day.limit_i32(),
        day.ends(asked.at).to_sqlx() as _,
        asked.locale,
    )
    .fetch_one(connection)
    .await?;
    Ok(match (row.blocked, row.admitted) {
        (true, _) => Admission::Blocked,
        (false, true) => Admission::Send,
        (false, false) => Admission::Throttled,
    })
}

/// A challenge of which one try was just taken.
pub struct Tried {
    /// Normalised address.
    pub email: String,
    /// The address as typed.
    pub delivery_email: String,
    /// Keyed hash of the right code.
    pub code_hash: Vec<u8>,
    /// BCP 47 tag.
    pub locale: Option<String>,
}

/// Takes a try of the challenge; `None` if it is unknown, expired, consumed or exhausted. Until the transaction ends,
/// other tries of the same challenge wait.
#[instrument(name = "db.auth.take_try", skip_all, fields(challenge_id = %id))]
pub async fn take_try(
    connection: &mut PgConnection,
    id: ChallengeId,
    now: Timestamp,
) -> Result<Option<Tried>> {
    Ok(sqlx::query_as!(
        Tried,
        "update backend.auth_challenges set attempts = attempts + 1
         where challenge_id = $1 and attempts < $3 and consumed_at is null and expires_at > $2
         returning email, delivery_email, code_hash, locale",
        id.uuid(),
        now.to_sqlx() as _,
        TRIES,
    )
    .fetch_optional(connection)
    .await?)
}

/// A session that is to be opened by a right code.
pub struct Opening<'a> {
    /// The challenge it consumes.
    pub challenge_id: ChallengeId,
    /// What stands for the e-mail address in the counter of wrong codes.
    pub email_subject: [u8; 32],
    /// Whose session.
    pub user_id: UserId,
    /// Its id.
    pub device_session_id: DeviceSessionId,
    /// The device's key.
    pub client_public_key: &'a [u8; 32],
    /// When.
    pub at: Timestamp,
}

/// What came of it.
pub enum Opened {
    /// The session exists; these older ones had to go.
    Yes(Vec<Revoked>),
    /// Too many wrong codes were tried for this address.
    Guessed,
    /// The account may not sign in. The challenge is consumed all the same.
    Barred(SanctionCode),
}

/// Consumes the challenge, makes the session and revokes the oldest ones beyond the limit, in one statement. The caller
/// holds the account's row, so that sign-ins of one account count in turn and no sanction comes in between.
#[instrument(name = "db.auth.open", skip_all, fields(user_id = %opening.user_id))]
pub async fn open(connection: &mut PgConnection, opening: &Opening<'_>) -> Result<Opened> {
    let row = sqlx::query!(
        r#"with consumed as (
             update backend.auth_challenges set consumed_at = $2
             where challenge_id = $1 and consumed_at is null and not exists (
                 select from backend.throttle_counters
                 where bucket = $3 and subject = $4 and expires_at > $2 and hits >= $5)
             returning 1),
         barring as (
             select sanction_code from backend.sanction_active
             where user_id = $6 and sanction_code in ('login_block', 'permanent_block')
                 and (expires_at is null or expires_at > $2)
             order by sanction_code desc limit 1),
         made as (
             insert into backend.device_sessions (device_session_id, user_id, client_public_key, created_at)
             select $7, $6, $8, $2 from consumed where not exists (select from barring)
             returning 1),
         surplus as (
             update backend.device_sessions set status = 'revoked', revoked_at = $2, revoke_reason = 'replaced'
             where exists (select from made) and device_session_id in (
                 select device_session_id from backend.device_sessions where user_id = $6 and status = 'active'
                 order by created_at desc, device_session_id desc offset $9)
             returning device_session_id)
         select exists (select from consumed) as "consumed!",
                (select sanction_code from barring) as "barring: SanctionCode",
                array(select device_session_id from surplus) as "surplus!""#,
        opening.challenge_id.uuid(),
        opening.at.to_sqlx() as _,
        WRONG_CODES.bucket,
        &opening.email_subject[..],
        WRONG_CODES.limit_i32(),
        opening.user_id.uuid(),
        opening.device_session_id.uuid(),
        &opening.client_public_key[..],
        SESSIONS_PER_USER - 1,
    )
    .fetch_one(connection)
    .await?;
    if !row.consumed {
        return Ok(Opened::Guessed);
    }
    if let Some(code) = row.barring {
        return Ok(Opened::Barred(code));
    }
    let revoked = |id: uuid::Uuid| Revoked {
        device_session_id: id.into(),
        user_id: opening.user_id,
    };
    Ok(Opened::Yes(row.surplus.into_iter().map(revoked).collect()))
}

/// Blocks an address, or a domain given as `@domain`.
#[instrument(name = "db.auth.block_email", skip_all)]
pub async fn block_email(
    connection: &mut PgConnection,
    email: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into backend.blocked_emails (email, blocked_at, reason) values ($1, $2, $3) on conflict do nothing",
        email,
        now.to_sqlx() as _,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lifts the block of an address.
#[instrument(name = "db.auth.unblock_email", skip_all)]
pub async fn unblock_email(connection: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!("delete from backend.blocked_emails where email = $1", email)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets the open challenges of an address: its account is gone or blocked.
#[instrument(name = "db.auth.drop_challenges", skip_all)]
pub async fn drop_challenges(connection: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!(
        "delete from backend.auth_challenges where email = $1",
        email
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes up to `batch` challenges that expired before `before`; says how many.
#[instrument(name = "db.auth.sweep_challenges", skip_all)]
pub async fn sweep_challenges(
    connection: &mut PgConnection,
    before: Timestamp,
    batch: i64,
) -> Result<u64> {
    Ok(sqlx::query!(
        "delete from backend.auth_challenges where challenge_id in
             (select challenge_id from backend.auth_challenges
              where expires_at < $1 order by expires_at limit $2 for update skip locked)",
        before.to_sqlx() as _,
        batch,
    )
    .execute(connection)
    .await?
    .rows_affected())
}

/// Marks the point to which [`settle`] can go back.
#[instrument(name = "db.auth.mark", skip_all)]
pub async fn mark(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("savepoint mail").execute(connection).await?;
    Ok(())
}

/// Keeps what was written since [`mark`], or takes it back.
#[instrument(name = "db.auth.settle", skip_all)]
pub async fn settle(connection: &mut PgConnection, keep: bool) -> Result<()> {
    if keep {
        sqlx::query!("release savepoint mail")
            .execute(connection)
            .await?;
    } else {
        sqlx::query!("rollback to savepoint mail")
            .execute(connection)
            .await?;
    }
    Ok(())
}
