//! Broadcasts to every replica over core NATS: `galaxy.cache.<what>`, for caches to forget what changed.
//!
//! Nothing is stored: a replica that was not connected has missed it, which a change of [`Nats::connections`] shows. A cache
//! serves entries only while it has missed nothing.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::{Event, Nats};

impl Nats {
    /// Sends to all replicas that `what` changed. Returns once the server has received it; the caller bounds the wait.
    pub async fn broadcast(&self, what: &str, payload: Bytes) -> anyhow::Result<()> {
        self.client()
            .publish(format!("galaxy.cache.{what}"), payload)
            .await?;
        self.client().flush().await?;
        Ok(())
    }

    /// The broadcasts about `what` of all replicas, this one included. Continues across reconnections, with a gap.
    pub async fn listen(
        &self,
        what: &str,
    ) -> anyhow::Result<impl Stream<Item = Bytes> + Send + Unpin + use<>> {
        let messages = self
            .client()
            .subscribe(format!("galaxy.cache.{what}"))
            .await?;
        Ok(messages.map(|message| message.payload))
    }

    /// Events of one type as relays publish them, without a durable consumer. For invalidations that must not be lost when
    /// their producer is disconnected from the broker: they are in the outbox until they are published. Data of a later
    /// version that cannot be decoded is skipped.
    pub async fn subscribe_events<E: Event>(
        &self,
    ) -> anyhow::Result<impl Stream<Item = E> + Send + Unpin + use<E>> {
        let messages = self.client().subscribe(E::SUBJECT).await?;
        let event = |message: async_nats::Message| {
            std::future::ready(serde_json::from_slice(&message.payload).ok())
        };
        Ok(messages.filter_map(event))
    }
}
