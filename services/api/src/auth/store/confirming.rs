//! Codes that are tried, and the sessions that right ones open: a batch in each statement.

use galaxy_core::{
    ChallengeId, DeviceSessionId, EmailAddress, Locale, RecordId, Timestamp, UserId,
};
use galaxy_events::{
    catalogue::{account::AccountCreated, session::SessionCreated},
    outbox::Batch,
};
use galaxy_store::{Error, Result, Topic, Tx};
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use crate::{
    accounts::model::{Entitlement, SanctionCode},
    auth::{
        model::{TRIES, WRONG_CODES},
        sessions::{SESSIONS_PER_USER, store::Revoked},
    },
};

/// A challenge of which one try was just taken.
#[derive(Debug)]
pub struct Tried {
    pub challenge_id: ChallengeId,
    pub email: String,
    /// The account that has the address.
    pub user_id: Option<UserId>,
    /// The address as typed.
    pub delivery_email: String,
    /// Keyed hash of the right code.
    pub code_hash: Vec<u8>,
    pub locale: Option<String>,
    /// The key of the address in the counter of wrong codes.
    pub email_subject: Option<Vec<u8>>,
    /// Too many wrong codes were tried for the address; no code is right any more.
    pub is_guessed_at: bool,
}

/// Takes one try of each challenge; those that are unknown, expired, consumed or exhausted are left out. Until the
/// transaction ends, other tries of the same challenges wait, and so do sign-ins and changes of their accounts.
#[instrument(name = "db.auth.take_tries", skip_all, fields(batch = ids.len()))]
pub async fn take_tries(
    connection: &mut PgConnection,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Tried>> {
    let rows = sqlx::query_file!(
        "src/auth/store/take_tries.sql",
        ids,
        now,
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
            user_id: row.user_id.map(UserId::from),
            delivery_email: row.delivery_email,
            code_hash: row.code_hash,
            locale: row.locale,
            email_subject: row.email_subject,
            is_guessed_at: row.is_guessed_at,
        })
        .collect())
}

/// A session that is to be opened by a right code.
pub struct Opening {
    /// The challenge it consumes.
    pub challenge_id: ChallengeId,
    pub user_id: UserId,
    /// The account to make, if there is none.
    pub registration: Option<Registration>,
    pub device_session_id: DeviceSessionId,
    pub client_public_key: [u8; 32],
    /// The request's trace.
    pub traceparent: Option<String>,
}

/// The fields of a new account.
pub struct Registration {
    pub email: EmailAddress,
    /// A generated name, unique.
    pub user_name: String,
    pub language: Locale,
    pub time_zone: String,
    /// Where the sign-in came from.
    pub country: Option<String>,
}

#[derive(Debug)]
pub enum Opened {
    /// The session exists; these older ones were revoked for it.
    Yes(Vec<Revoked>),
    /// The account may not sign in. The challenge is consumed all the same.
    Barred(SanctionCode),
}

/// Consumes the challenges, makes new accounts with their free entitlements, makes the sessions with their events, and
/// revokes the oldest sessions beyond the limit. Returns in the order of `openings`, each of another account. The caller
/// has locked the rows of the challenges and of the known accounts, so that sign-ins of one account run one after the
/// other and no sanction comes in between. Fails with [`is_taken`] if another transaction made one of the new accounts meanwhile.
#[instrument(name = "db.auth.open", skip_all, fields(batch = openings.len()))]
pub async fn open(tx: &mut Tx, openings: &[Opening], now: Timestamp) -> Result<Vec<Opened>> {
    let challenges: Vec<Uuid> = openings.iter().map(|o| o.challenge_id.uuid()).collect();
    let users: Vec<Uuid> = openings.iter().map(|o| o.user_id.uuid()).collect();
    let sessions: Vec<Uuid> = openings
        .iter()
        .map(|o| o.device_session_id.uuid())
        .collect();
    let keys: Vec<&[u8]> = openings.iter().map(|o| &o.client_public_key[..]).collect();
    let emails = of_new(openings, |new| Some(new.email.identity()));
    let typed = of_new(openings, |new| Some(new.email.typed()));
    let names = of_new(openings, |new| Some(new.user_name.as_str()));
    let languages = of_new(openings, |new| Some(new.language.as_str()));
    let zones = of_new(openings, |new| Some(new.time_zone.as_str()));
    let countries = of_new(openings, |new| new.country.as_deref());
    let records = of_new(openings, |_| Some(RecordId::generate().uuid()));
    let (events, events_of) = events(openings)?;
    let rows = sqlx::query_file!(
        "src/auth/store/open.sql",
        &challenges,
        &users,
        &sessions,
        &keys as _,
        &emails as _,
        &typed as _,
        &names as _,
        &languages as _,
        &zones as _,
        &countries as _,
        &records as _,
        now,
        SESSIONS_PER_USER - 1,
        Entitlement::FREE.max_registered_race_names.cast_signed(),
        &events.ids,
        &events.subjects as _,
        &events.types as _,
        &events.about,
        &events.payloads,
        &events.traces as _,
        &events_of,
    )
    .fetch_all(&mut **tx)
    .await?;
    tx.notify(Topic::Outbox);
    let opened = rows.into_iter().zip(openings).map(|(row, opening)| {
        if !row.consumed {
            return Err(Error::Unexpected("a locked challenge was consumed before"));
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

/// Whether another transaction took the address or the name of a new account; a new transaction finds the account.
pub fn is_taken(error: &galaxy_store::Error) -> bool {
    error.is_unique_violation("accounts_email_key")
        || error.is_unique_violation("accounts_user_name_key")
}

/// The events of the openings, and of which session each is.
fn events(openings: &[Opening]) -> Result<(Batch, Vec<Uuid>)> {
    let (mut events, mut sessions) = (Batch::default(), vec![]);
    for opening in openings {
        let (user_id, trace) = (opening.user_id, &opening.traceparent);
        let first = opening.registration.is_some();
        if first {
            events.add(&AccountCreated { user_id }, trace.clone())?;
        }
        let created = SessionCreated {
            user_id,
            device_session_id: opening.device_session_id,
            first,
        };
        events.add(&created, trace.clone())?;
        sessions.resize(events.ids.len(), opening.device_session_id.uuid());
    }
    Ok((events, sessions))
}

/// A column of what the new accounts are made of; nothing where the account is known.
fn of_new<'a, T>(
    openings: &'a [Opening],
    column: impl Fn(&'a Registration) -> Option<T>,
) -> Vec<Option<T>> {
    let of = |opening: &'a Opening| opening.registration.as_ref().and_then(&column);
    openings.iter().map(of).collect()
}
