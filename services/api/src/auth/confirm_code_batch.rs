//! Attempts to confirm a code that arrive at the same time go through the database together.
//!
//! One transaction takes a try of each challenge, compares, and opens sessions for the right ones. Attempts of one batch
//! at the same challenge or account are worked on in rounds, one after the other.

use std::collections::{HashMap, HashSet};

use galaxy_core::{
    ChallengeId, Clock, DeviceSessionId, EmailAddress, Locale, RevocationReason, Timestamp, UserId,
    entropy,
};
use galaxy_service::Tasks;
use galaxy_store::{Db, Error, Result, Tx};

use super::{
    model::{self, WRONG_CODES},
    sessions,
    store::{self, Opened, Opening, Registration, Tried},
};
use crate::{
    accounts::model::SanctionCode,
    batch::{BatchPermit, BatchResult, Batcher, whole_or_each},
    throttle,
};

/// How often a batch is tried, since another replica may have taken the address or the name of a new account.
const MAX_TRIES: u32 = 5;

/// A code that was typed, and the device it was typed into.
pub struct Attempt {
    pub challenge_id: ChallengeId,
    /// Keyed hash of the code.
    pub given: [u8; 32],
    pub client_public_key: [u8; 32],
    /// IANA time zone, for a new account.
    pub time_zone: String,
    /// Where the device is, for a new account.
    pub country: Option<String>,
    /// The request's trace.
    pub traceparent: Option<String>,
}

/// The outcome of an attempt.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A session, and those that were revoked for it.
    Opened(DeviceSessionId, Vec<DeviceSessionId>),
    /// Unknown, expired, consumed, wrong or exhausted.
    Invalid,
    /// The code was right, but the account may not sign in.
    Barred(SanctionCode),
}

/// Tries codes and opens sessions.
pub type Attempts = Batcher<Attempt, BatchResult<Outcome>>;

/// A batcher of attempts.
pub fn batcher(tasks: &Tasks, db: &Db, clock: &Clock) -> Attempts {
    let (db, clock) = (db.clone(), clock.clone());
    Batcher::new(tasks, move |batch: Vec<Attempt>, permit| {
        let (db, clock) = (db.clone(), clock.clone());
        async move { whole_or_each(&batch, |part| write(&db, &clock, part, &permit)).await }
    })
}

async fn write(
    db: &Db,
    clock: &Clock,
    batch: &[Attempt],
    permit: &BatchPermit,
) -> Result<Vec<Outcome>> {
    let mut tries = 1;
    loop {
        match write_once(db, clock, batch, permit).await {
            Err(error) if store::is_taken(&error) && tries < MAX_TRIES => tries += 1,
            written => return written,
        }
    }
}

async fn write_once(
    db: &Db,
    clock: &Clock,
    batch: &[Attempt],
    permit: &BatchPermit,
) -> Result<Vec<Outcome>> {
    let mut work = Work {
        now: clock.now(),
        outcomes: batch.iter().map(|_| Outcome::Invalid).collect(),
        made: HashMap::new(),
        tx: db.begin_with_kept_plans().await?,
    };
    let mut waiting: Vec<(usize, &Attempt)> = batch.iter().enumerate().collect();
    while !waiting.is_empty() {
        let (round, later) = one_of_each(waiting, |(_, attempt)| attempt.challenge_id);
        let (open, shut) = work.try_codes(round).await?;
        let still_open = |(_, attempt): &(usize, &Attempt)| !shut.contains(&attempt.challenge_id);
        waiting = later.into_iter().filter(still_open).collect();
        work.open_sessions(open).await?;
    }
    permit.release();
    work.tx.commit().await?;
    Ok(work.outcomes)
}

/// The first of each key, and the others.
fn one_of_each<T, K: std::hash::Hash + Eq>(all: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<T>) {
    let mut seen = HashSet::new();
    all.into_iter().partition(|item| seen.insert(key(item)))
}

