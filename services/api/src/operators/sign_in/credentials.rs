//! Proving an operator's password: argon2id once, then remembered for minutes under a keyed hash.
//!
//! What is remembered serves for seconds while the invalidation channel is healthy; otherwise, and after that, the stored
//! hash is compared with the database's, which still costs no argon2. Wrong passwords take from a budget per user name and
//! per address before they are looked at, so parallel guesses get nothing extra. A remembered password is not held up by
//! guesses.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::http::StatusCode;
use bytes::Bytes;
use galaxy_core::{Clock, SourceNetwork, Timestamp, entropy};
use galaxy_http::ApiError;
use galaxy_service::{Generation, GenerationCache, SingleFlight};
use galaxy_store::Db;
use jiff::SignedDuration;
use parking_lot::Mutex;
use sqlx::PgConnection;

use super::{metrics, model, passwords, store};
use crate::{
    invalidation::{Invalidated, Invalidation},
    keys::Keys,
    throttle::{self, Rule},
};

/// Where changes of admin accounts are announced to the other replicas.
const TOPIC: &str = "admins";
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
const REMEMBERED_MOST: usize = 1_000;
/// Compared with the database this often, in case an invalidation was lost.
const LOOKED_AT_EVERY: SignedDuration = SignedDuration::from_secs(10);

type Cache = GenerationCache<[u8; 32], Arc<Verified>>;

/// Checks credentials and remembers those that it verified. Cheap to clone.
#[derive(Clone)]
pub struct Credentials(Arc<State>);

struct State {
    db: Db,
    clock: Clock,
    /// For throttle subjects, the same in all replicas.
    keys: Keys,
    /// For what is remembered, of this process alone.
    own_keys: Keys,
    invalidation: Invalidation,
    remembered: Arc<Cache>,
    /// Verifications that run now. The generation is in the key, so that nobody joins one that began before an invalidation.
    verifying: SingleFlight<([u8; 32], Generation), Result<Arc<Verified>, Refused>>,
    /// Verified against when there is no such account, so that the answer takes as long.
    dummy: String,
}

/// Credentials that were right when they were looked at.
#[derive(Debug)]
pub struct Verified {
    /// Whose.
    pub username: Arc<str>,
    hash: String,
    looked_at: Mutex<Timestamp>,
}

/// Why credentials are refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// Unknown, disabled or wrong; which is not said.
    #[error("the credentials are not right")]
    Wrong,
    /// Too many wrong ones; wait.
    #[error("too many wrong passwords")]
    TooMany(Duration),
    /// The question could not be answered.
    #[error("{0}")]
    Failed(ApiError),
}

impl Credentials {
    /// Credentials of the accounts in `db`, of which none is remembered yet.
    pub fn new(
        db: &Db,
        clock: &Clock,
        keys: &Keys,
        invalidation: &Invalidation,
    ) -> anyhow::Result<Self> {
        let remembered = Arc::new(Cache::new(REMEMBERED_MOST, REMEMBERED_FOR));
        invalidation.register(TOPIC, remembered.clone());
        Ok(Self(Arc::new(State {
            db: db.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            own_keys: Keys::from_bytes(&entropy::bytes::<32>(&mut entropy::rng()))?,
            invalidation: invalidation.clone(),
            remembered,
            verifying: SingleFlight::default(),
            dummy: passwords::hash_now(&entropy::readable(&mut entropy::rng(), 24))?,
        })))
    }

    /// Lets all replicas forget everything: an account was disabled or has another password. Call it after the commit.
    pub async fn forget(&self) {
        self.0.invalidation.send(TOPIC, Bytes::new()).await;
    }

