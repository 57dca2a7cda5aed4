//! Subscribes to push-hub: delivers events to the streams of this gateway and applies invalidations of sessions.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use galaxy_core::{Clock, DeviceSessionId, Timestamp, UserId};
use galaxy_proto::push::v1::{
    ClientEvent, GatewaySubscribeRequest, PushEvent, SessionInvalidation, push_client::PushClient,
    push_event::Event, session_invalidation::Target, stream_status::Status as StreamState,
};
use galaxy_service::{
    Backoff, GenerationCache, Latch, Process, Tasks, telemetry,
    tls::{Authorities, Identity},
};
use parking_lot::Mutex;
use tonic::{
    Code, Request, Status, Streaming,
    metadata::MetadataValue,
    transport::{self, Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::{
    connection_registry::Delivery, edge::Edge, event_stream, refusal::Refusal, token::GatewayToken,
};

/// Pauses between attempts to subscribe.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
/// Event ids that are remembered, to recognise an event that comes twice.
const SEEN_CAPACITY: usize = 50_000;
/// Sessions that are looked up at the same time after invalidations may have been missed.
const CONCURRENT_RECHECKS: usize = 16;

/// How to subscribe.
#[derive(Debug, Clone)]
pub struct PushConfig {
    /// The URL of push-hub.
    pub url: String,
    /// The name of this gateway, unique among gateways.
    pub client_id: String,
    /// Authenticates the gateway to push-hub.
    pub token: Option<GatewayToken>,
    /// Authorities that push-hub's certificate may come from, besides the public ones.
    pub authorities: Option<Authorities>,
    /// What push-hub sees of the gateway.
    pub identity: Option<Identity>,
    /// How long push-hub may be silent before the stream counts as broken.
    pub timeout: Duration,
}

/// The subscriber.
pub struct PushSubscriber {
    config: PushConfig,
    edge: Arc<Edge>,
    clock: Clock,
    tasks: Tasks,
    /// Set once the stream was live: a gateway without a position in the stream would miss the events before its first
    /// subscription.
    ready: Latch,
    /// The position behind the last handled message. It outlives a loop that panicked.
    cursor: Mutex<String>,
    seen: GenerationCache<String, ()>,
}

impl PushSubscriber {
    /// Applies what push-hub sends to `edge`.
    pub fn new(config: PushConfig, edge: Arc<Edge>, process: &Process) -> Self {
        Self {
            config,
            edge,
            clock: process.clock.clone(),
            tasks: process.tasks.clone(),
            ready: process.readiness.latch("push_stream"),
            cursor: Mutex::default(),
            seen: GenerationCache::new(SEEN_CAPACITY, Duration::MAX),
        }
    }

    /// Subscribes, and again whenever the stream ends, until the process drains.
    pub async fn run(self: Arc<Self>) {
        let draining = self.tasks.draining();
        draining.run_until_cancelled(self.run_loop()).await;
    }

    async fn run_loop(&self) {
        let mut failures = 0;
        loop {
            let (was_live, status) = self.follow().await;
            self.edge.verifier.sessions.cache().set_live(false);
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

    /// Follows one subscription to its end. Answers whether it was live, and the reason for the end.
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
                            self.edge.verifier.sessions.cache().set_live(true);
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
        let endpoint = Endpoint::from_shared(self.config.url.clone()).map_err(invalid)?;
        let endpoint = match endpoint.uri().scheme_str() {
            Some("https") => endpoint.tls_config(self.tls()).map_err(invalid)?,
            _ => endpoint,
        };
        let channel = endpoint
            .connect_timeout(Duration::from_secs(2))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(5))
            .connect()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(GatewaySubscribeRequest {
            gateway_client_id: self.config.client_id.clone(),
            cursor: self.cursor.lock().clone(),
        });
        let shown = self.config.token.as_ref().and_then(GatewayToken::header);
        if let Some(shown) = &shown {
            let value = MetadataValue::try_from(shown.as_bytes())
                .map_err(|_| Status::internal("the token is no header value"))?;
            request.metadata_mut().insert("authorization", value);
        }
        let mut client: PushClient<Channel> = PushClient::new(channel);
        let opened = tokio::time::timeout(self.config.timeout, client.subscribe_push(request));
        let opened = opened.await.map_err(|_| silent())?;
        if let (Err(status), Some(token), Some(shown)) = (&opened, &self.config.token, &shown)
            && status.code() == Code::Unauthenticated
        {
            // For the next attempt.
            token.after_refusal(shown);
        }
        Ok(opened?.into_inner())
    }

    fn tls(&self) -> ClientTlsConfig {
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(authorities) = &self.config.authorities {
            tls = tls.ca_certificate(Certificate::from_pem(&authorities.pem));
        }
        if let Some(Identity { certificate, key }) = &self.config.identity {
            tls = tls.identity(transport::Identity::from_pem(certificate, key));
        }
        tls
    }

    async fn receive(&self, stream: &mut Streaming<PushEvent>) -> Result<PushEvent, Status> {
        tokio::time::timeout(self.config.timeout, stream.message())
            .await
            .map_err(|_| silent())??
            .ok_or_else(|| Status::unavailable("push-hub ended the stream"))
    }

    /// Applies a message, then moves the cursor.
    fn handle(&self, message: PushEvent) {
        let span = tracing::info_span!("push_event", otel.kind = "consumer");
        telemetry::parent_from(&span, Some(&message.traceparent));
        span.in_scope(|| match message.event {
            Some(Event::ClientEvent(event)) => {
                self.note_age(message.at);
                self.client_event(event);
            }
            Some(Event::SessionInvalidation(ended)) => self.invalidate(&ended),
            Some(Event::Status(status)) => self.status(status.status),
            None => tracing::warn!("push-hub sent a message of an unknown kind"),
        });
        if !message.cursor.is_empty() {
            *self.cursor.lock() = message.cursor;
        }
    }

    fn client_event(&self, event: ClientEvent) {
        let Ok(user) = event.user_id.parse::<UserId>() else {
            tracing::error!(event_id = event.event_id, "an event names no user");
            return;
        };
        // An event may be published twice: at least once is what the outbox promises.
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
        let counts = self.edge.connections.deliver(user, only, &delivery);
        self.edge.metrics.delivered(counts);
        tracing::debug!(
            event_id = delivery.event_id,
            delivered = counts.delivered,
            "delivered"
        );
    }

    /// Invalidates the cache first, so that a request that is registered after it is checked again.
    fn invalidate(&self, ended: &SessionInvalidation) {
        let cache = self.edge.verifier.sessions.cache();
        match &ended.target {
            Some(Target::DeviceSessionId(id)) => {
                if let Ok(session) = id.parse() {
                    cache.invalidate_session(session);
                    self.edge.connections.revoke_session(session);
                }
            }
            Some(Target::UserId(id)) => {
                if let Ok(user) = id.parse() {
                    cache.invalidate_user(user);
                    self.edge.connections.revoke_user(user);
                }
            }
            None => tracing::error!("an invalidation has no target"),
        }
    }

    fn status(&self, state: Option<StreamState>) {
        match state {
            Some(StreamState::Resumed(_)) => {
                self.edge.metrics.push_subscription("resumed");
                tracing::info!("the push stream is live");
            }
            Some(StreamState::Reset(reset)) => {
                self.edge.metrics.push_subscription("reset");
                tracing::warn!(reason = reset.reason, "the push stream starts over");
                self.edge.verifier.sessions.cache().set_live(true);
                self.resync("reset");
                self.recheck();
            }
            Some(StreamState::Lagged(lagged)) => {
                tracing::warn!(dropped = lagged.dropped, "this gateway was too slow");
                self.resync("lagged");
            }
            Some(StreamState::Heartbeat(_)) | None => {}
        }
    }

    fn resync(&self, reason: &str) {
        let counts = self
            .edge
            .connections
            .deliver_to_all(&Arc::new(event_stream::resync(reason)));
        self.edge.metrics.delivered(counts);
    }

    /// Looks up every session that has a stream, since invalidations may have been missed.
    fn recheck(&self) {
        let edge = self.edge.clone();
        self.tasks.spawn("recheck", async move {
            let streaming = edge.connections.streaming_sessions();
            let checks = streaming.into_iter().map(|session| {
                let edge = &edge;
                async move {
                    let found = edge.verifier.sessions.fetch(session, "recheck").await;
                    if let Err(Refusal::SessionRevoked | Refusal::UnknownSession) = found {
                        edge.verifier.sessions.cache().invalidate_session(session);
                        edge.connections.revoke_session(session);
                    }
                }
            });
            futures_util::stream::iter(checks)
                .buffer_unordered(CONCURRENT_RECHECKS)
                .collect::<()>()
                .await;
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
}

fn silent() -> Status {
    Status::deadline_exceeded("push-hub was silent for too long")
}
