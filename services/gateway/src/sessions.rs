//! Finds the session of a request, from the cache while that is certain, else from the API.

use galaxy_core::{Clock, DeviceSessionId};

use crate::backend::Backend;
use crate::cache::{Epoch, Session, SessionCache};
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// How often a lookup is repeated when sessions end meanwhile.
const ATTEMPTS: usize = 3;

/// Looks sessions up.
pub struct Sessions {
    backend: Backend,
    cache: SessionCache,
    clock: Clock,
    metrics: Metrics,
}

impl Sessions {
    /// Asks `backend`, and keeps answers in `cache`.
    pub fn new(backend: Backend, cache: SessionCache, clock: Clock, metrics: Metrics) -> Self {
        Self {
            backend,
            cache,
            clock,
            metrics,
        }
    }

    /// The cache, to tell it what ended.
    pub fn cache(&self) -> &SessionCache {
        &self.cache
    }

    /// The active session of this id, and the epoch in which that was true.
    pub async fn find(
        &self,
        id: DeviceSessionId,
        request_id: &str,
    ) -> Result<(Session, Epoch), Refusal> {
        let mut found = self.look(id, request_id).await?;
        for _ in 1..ATTEMPTS {
            if self.cache.is_current(found.1) {
                break;
            }
            found = self.look(id, request_id).await?;
        }
        Ok(found)
    }

    /// Asks the API, whatever is kept.
    pub async fn ask(&self, id: DeviceSessionId, request_id: &str) -> Result<Session, Refusal> {
        self.backend.session(id, request_id).await
    }

    async fn look(
        &self,
        id: DeviceSessionId,
        request_id: &str,
    ) -> Result<(Session, Epoch), Refusal> {
        let (kept, epoch) = self.cache.get(id, self.clock.now());
        self.metrics.session_lookup(kept.is_some());
        if let Some(session) = kept {
            return Ok((session, epoch));
        }
        let session = self.backend.session(id, request_id).await?;
        self.cache.keep(id, session, epoch, self.clock.now());
        Ok((session, epoch))
    }
}
