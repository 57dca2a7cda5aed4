//! Docker's events, as hints.

use std::{sync::Arc, time::Duration};

use bollard::{models::EventMessage, query_parameters::EventsOptionsBuilder};
use futures_util::StreamExt as _;
use galaxy_core::Timestamp;
use galaxy_service::{Backoff, Tasks};

use super::{Inner, error::driver_error};
use crate::{DriverError, DriverEvent, Result};

/// How often a quiet connection is tried.
const PING: Duration = Duration::from_secs(15);

/// How long an answer to that may take.
const PONG: Duration = Duration::from_secs(10);

/// Waits between tries to connect again.
const RECONNECT: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// Reads Docker's events for as long as the process lives, and passes them on.
pub(super) fn spawn(inner: &Arc<Inner>, tasks: &Tasks) {
    let (inner, draining) = (inner.clone(), tasks.draining());
    tasks.supervise("docker.events", move || {
        let (inner, draining) = (inner.clone(), draining.clone());
        async move {
            draining.run_until_cancelled(inner.read_events()).await;
        }
    });
}

impl Inner {
    async fn read_events(&self) {
        let mut failures = 0;
        loop {
            let error = match self.daemon_time().await {
                Ok(since) => {
                    failures = 0;
                    // Events from `since` on come even if they happen before Docker takes the subscription.
                    self.events.tell(DriverEvent::Resync);
                    self.follow(since).await
                }
                Err(error) => error,
            };
            failures += 1;
            if failures == 1 {
                tracing::warn!("Docker's events ended, and are asked for again: {error}");
            }
            tokio::time::sleep(RECONNECT.delay(failures)).await;
        }
    }

    /// Errors: [`DriverError::Unavailable`] if another Docker answers at the address. What that one does not have is no
    /// absence, so this is asked before an absence is told.
    pub(super) async fn check_node(&self) -> Result<()> {
        self.daemon_time().await.map(drop)
    }

    /// The clock of this node's Docker, in seconds with a fraction.
    async fn daemon_time(&self) -> Result<String> {
        let info = self.docker.info();
        let info = tokio::time::timeout(PONG, info).await;
        let info = info
            .map_err(|_| DriverError::TimedOut)?
            .map_err(driver_error)?;
        if info.id.as_ref() != Some(&self.node.id) {
            return Err(DriverError::unavailable(
                "another Docker engine answers at the address: start the manager anew",
            ));
        }
        let time = info.system_time.unwrap_or_default();
        let time: Timestamp = time.parse().map_err(DriverError::invalid)?;
        Ok(format!(
            "{}.{:09}",
            time.as_second(),
            time.subsec_nanosecond()
        ))
    }

    /// Passes events on until the connection breaks.
    async fn follow(&self, since: String) -> DriverError {
        let options = EventsOptionsBuilder::default()
            .since(&since)
            .filters(&self.names.engine_filter())
            .build();
        let mut events = Box::pin(self.docker.events(Some(options)));
        loop {
            match tokio::time::timeout(PING, events.next()).await {
                Ok(Some(Ok(event))) => self.hear(event),
                Ok(Some(Err(error))) => return driver_error(error),
                Ok(None) => return DriverError::unavailable("Docker closed the connection"),
                Err(_) => match tokio::time::timeout(PONG, self.docker.ping()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return driver_error(error),
                    Err(_) => return DriverError::TimedOut,
                },
            }
        }
    }

    /// Labels come as attributes. Signals that are sent and programs that are run inside change nothing.
    fn hear(&self, event: EventMessage) {
        let action = event.action.unwrap_or_default();
        let idle = ["exec_", "kill", "top", "resize", "attach", "archive-path"];
        let attributes = event.actor.and_then(|actor| actor.attributes);
        let game = attributes.and_then(|attributes| self.names.game(&attributes));
        if let (Some(game), false) = (game, idle.iter().any(|idle| action.starts_with(idle))) {
            self.events.tell(DriverEvent::Changed(game));
        }
    }
}
