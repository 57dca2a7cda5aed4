//! Every request id is used once: reserved in a key-value bucket that all gateways share.
//!
//! An id is remembered for twice the freshness window: a clock that runs ahead by a whole window
//! signs requests that stay fresh for two. The bucket lives in the broker's memory, so a broker that
//! restarts forgets it. Ids that this gateway took are therefore remembered here too; and once the
//! bucket was seen to be a new one, requests signed before it was made are refused, since another
//! gateway may have taken them. When the bucket cannot be reached, nothing is accepted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::kv::{self, CreateErrorKind, Store};
use async_nats::jetstream::stream::StorageType;
use galaxy_core::DeviceSessionId;
use galaxy_events::Nats;
use galaxy_service::GenerationCache;
use uuid::Uuid;

use crate::refusal::Refusal;

/// Name of the bucket.
const BUCKET: &str = "GALAXY_REPLAY";
/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Ids remembered here at most.
const REMEMBERED: usize = 500_000;

/// Takes request ids.
pub struct ReplayGuard {
    nats: Nats,
    bucket: String,
    window: Duration,
    mine: GenerationCache<(DeviceSessionId, Uuid), ()>,
    opened: Mutex<Option<Opened>>,
    /// When the first bucket was made that this gateway saw, and the newest one, milliseconds.
    made: Mutex<Option<(i64, i64)>>,
}

#[derive(Clone)]
struct Opened {
    store: Store,
    /// The connection on which it was opened: it may be another bucket on the next one.
    connection: u64,
}

impl ReplayGuard {
    /// A guard for requests that are fresh for `window` in either direction.
    pub fn new(nats: Nats, window: Duration) -> Self {
        Self::of(nats, BUCKET, window)
    }

    /// A guard with a bucket of another name.
    pub fn of(nats: Nats, bucket: &str, window: Duration) -> Self {
        Self {
            nats,
            bucket: bucket.to_owned(),
            window,
            mine: GenerationCache::new(REMEMBERED, window * 2),
            opened: Mutex::new(None),
            made: Mutex::new(None),
        }
    }

    /// Makes sure that the bucket is there.
    pub async fn open(&self) -> anyhow::Result<()> {
        self.store().await.map(drop)
    }

    /// Takes the id of a request that was signed at `timestamp_ms`; refuses one that is taken.
    pub async fn take(
        &self,
        session: DeviceSessionId,
        request_id: Uuid,
        timestamp_ms: i64,
    ) -> Result<(), Refusal> {
        let id = (session, request_id);
        let (None, generation) = self.mine.lookup(&id) else {
            return Err(Refusal::ReplayedRequest);
        };
        let store = self.store().await.map_err(|error| {
            tracing::error!(
                error = format!("{error:#}"),
                "request ids cannot be reserved"
            );
            Refusal::BackendUnavailable
        })?;
        if timestamp_ms < self.earliest() {
            return Err(Refusal::StaleTimestamp);
        }
        let key = format!("{}.{}", session.uuid().simple(), request_id.simple());
        let reserved = tokio::time::timeout(PATIENCE, store.create(key, "".into())).await;
        match reserved {
            Ok(Ok(_)) => {
                self.mine.insert(id, (), generation);
                Ok(())
            }
            Ok(Err(error)) if error.kind() == CreateErrorKind::AlreadyExists => {
                Err(Refusal::ReplayedRequest)
            }
            failed => {
                let error = failed.map_or_else(|_| "no answer".to_owned(), |r| format!("{r:?}"));
                tracing::error!(error, "a request id cannot be reserved");
                self.forget_store();
                Err(Refusal::BackendUnavailable)
            }
        }
    }

    /// Requests signed before this may have been taken where nobody remembers it, milliseconds.
    fn earliest(&self) -> i64 {
        let made = *self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match made {
            Some((first, newest)) if newest > first => newest,
            _ => i64::MIN,
        }
    }

    async fn store(&self) -> anyhow::Result<Store> {
        let connection = *self.nats.connections().borrow();
        let opened = self
            .opened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(opened) = opened.filter(|opened| opened.connection == connection) {
            return Ok(opened.store);
        }
        let store = tokio::time::timeout(PATIENCE, self.create_store()).await??;
        let opened = Opened {
            store: store.clone(),
            connection,
        };
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(store)
    }

    async fn create_store(&self) -> anyhow::Result<Store> {
        let config = kv::Config {
            bucket: self.bucket.clone(),
            description: "Request ids that gateways have taken".to_owned(),
            history: 1,
            max_age: self.window * 2,
            storage: StorageType::Memory,
            num_replicas: usize::from(self.nats.config().replicas),
            ..kv::Config::default()
        };
        let store = self
            .nats
            .jetstream()
            .create_or_update_key_value(config)
            .await?;
        let created = store.stream.cached_info().created.unix_timestamp_nanos() / 1_000_000;
        let created = i64::try_from(created)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let first = made.map_or(created, |(first, _)| first);
        *made = Some((first, created.max(first)));
        Ok(store)
    }

    fn forget_store(&self) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
