//! One client's stream of events: signs each event, and ends with a reason.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use futures_util::{Stream, stream};
use galaxy_core::{Clock, EventId};
use galaxy_proto::gateway::v1::SignedEvent;
use galaxy_proto::signing;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    connection_registry::{Delivery, Subscription},
    metrics::Metrics,
    refusal::Refusal,
};

/// The kind of the first event of a stream.
const SUBSCRIBED: &str = "subscribed";
/// The kind of the event that says that others may have been missed.
const RESYNC: &str = "resync";

/// A stream that is not read yet.
pub struct EventStream {
    pub subscription: Subscription,
    /// The request that opened the stream.
    pub request_id: String,
    /// The session of that request.
    pub device_session_id: String,
    /// Signs the events.
    pub key: Arc<SigningKey>,
    pub clock: Clock,
    /// Cancelled when the process drains.
    pub draining: CancellationToken,
    pub metrics: Metrics,
}

struct Open {
    events: EventStream,
    sequence: u64,
    ended: bool,
}

impl EventStream {
    /// The signed events, `subscribed` first, and the reason for the end last.
    pub fn into_stream(self) -> impl Stream<Item = Result<SignedEvent, Status>> + Send + 'static {
        self.metrics.streams.add(1, &[]);
        let open = Open {
            events: self,
            sequence: 0,
            ended: false,
        };
        stream::unfold(open, |mut open| async move {
            let item = open.next().await?;
            Some((item, open))
        })
    }

    fn sign(&self, sequence: u64, delivery: &Delivery) -> SignedEvent {
        let event = SignedEvent {
            request_id: self.request_id.clone(),
            timestamp_ms: self.clock.now().as_millisecond(),
            sequence,
            event_id: delivery.event_id.clone(),
            kind: delivery.kind.clone(),
            content_type: delivery.content_type.clone(),
            payload: delivery.payload.clone(),
            ..SignedEvent::default()
        };
        signing::sign_event(event, &self.device_session_id, &self.key)
    }
}

impl Open {
    async fn next(&mut self) -> Option<Result<SignedEvent, Status>> {
        if self.ended {
            return None;
        }
        if self.sequence == 0 {
            return Some(Ok(self.sign(&gateway_event(SUBSCRIBED, "{}"))));
        }
        let subscription = &mut self.events.subscription;
        // The end comes before queued events: a session that ended gets no more of them.
        let next = tokio::select! {
            biased;
            end = subscription.end.wait_for(Option::is_some) => {
                Err(end.ok().and_then(|end| end.clone()).unwrap_or(Refusal::ShuttingDown))
            }
            () = self.events.draining.cancelled() => Err(Refusal::ShuttingDown),
            Some(delivery) = subscription.events.recv() => Ok(delivery),
        };
        let end = match next {
            Ok(delivery) => return Some(Ok(self.sign(&delivery))),
            Err(end) => end,
        };
        self.ended = true;
        tracing::info!(
            device_session_id = self.events.device_session_id,
            code = end.code(),
            "an event stream ends"
        );
        Some(Err(end.into()))
    }

    fn sign(&mut self, delivery: &Delivery) -> SignedEvent {
        let event = self.events.sign(self.sequence, delivery);
        self.sequence += 1;
        event
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.events.metrics.streams.add(-1, &[]);
    }
}

/// The event that says that others may have been missed, and why.
pub fn resync(reason: &str) -> Delivery {
    gateway_event(RESYNC, &serde_json::json!({ "reason": reason }).to_string())
}

fn gateway_event(kind: &str, payload: &str) -> Delivery {
    Delivery {
        event_id: EventId::generate().to_string(),
        kind: kind.to_owned(),
        content_type: "application/json".to_owned(),
        payload: payload.to_owned().into(),
    }
}
