//! Broadcasts to every replica over core NATS: `galaxy.cache.<what>`, for caches to forget what changed.
//!
//! Nothing is stored: a replica that was not connected missed it, which [`Nats::connections`] tells. A cache serves only
//! while it can be sure that it missed nothing.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::{Event, Nats};

impl Nats {
    /// Tells all replicas that `what` changed. Returns once the server has taken it; the caller bounds the wait.
    pub async fn broadcast(&self, what: &str, payload: Bytes) -> anyhow::Result<()> {
        self.client()
            .publish(format!("galaxy.cache.{what}"), payload)
            .await?;
        self.client().flush().await?;
        Ok(())
    }

    /// What replicas, this one included, say about `what`. Goes on across reconnections, with a gap.
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

    /// Domain events of one kind at the moment when they are published, by whichever process's relay. The durable way for
    /// an invalidation: its producer may be cut off from the broker, the outbox is not. Data of a later version that cannot
    /// be read is left out.
    pub async fn overhear<E: Event>(
        &self,
    ) -> anyhow::Result<impl Stream<Item = E> + Send + Unpin + use<E>> {
        let messages = self.client().subscribe(E::SUBJECT).await?;
        let event = |message: async_nats::Message| {
            std::future::ready(serde_json::from_slice(&message.payload).ok())
        };
        Ok(messages.filter_map(event))
    }
}
