//! The gateway's end of the push stream: follows push-hub for ever and tells everyone here what happened.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use galaxy_core::{Clock, DeviceSessionId, Timestamp, UserId};
use galaxy_proto::push::v1::push_client::PushClient;
use galaxy_proto::push::v1::session_invalidation::Target;
use galaxy_proto::push::v1::stream_status::Status as Said;
use galaxy_proto::push::v1::{
    ClientEvent, GatewaySubscribeRequest, PushEvent, SessionInvalidation, push_event::Event,
};
use galaxy_service::{Backoff, GenerationCache, Latch, Process, Secret, Tasks, telemetry};
use secrecy::ExposeSecret;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::edge::Edge;
use crate::events;
use crate::presence::Delivery;
use crate::refusal::Refusal;

/// Pauses between attempts to subscribe.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
/// Event ids remembered to recognise an event that comes twice.
const REMEMBERED: usize = 50_000;
/// Sessions asked about at once after events may have been missed.
const RECHECKS: usize = 16;

/// How to subscribe.
#[derive(Debug, Clone)]
pub struct PushConfig {
    /// URL of push-hub.
    pub url: String,
    /// Name of this gateway.
    pub client_id: String,
    /// Shown to push-hub.
    pub token: Option<Secret>,
    /// How long push-hub may be silent.
    pub timeout: Duration,
}

/// Follows the push stream.
pub struct Push {
    config: PushConfig,
    edge: Arc<Edge>,
    clock: Clock,
    tasks: Tasks,
    /// Holds from the first time that the stream lived: a gateway that has never been told where the
    /// stream stands would miss what happens before it is.
    ready: Latch,
    /// Position behind the last message that was handled; outlives a loop that panicked.
    cursor: Mutex<String>,
    seen: GenerationCache<String, ()>,
}

impl Push {
    /// Will tell `edge` what happens.
    pub fn new(config: PushConfig, edge: Arc<Edge>, process: &Process) -> Self {
        Self {
            config,
            edge,
            clock: process.clock.clone(),
            tasks: process.tasks.clone(),
            ready: process.readiness.latch("push_stream"),
            cursor: Mutex::default(),
            seen: GenerationCache::new(REMEMBERED, Duration::MAX),
        }
    }

    /// Subscribes again and again until the process drains.
    pub async fn run(self: Arc<Self>) {
        let draining = self.tasks.draining();
        draining.run_until_cancelled(self.follow_for_ever()).await;
    }

    async fn follow_for_ever(&self) {
        let mut failures = 0;
        loop {
            let begun = self.follow().await;
            self.edge.gate.sessions.cache().set_live(false);
            let (was_live, status) = begun;
            failures = if was_live { 1 } else { failures + 1 };
            self.edge.metrics.push_subscription("ended");
            tracing::warn!(
                code = ?status.code(),
                reason = status.message(),
                "the push stream ended; subscribing again"
            );
            tokio::time::sleep(BACKOFF.delay(failures)).await;
        }
    }

    /// One subscription, to its end: whether it ever lived, and why it ended.
    async fn follow(&self) -> (bool, Status) {
        let mut live = false;
        let status = match self.subscribe().await {
            Err(status) => status,
            Ok(mut stream) => loop {
                match self.receive(&mut stream).await {
                    Err(status) => break status,
                    Ok(message) => {
                        if !live {
                            live = true;
                            self.edge.gate.sessions.cache().set_live(true);
                            self.ready.hold();
                        }
                        self.handle(message);
                    }
                }
            },
        };
        (live, status)
    }

