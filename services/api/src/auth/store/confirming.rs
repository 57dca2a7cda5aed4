//! Codes that are tried, and the sessions that right ones open: a batch in each statement.

use galaxy_core::{ChallengeId, DeviceSessionId, UserId};
use galaxy_store::Result;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use crate::{
    accounts::model::SanctionCode,
    auth::{
        model::{TRIES, WRONG_CODES},
        sessions::{SESSIONS_PER_USER, store::Revoked},
    },
};

/// A challenge of which one try was just taken.
#[derive(Debug)]
pub struct Tried {
    /// Its id.
    pub challenge_id: ChallengeId,
    /// Normalised address.
    pub email: String,
    /// The address as typed.
    pub delivery_email: String,
    /// Keyed hash of the right code.
    pub code_hash: Vec<u8>,
    /// BCP 47 tag.
    pub locale: Option<String>,
    /// What stands for the address in the counter of wrong codes.
    pub email_subject: Option<Vec<u8>>,
    /// Too many wrong codes were tried for the address; no code is right any more.
    pub is_guessed_at: bool,
}

/// Takes one try of each challenge; those that are unknown, expired, consumed or exhausted are left out. Until the
/// transaction ends, other tries of the same challenges wait.
#[instrument(name = "db.auth.take_tries", skip_all, fields(batch = ids.len()))]
pub async fn take_tries(
    connection: &mut PgConnection,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Tried>> {
    let rows = sqlx::query!(
        r#"with due as (
             select challenge_id from backend.auth_challenges
             where challenge_id = any($1) order by challenge_id for update)
         update backend.auth_challenges c set attempts = attempts + 1
         from due
         where c.challenge_id = due.challenge_id and c.attempts < $3 and c.consumed_at is null and c.expires_at > $2
         returning c.challenge_id, c.email, c.delivery_email, c.code_hash, c.locale, c.email_subject,
             exists (select from backend.throttle_counters t
                     where t.bucket = $4 and t.subject = c.email_subject and t.expires_at > $2 and t.hits >= $5)
                 as "is_guessed_at!""#,
        ids,
        now.to_sqlx() as _,
        TRIES,
        WRONG_CODES.bucket,
        WRONG_CODES.limit_i32(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Tried {
            challenge_id: row.challenge_id.into(),
            email: row.email,
            delivery_email: row.delivery_email,
            code_hash: row.code_hash,
            locale: row.locale,
            email_subject: row.email_subject,
            is_guessed_at: row.is_guessed_at,
        })
        .collect())
}

/// Counts wrong codes, one for each time a subject is named.
#[instrument(name = "db.auth.count_wrong", skip_all, fields(batch = subjects.len()))]
pub async fn count_wrong(
    connection: &mut PgConnection,
    subjects: &[Vec<u8>],
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
         select $1, s.subject, $3, count(*), $4 from unnest($2::bytea[]) s (subject) group by s.subject order by s.subject
         on conflict (bucket, subject) do update set
             hits = least(case when t.expires_at <= $3 then 0 else t.hits end, $5) + excluded.hits,
             window_start = case when t.expires_at <= $3 then $3 else t.window_start end,
             expires_at = case when t.expires_at <= $3 then $4 else t.expires_at end",
        WRONG_CODES.bucket,
        subjects,
        now.to_sqlx() as _,
        WRONG_CODES.ends(now).to_sqlx() as _,
        WRONG_CODES.limit_i32(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A session that is to be opened by a right code.
pub struct Opening {
    /// The challenge it consumes.
    pub challenge_id: ChallengeId,
    /// Whose session.
    pub user_id: UserId,
    /// Its id.
    pub device_session_id: DeviceSessionId,
    /// The device's key.
    pub client_public_key: [u8; 32],
}

/// What came of it.
#[derive(Debug)]
pub enum Opened {
    /// The session exists; these older ones had to go.
    Yes(Vec<Revoked>),
    /// The account may not sign in. The challenge is consumed all the same.
    Barred(SanctionCode),
}

/// Consumes the challenges, makes the sessions and revokes the oldest ones beyond the limit; answers in the order of
/// `openings`, of which each has another account. The caller holds the challenges' and the accounts' rows, so that sign-ins
/// of one account count in turn and no sanction comes in between.
#[instrument(name = "db.auth.open", skip_all, fields(batch = openings.len()))]
pub async fn open(
    connection: &mut PgConnection,
    openings: &[Opening],
    now: Timestamp,
) -> Result<Vec<Opened>> {
    let challenges: Vec<Uuid> = openings.iter().map(|o| o.challenge_id.uuid()).collect();
    let users: Vec<Uuid> = openings.iter().map(|o| o.user_id.uuid()).collect();
    let sessions: Vec<Uuid> = openings
        .iter()
        .map(|o| o.device_session_id.uuid())
        .collect();
    let keys: Vec<&[u8]> = openings.iter().map(|o| &o.client_public_key[..]).collect();
    let rows = sqlx::query_file!(
        "src/auth/store/open.sql",
        &challenges,
        &users,
        &sessions,
        &keys as _,
        now.to_sqlx() as _,
        SESSIONS_PER_USER - 1,
    )
    .fetch_all(connection)
    .await?;
    let opened = rows.into_iter().zip(openings).map(|(row, opening)| {
        if !row.consumed {
            // Not while the caller holds the challenge; if all the same, there is no session.
            return Err(sqlx::Error::RowNotFound.into());
        }
        if let Some(code) = row.barring {
            return Ok(Opened::Barred(code));
        }
        let revoked = |id: Uuid| Revoked {
            device_session_id: id.into(),
            user_id: opening.user_id,
        };
        Ok(Opened::Yes(row.surplus.into_iter().map(revoked).collect()))
    });
    opened.collect()
}
