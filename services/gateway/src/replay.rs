//! Replay protection: every request id is accepted once. It is reserved in a key-value bucket that all gateways share.
//!
//! An id is kept for twice the freshness window: a request of a clock that is a whole window ahead stays fresh for two
//! windows. The bucket is in the broker's memory and is lost when the broker restarts. Therefore this gateway also keeps
//! the ids that it accepted; and once the bucket is a new one, requests signed before its creation are refused, since
//! another gateway may have accepted them. Without the bucket nothing is accepted.

use std::time::Duration;

use async_nats::jetstream::{
    kv::{self, CreateErrorKind, Store},
    stream::StorageType,
};
use galaxy_core::DeviceSessionId;
use galaxy_events::{Nats, StreamSettings};
use galaxy_service::GenerationCache;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::refusal::Refusal;

const BUCKET: &str = "GALAXY_REPLAY";
/// How long the broker may take to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(3);
/// Accepted ids that this gateway keeps.
const ACCEPTED_CAPACITY: usize = 500_000;

/// Reserves request ids.
pub struct ReplayGuard {
    nats: Nats,
    bucket: String,
    window: Duration,
    replicas: u16,
    /// Ids that this gateway accepted.
    accepted: GenerationCache<(DeviceSessionId, Uuid), ()>,
    opened: Mutex<Option<Opened>>,
    /// When the first bucket that this gateway used was created, and the newest one, in milliseconds.
    created: Mutex<Option<(i64, i64)>>,
}

#[derive(Clone)]
struct Opened {
    store: Store,
    /// The connection on which it was opened. After a reconnect there may be another bucket.
    connection: u64,
}

impl ReplayGuard {
    /// A guard for requests that are fresh for the streams' window in either direction.
    pub fn new(nats: Nats, streams: StreamSettings) -> Self {
        Self::of(nats, BUCKET, streams)
    }

    /// A guard with a bucket of another name.
    pub fn of(nats: Nats, bucket: &str, streams: StreamSettings) -> Self {
        let window = streams.freshness_window;
        Self {
            nats,
            bucket: bucket.to_owned(),
            window,
            replicas: streams.replicas,
            accepted: GenerationCache::new(ACCEPTED_CAPACITY, window * 2),
            opened: Mutex::new(None),
            created: Mutex::new(None),
        }
    }

    /// Opens the bucket, and creates it if there is none.
    pub async fn open(&self) -> anyhow::Result<()> {
        self.store().await.map(drop)
    }

    /// Reserves the id of a request that was signed at `timestamp_ms`. Refuses an id that is reserved.
    pub async fn take(
        &self,
        session: DeviceSessionId,
        request_id: Uuid,
        timestamp_ms: i64,
    ) -> Result<(), Refusal> {
        let id = (session, request_id);
        let (None, generation) = self.accepted.lookup(&id) else {
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
        let reserved = tokio::time::timeout(BROKER_TIMEOUT, store.create(key, "".into())).await;
        match reserved {
            Ok(Ok(_)) => {
                self.accepted.insert(id, (), generation);
                Ok(())
            }
            Ok(Err(error)) if error.kind() == CreateErrorKind::AlreadyExists => {
                Err(Refusal::ReplayedRequest)
            }
            failed => {
                let error = failed.map_or_else(|_| "no answer".to_owned(), |r| format!("{r:?}"));
                tracing::error!(error, "a request id cannot be reserved");
                self.close_store();
                Err(Refusal::BackendUnavailable)
            }
        }
    }

    /// Requests signed before this (milliseconds) may have been accepted by a gateway that used a lost bucket.
    fn earliest(&self) -> i64 {
        match *self.created.lock() {
            Some((first, newest)) if newest > first => newest,
            _ => i64::MIN,
        }
    }

    async fn store(&self) -> anyhow::Result<Store> {
        let connection = *self.nats.connections().borrow();
        let opened = self.opened.lock().clone();
        if let Some(opened) = opened.filter(|opened| opened.connection == connection) {
            return Ok(opened.store);
        }
        let store = tokio::time::timeout(BROKER_TIMEOUT, self.create_store()).await??;
        let opened = Opened {
            store: store.clone(),
            connection,
        };
        *self.opened.lock() = Some(opened);
        Ok(store)
    }

    async fn create_store(&self) -> anyhow::Result<Store> {
        let config = kv::Config {
            bucket: self.bucket.clone(),
            description: "Request ids that gateways have taken".to_owned(),
            history: 1,
            max_age: self.window * 2,
            storage: StorageType::Memory,
            num_replicas: usize::from(self.replicas),
            ..kv::Config::default()
        };
        let store = self
            .nats
            .jetstream()
            .create_or_update_key_value(config)
            .await?;
        let created = store.stream.cached_info().created.unix_timestamp_nanos() / 1_000_000;
        let created = i64::try_from(created)?;
        let mut known = self.created.lock();
        let first = known.map_or(created, |(first, _)| first);
        *known = Some((first, created.max(first)));
        Ok(store)
    }

    fn close_store(&self) {
        *self.opened.lock() = None;
    }
}