/// A batch under way.
struct Work {
    now: Timestamp,
    outcomes: Vec<Outcome>,
    /// The accounts of earlier rounds, by address: some were made after the later tries were taken.
    made: HashMap<String, UserId>,
    tx: Tx,
}

/// An attempt whose code was right.
struct Right<'a> {
    place: usize,
    attempt: &'a Attempt,
    tried: Tried,
}

impl Work {
    /// Takes a try of each challenge and compares. Returns the right ones, and the challenges that have no more tries.
    async fn try_codes<'a>(
        &mut self,
        round: Vec<(usize, &'a Attempt)>,
    ) -> Result<(Vec<Right<'a>>, HashSet<ChallengeId>)> {
        let ids: Vec<_> = round
            .iter()
            .map(|(_, attempt)| attempt.challenge_id.uuid())
            .collect();
        let tried = store::take_tries(&mut self.tx, &ids, self.now).await?;
        let mut tried: HashMap<_, _> = tried.into_iter().map(|t| (t.challenge_id, t)).collect();
        let (mut right, mut wrong, mut shut) = (vec![], vec![], HashSet::new());
        for (place, attempt) in round {
            let Some(tried) = tried.remove(&attempt.challenge_id) else {
                shut.insert(attempt.challenge_id);
                continue;
            };
            if !model::same_hash(&tried.code_hash, &attempt.given) {
                wrong.extend(tried.email_subject);
            } else if !tried.is_guessed_at {
                right.push(Right {
                    place,
                    attempt,
                    tried,
                });
            }
        }
        if !wrong.is_empty() {
            let wrong: Vec<&[u8]> = wrong.iter().map(Vec::as_slice).collect();
            throttle::count(&mut self.tx, &WRONG_CODES, &wrong, self.now).await?;
        }
        Ok((right, shut))
    }

    /// Opens a session for each right code; codes of one address one after the other.
    async fn open_sessions(&mut self, mut right: Vec<Right<'_>>) -> Result<()> {
        while !right.is_empty() {
            let (round, later) = one_of_each(right, |right| right.tried.email.clone());
            right = later;
            let openings: Option<Vec<Opening>> = round.iter().map(|r| self.opening(r)).collect();
            let openings = openings.ok_or(Error::Unexpected("a challenge has no valid address"))?;
            let opened = store::open(&mut self.tx, &openings, self.now).await?;
            for ((right, opening), opened) in round.into_iter().zip(openings).zip(opened) {
                self.outcomes[right.place] = match opened {
                    Opened::Barred(code) => Outcome::Barred(code),
                    Opened::Yes(replaced) => {
                        let reason = RevocationReason::Replaced.into();
                        sessions::publish_revocations(&mut self.tx, &replaced, &reason).await?;
                        let gone = replaced.iter().map(|r| r.device_session_id).collect();
                        Outcome::Opened(opening.device_session_id, gone)
                    }
                };
                self.made.insert(right.tried.email, opening.user_id);
            }
        }
        Ok(())
    }

    fn opening(&self, right: &Right<'_>) -> Option<Opening> {
        let made = self.made.get(&right.tried.email).copied();
        let known = right.tried.user_id.or(made);
        let registration = match known {
            Some(_) => None,
            None => Some(registration(right)?),
        };
        Some(Opening {
            challenge_id: right.attempt.challenge_id,
            user_id: known.unwrap_or_else(UserId::generate),
            registration,
            device_session_id: DeviceSessionId::generate(),
            client_public_key: right.attempt.client_public_key,
            traceparent: right.attempt.traceparent.clone(),
        })
    }
}

/// The fields of a new account; `None` if the stored address is not valid.
fn registration(right: &Right<'_>) -> Option<Registration> {
    let language = right
        .tried
        .locale
        .as_deref()
        .map_or(Locale::default(), Locale::best_match);
    Some(Registration {
        email: EmailAddress::parse(&right.tried.delivery_email).ok()?,
        user_name: format!("player-{}", entropy::readable(&mut entropy::rng(), 8)),
        language,
        time_zone: right.attempt.time_zone.clone(),
        country: right.attempt.country.clone(),
    })
}
