//! Finds the session of a request: in the cache, else with a call of the API.

use galaxy_core::DeviceSessionId;
use galaxy_service::Generation;

use crate::{
    backend::Backend,
    metrics::Metrics,
    refusal::Refusal,
    session_cache::{Session, SessionCache},
};

/// Lookups of one session, if sessions end meanwhile.
const ATTEMPTS: usize = 3;

/// Looks sessions up, behind a cache.
pub struct Sessions {
    backend: Backend,
    cache: SessionCache,
    metrics: Metrics,
}

impl Sessions {
    pub fn new(backend: Backend, cache: SessionCache, metrics: Metrics) -> Self {
        Self {
            backend,
            cache,
            metrics,
        }
    }

    /// The cache, to invalidate what ended.
    pub fn cache(&self) -> &SessionCache {
        &self.cache
    }

    /// The active session of this id, and the generation in which that was true.
    pub async fn find(
        &self,
        id: DeviceSessionId,
        request_id: &str,
    ) -> Result<(Session, Generation), Refusal> {
        let mut found = self.lookup(id, request_id).await?;
        for _ in 1..ATTEMPTS {
            if self.cache.is_current(id, found.1) {
                break;
            }
            found = self.lookup(id, request_id).await?;
        }
        Ok(found)
    }

    /// Looks the session up in the API, past the cache.
    pub async fn fetch(&self, id: DeviceSessionId, request_id: &str) -> Result<Session, Refusal> {
        self.backend.session(id, request_id).await
    }

    async fn lookup(
        &self,
        id: DeviceSessionId,
        request_id: &str,
    ) -> Result<(Session, Generation), Refusal> {
        let (cached, generation) = self.cache.lookup(id);
        self.metrics.session_lookup(cached.is_some());
        if let Some(session) = cached {
            return Ok((session, generation));
        }
        let session = self.backend.session(id, request_id).await?;
        self.cache.insert(id, session, generation);
        Ok((session, generation))
    }
}