    /// The account that the credentials prove. The same credentials, checked at the same time, are verified once.
    pub async fn check(
        &self,
        username: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Arc<Verified>, Refused> {
        self.0.check(username, password, from).await
    }
}

impl State {
    async fn check(
        &self,
        username: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Arc<Verified>, Refused> {
        let key = self
            .own_keys
            .hash("basic", &[username.as_bytes(), password.as_bytes()]);
        let generation = match self.remembered.lookup(&key) {
            (Some(verified), generation) => {
                let age = self.clock.now().duration_since(*verified.looked_at.lock());
                let recent = age < LOOKED_AT_EVERY && self.invalidation.is_healthy();
                if recent || self.still_holds(&verified).await? {
                    return Ok(verified);
                }
                self.remembered.discard(&key, generation)
            }
            (None, generation) => generation,
        };
        let verification = Box::pin(async {
            let verified = self.verify(username, password, from).await?;
            self.remembered.insert(key, verified.clone(), generation);
            Ok(verified)
        });
        let verified = self.verifying.run((key, generation), verification).await;
        metrics::admin_login(match &verified {
            Ok(_) => "verified",
            Err(Refused::Wrong) => "wrong",
            Err(Refused::TooMany(_)) => "held_up",
            Err(Refused::Failed(_)) => "failed",
        });
        verified
    }

    async fn still_holds(&self, verified: &Verified) -> Result<bool, Refused> {
        let now = self.clock.now();
        let mut connection = self.db.acquire().await?;
        let stored = store::password_hash(&mut connection, &verified.username).await?;
        let holds = stored.as_deref() == Some(&verified.hash);
        if holds {
            *verified.looked_at.lock() = now;
        }
        Ok(holds)
    }

    async fn verify(
        &self,
        username: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Arc<Verified>, Refused> {
        let now = self.clock.now();
        let budgets = Budgets::of(&self.keys, username, from);
        let (stored, taken) = {
            let mut connection = self.db.acquire().await?;
            let taken = budgets.take(&mut connection, now).await?;
            let stored = store::password_hash(&mut connection, username).await?;
            (stored, taken)
        };
        let hash = stored.clone().unwrap_or_else(|| self.dummy.clone());
        let right = passwords::verify(password.to_owned(), hash.clone())
            .await
            .map_err(Refused::Failed)?;
        if !right || stored.is_none() {
            return Err(Refused::Wrong);
        }
        let mut connection = self.db.acquire().await?;
        for (rule, subject) in &taken {
            throttle::give_back(&mut connection, rule, subject).await?;
        }
        throttle::take(&mut connection, &model::KNOWN_ADDRESS, &budgets.pair, now).await?;
        store::note_use(&mut connection, username, now).await?;
        Ok(Arc::new(Verified {
            username: username.into(),
            hash,
            looked_at: Mutex::new(now),
        }))
    }
}

/// Any message means that accounts changed.
impl Invalidated for Cache {
    fn forget(&self, _: &[u8]) {
        self.invalidate_all();
    }

    fn forget_all(&self) {
        self.invalidate_all();
    }
}

/// What stands for a user name and an address in the counters.
struct Budgets {
    account: [u8; 32],
    address: [u8; 32],
    pair: [u8; 32],
}

impl Budgets {
    fn of(keys: &Keys, username: &str, from: IpAddr) -> Self {
        let (name, network) = (username.as_bytes(), SourceNetwork::of(from).to_bytes());
        Self {
            account: keys.hash("admin.account", &[name]),
            address: keys.hash("admin.address", &[&network]),
            pair: keys.hash("admin.pair", &[name, &network]),
        }
    }

    /// Takes a guess from each budget that it counts for; gives those, for a right password gives them back.
    async fn take(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Vec<(&'static Rule, [u8; 32])>, Refused> {
        let known = throttle::wait(connection, &model::KNOWN_ADDRESS, &self.pair, now).await?;
        let budgets: Vec<(&'static Rule, [u8; 32])> = if known.is_some() {
            vec![(&model::GUESSES_FROM_KNOWN_ADDRESS, self.pair)]
        } else {
            vec![
                (&model::GUESSES_PER_ADDRESS, self.address),
                (&model::GUESSES_PER_ACCOUNT, self.account),
            ]
        };
        for (rule, subject) in &budgets {
            if let Some(wait) = throttle::take(connection, rule, subject, now).await? {
                return Err(Refused::TooMany(wait));
            }
        }
        Ok(budgets)
    }
}

impl From<galaxy_store::Error> for Refused {
    fn from(error: galaxy_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send the user name and password of an enabled admin account as HTTP Basic.",
            ),
            Refused::TooMany(wait) => Self::too_many(wait),
            Refused::Failed(error) => error,
        }
    }
}
