//! Checks the credentials of operators: Argon2id once, then a cache for minutes under a keyed hash.
//!
//! While the invalidation channel is healthy, a cached entry is used for seconds without a query. Otherwise, and after that,
//! its hash is compared with that in the database, which needs no Argon2. A guess takes from a budget per user name and per
//! address before it is verified, so parallel guesses get no extra tries. Cached credentials need no budget.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use galaxy_core::{Clock, SourceNetwork, Timestamp, entropy};
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

/// The topic on which replicas publish changes of admin accounts.
const TOPIC: &str = "admins";
const CACHE_TIME_TO_LIVE: Duration = Duration::from_mins(5);
const CACHE_CAPACITY: usize = 1_000;
/// How often a cached entry is compared with the database, in case an invalidation was lost.
const RECHECK_PERIOD: SignedDuration = SignedDuration::from_secs(10);

type Cache = GenerationCache<[u8; 32], Arc<Verified>>;

/// Checks credentials and caches those that are valid. Cheap to clone.
#[derive(Clone)]
pub struct Credentials(Arc<State>);

struct State {
    db: Db,
    clock: Clock,
    /// For throttle subjects; the same in all replicas.
    keys: Keys,
    /// For the keys of the cache; random in each process.
    own_keys: Keys,
    invalidation: Invalidation,
    cache: Arc<Cache>,
    /// Verifications under way. The generation is in the key, so that no request joins one that began before an invalidation.
    verifying: SingleFlight<([u8; 32], Generation), Result<Arc<Verified>, Refused>>,
    /// Verified instead of the hash of an unknown account, so that the response takes as long.
    dummy: String,
}

/// Credentials that were valid at their last check.
#[derive(Debug)]
pub struct Verified {
    pub username: Arc<str>,
    hash: String,
    checked_at: Mutex<Timestamp>,
}

/// Why credentials are refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// Unknown or disabled account, or wrong password; the response does not say which.
    #[error("the credentials are not right")]
    Wrong,
    /// Too many wrong passwords; the next try is allowed after this time.
    #[error("too many wrong passwords")]
    TooMany(Duration),
    #[error(transparent)]
    Store(Arc<galaxy_store::Error>),
    /// The password could not be hashed.
    #[error("{0:#}")]
    Hashing(Arc<anyhow::Error>),
}

impl Credentials {
    /// Checks against the accounts in `db`, with an empty cache.
    pub fn new(
        db: &Db,
        clock: &Clock,
        keys: &Keys,
        invalidation: &Invalidation,
    ) -> anyhow::Result<Self> {
        metrics::start();
        let cache = Arc::new(Cache::new(CACHE_CAPACITY, CACHE_TIME_TO_LIVE));
        invalidation.register(TOPIC, cache.clone());
        Ok(Self(Arc::new(State {
            db: db.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            own_keys: Keys::from_bytes(&entropy::bytes::<32>(&mut entropy::rng()))?,
            invalidation: invalidation.clone(),
            cache,
            verifying: SingleFlight::default(),
            dummy: passwords::hash_now(&entropy::readable(&mut entropy::rng(), 24))?,
        })))
    }

    /// Clears the caches of all replicas. Call it after a commit that disables an account or changes its password.
    pub async fn forget(&self) {
        self.0.invalidation.send(TOPIC, Bytes::new()).await;
    }

    /// Verifies the credentials. Concurrent checks of the same credentials share one verification.
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
        let generation = match self.cache.lookup(&key) {
            (Some(verified), generation) => {
                let age = self.clock.now().duration_since(*verified.checked_at.lock());
                let recent = age < RECHECK_PERIOD && self.invalidation.is_healthy();
                if recent || self.still_holds(&verified).await? {
                    return Ok(verified);
                }
                self.cache.discard(&key, generation)
            }
            (None, generation) => generation,
        };
        let verification = Box::pin(async {
            let verified = self.verify(username, password, from).await?;
            self.cache.insert(key, verified.clone(), generation);
            Ok(verified)
        });
        let verified = self.verifying.run((key, generation), verification).await;
        metrics::admin_login(match &verified {
            Ok(_) => "verified",
            Err(Refused::Wrong) => "wrong",
            Err(Refused::TooMany(_)) => "held_up",
            Err(Refused::Store(_) | Refused::Hashing(_)) => "failed",
        });
        verified
    }

    async fn still_holds(&self, verified: &Verified) -> Result<bool, Refused> {
        let now = self.clock.now();
        let mut connection = self.db.acquire().await?;
        let stored = store::password_hash(&mut connection, &verified.username).await?;
        let holds = stored.as_deref() == Some(&verified.hash);
        if holds {
            *verified.checked_at.lock() = now;
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
            .map_err(|error| Refused::Hashing(Arc::new(error)))?;
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
            checked_at: Mutex::new(now),
        }))
    }
}

/// A message does not name the account, so the whole cache is cleared.
impl Invalidated for Cache {
    fn forget(&self, _: &[u8]) {
        self.invalidate_all();
    }

    fn forget_all(&self) {
        self.invalidate_all();
    }
}

/// The subjects of a user name and an address in the throttle counters.
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

    /// Takes a guess from each budget that applies and returns these budgets. The right password returns the guesses.
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
        Self::Store(Arc::new(error))
    }
}