    async fn subscribe(&self) -> Result<Streaming<PushEvent>, Status> {
        let invalid = |error: tonic::transport::Error| Status::internal(error.to_string());
        let channel = Endpoint::from_shared(self.config.url.clone())
            .map_err(invalid)?
            .connect_timeout(Duration::from_secs(2))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(5))
            .connect()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(GatewaySubscribeRequest {
            gateway_client_id: self.config.client_id.clone(),
            cursor: self.cursor(),
        });
        if let Some(token) = &self.config.token {
            let value = format!("Bearer {}", token.expose_secret());
            let value = value
                .parse()
                .map_err(|_| Status::internal("the token is no header value"))?;
            request.metadata_mut().insert("authorization", value);
        }
        let mut client: PushClient<Channel> = PushClient::new(channel);
        let opened = tokio::time::timeout(self.config.timeout, client.subscribe_push(request));
        let opened = opened.await.map_err(|_| silent())??;
        Ok(opened.into_inner())
    }

    async fn receive(&self, stream: &mut Streaming<PushEvent>) -> Result<PushEvent, Status> {
        tokio::time::timeout(self.config.timeout, stream.message())
            .await
            .map_err(|_| silent())??
            .ok_or_else(|| Status::unavailable("push-hub ended the stream"))
    }

    /// Does what a message asks for, then moves the cursor.
    fn handle(&self, message: PushEvent) {
        let span = tracing::info_span!("push_event");
        telemetry::parent_from(&span, Some(&message.traceparent));
        span.in_scope(|| match message.event {
            Some(Event::ClientEvent(event)) => {
                self.note_age(message.at);
                self.client_event(event);
            }
            Some(Event::SessionInvalidation(ended)) => self.invalidate(&ended),
            Some(Event::Status(status)) => self.status(status.status),
            None => tracing::warn!("push-hub sent something this gateway does not know"),
        });
        if !message.cursor.is_empty() {
            *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = message.cursor;
        }
    }

    fn client_event(&self, event: ClientEvent) {
        let Ok(user) = event.user_id.parse::<UserId>() else {
            tracing::error!(event_id = event.event_id, "an event names no user");
            return;
        };
        // The broker may have had to be told again what it already passed on.
        let (None, generation) = self.seen.lookup(&event.event_id) else {
            return;
        };
        self.seen.insert(event.event_id.clone(), (), generation);
        let only = event
            .device_session_id
            .as_ref()
            .map(|id| id.parse::<DeviceSessionId>());
        let Ok(only) = only.transpose() else {
            tracing::error!(event_id = event.event_id, "an event names no session");
            return;
        };
        let content_type = match event.content_type.as_str() {
            "" => "application/json".to_owned(),
            _ => event.content_type,
        };
        let delivery = Arc::new(Delivery {
            event_id: event.event_id,
            kind: event.kind,
            content_type,
            payload: event.payload,
        });
        let counts = self.edge.presence.deliver(user, only, &delivery);
        self.edge.metrics.delivered(counts);
        tracing::debug!(
            event_id = delivery.event_id,
            delivered = counts.delivered,
            "delivered"
        );
    }

    /// Forgets first, so that a request that is noted after this is checked anew.
    fn invalidate(&self, ended: &SessionInvalidation) {
        let cache = self.edge.gate.sessions.cache();
        match &ended.target {
            Some(Target::DeviceSessionId(id)) => {
                if let Ok(session) = id.parse() {
                    cache.invalidate_session(session);
                    self.edge.presence.revoke_session(session);
                }
            }
            Some(Target::UserId(id)) => {
                if let Ok(user) = id.parse() {
                    cache.invalidate_user(user);
                    self.edge.presence.revoke_user(user);
                }
            }
            None => tracing::error!("an invalidation names nobody"),
        }
    }

    fn status(&self, said: Option<Said>) {
        match said {
            Some(Said::Resumed(_)) => {
                self.edge.metrics.push_subscription("resumed");
                tracing::info!("the push stream lives");
            }
            Some(Said::Reset(reset)) => {
                self.edge.metrics.push_subscription("reset");
                tracing::warn!(reason = reset.reason, "the push stream begins anew");
                self.edge.gate.sessions.cache().set_live(true);
                self.resync("reset");
                self.recheck();
            }
            Some(Said::Lagged(lagged)) => {
                tracing::warn!(dropped = lagged.dropped, "this gateway was too slow");
                self.resync("lagged");
            }
            Some(Said::Heartbeat(_)) | None => {}
        }
    }

    fn resync(&self, reason: &str) {
        let counts = self
            .edge
            .presence
            .deliver_to_all(&Arc::new(events::resync(reason)));
        self.edge.metrics.delivered(counts);
    }

    /// Invalidations may have been missed: asks about every session that has a stream here.
    fn recheck(&self) {
        let edge = self.edge.clone();
        self.tasks.spawn("recheck", async move {
            let streaming = edge.presence.streaming();
            let checks = streaming.into_iter().map(|session| {
                let edge = &edge;
                async move {
                    let found = edge.gate.sessions.fetch(session, "recheck").await;
                    if let Err(Refusal::SessionRevoked | Refusal::UnknownSession) = found {
                        edge.gate.sessions.cache().invalidate_session(session);
                        edge.presence.revoke_session(session);
                    }
                }
            });
            let checks = futures_util::stream::iter(checks);
            let checks = futures_util::StreamExt::buffer_unordered(checks, RECHECKS);
            futures_util::StreamExt::collect::<()>(checks).await;
        });
    }

    fn note_age(&self, at: Option<prost_types::Timestamp>) {
        let Some(at) = at else { return };
        let Ok(at) = jiff::Timestamp::new(at.seconds, at.nanos).map(Timestamp::from) else {
            return;
        };
        let age = self.clock.now().duration_since(at);
        self.edge.metrics.event_age(age.as_secs_f64());
    }

    fn cursor(&self) -> String {
        self.cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn silent() -> Status {
    Status::deadline_exceeded("push-hub was silent for too long")
}
