//! The gRPC service `galaxy.gateway.v1.EdgeGateway`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use futures_util::stream::BoxStream;
use galaxy_core::Clock;
use galaxy_events::Nats;
use galaxy_http::TrustedProxies;
use galaxy_proto::gateway::v1::edge_gateway_server::EdgeGateway;
use galaxy_proto::gateway::v1::{SignedEvent, SignedRequest, SignedResponse};
use galaxy_proto::signing;
use galaxy_service::{Process, telemetry};
use http::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::backend::{Backend, BackendRequest, forwarded_for};
use crate::config::GatewayConfig;
use crate::events;
use crate::gate::{Gate, Passed};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::operation;
use crate::presence::Presence;
use crate::refusal::Refusal;
use crate::replay::ReplayGuard;
use crate::routes::{Route, Routes};
use crate::session_cache::SessionCache;
use crate::sessions::Sessions;
use crate::shape::Target;

/// What the service works with.
pub struct Edge {
    /// The checks.
    pub gate: Gate,
    /// The REST API.
    pub backend: Backend,
    /// Who is here.
    pub presence: Presence,
    /// Signs responses and events.
    pub key: Arc<SigningKey>,
    /// The time.
    pub clock: Clock,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// Events that may wait for one client.
    pub queue: usize,
    /// What is counted.
    pub metrics: Metrics,
    /// Cancelled when the process drains.
    pub draining: CancellationToken,
}

/// Where a request came from.
struct Origin {
    /// The client, as far as proxies that are trusted tell.
    source: IpAddr,
    /// For the API.
    forwarded_for: String,
}

impl Edge {
    /// Puts the service together. Fails when a duration is out of all bounds.
    pub fn build(
        config: &GatewayConfig,
        routes: Routes,
        nats: Nats,
        process: &Process,
    ) -> anyhow::Result<Self> {
        let (clock, metrics) = (process.clock.clone(), Metrics::default());
        let backend = Backend::new(&config.backend_http_url, config.token.as_ref());
        let cache = SessionCache::new(config.session_ttl);
        let window = config.nats.freshness_window;
        let gate = Gate {
            routes,
            limits: Limits::new(config.limits),
            sessions: Sessions::new(backend.clone(), cache, metrics.clone()),
            replay: ReplayGuard::new(nats, window),
            clock: clock.clone(),
            window_ms: window.as_millis().try_into()?,
        };
        Ok(Self {
            gate,
            backend,
            presence: Presence::default(),
            key: Arc::new(config.signing_key.clone()),
            clock,
            proxies: config.proxies.clone(),
            queue: config.client_queue,
            metrics,
            draining: process.tasks.draining(),
        })
    }

    /// Checks a request, forwards it and signs the answer.
    async fn run(
        &self,
        request: &SignedRequest,
        origin: Origin,
    ) -> Result<SignedResponse, Refusal> {
        let started = Instant::now();
        let passed = self.gate.check(request, origin.source).await?;
        let Target::Operation(route) = passed.target else {
            let hint = "subscribe_events is for SubscribeEvents".to_owned();
            return Err(Refusal::InvalidRequest(hint));
        };
        let answer = self.forward(request, &passed, route, origin).await?;
        let status = answer.status().as_u16();
        self.metrics
            .answered(route.operation_id.clone(), status, started.elapsed());
        Ok(self.sign(request, answer))
    }

    /// Asks the API, unless the session ends meanwhile.
    async fn forward(
        &self,
        request: &SignedRequest,
        passed: &Passed<'_>,
        route: &Route,
        origin: Origin,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let call = operation::call(route, &request.payload)?;
        let in_flight = self.presence.request(passed.session, passed.user);
        self.gate
            .is_still_active(passed, &request.request_id)
            .await?;
        let call = self.backend.send(BackendRequest {
            method: route.method.clone(),
            path_and_query: &call.path_and_query,
            body: call.body,
            request_id: &request.request_id,
            forwarded_for: origin.forwarded_for,
            user: Some(passed.user),
            timeout: route.timeout(),
        });
        tokio::select! {
            biased;
            () = in_flight.revoked().cancelled() => Err(Refusal::SessionRevoked),
            answer = call => answer,
        }
    }

    fn sign(&self, request: &SignedRequest, answer: http::Response<Bytes>) -> SignedResponse {
        let content_type = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let response = SignedResponse {
            request_id: request.request_id.clone(),
            timestamp_ms: self.clock.now().as_millisecond(),
            http_status: answer.status().as_u16().into(),
            content_type: content_type.unwrap_or_default().to_owned(),
            payload: answer.into_body(),
            ..SignedResponse::default()
        };
        signing::sign_response(response, &request.device_session_id, &self.key)
    }

    /// Checks a request for events and begins the stream.
    async fn open(
        &self,
        request: &SignedRequest,
        origin: Origin,
    ) -> Result<events::Events, Refusal> {
        let passed = self.gate.check(request, origin.source).await?;
        if !matches!(passed.target, Target::Events) {
            let hint = "SubscribeEvents takes the message_type subscribe_events".to_owned();
            return Err(Refusal::InvalidRequest(hint));
        }
        if !matches!(&request.payload[..], b"" | b"{}") {
            return Err(Refusal::InvalidRequest(
                "payload must be empty or {}".to_owned(),
            ));
        }
        let subscription = self
            .presence
            .subscribe(passed.session, passed.user, self.queue);
        self.gate
            .is_still_active(&passed, &request.request_id)
            .await?;
        Ok(events::Events {
            subscription,
            request_id: request.request_id.clone(),
            device_session_id: request.device_session_id.clone(),
            key: self.key.clone(),
            clock: self.clock.clone(),
            draining: self.draining.clone(),
            metrics: self.metrics.clone(),
        })
    }

    fn origin<T>(&self, request: &Request<T>) -> Origin {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::from([0; 4]), |ConnectInfo(address)| address.ip());
        let headers = request.metadata().clone().into_headers();
        Origin {
            source: self.proxies.source(peer, &headers),
            forwarded_for: forwarded_for(&headers, peer),
        }
    }

    /// Logs and counts how a request ended.
    fn finish<T>(&self, outcome: Result<T, Refusal>) -> Result<T, Status> {
        outcome.map_err(|refusal| {
            self.metrics.refused(refusal.code());
            tracing::info!(code = refusal.code(), "refused");
            refusal.into()
        })
    }
}

fn span(request: &SignedRequest) -> tracing::Span {
    // Texts of strangers go into the log only as far as a well-formed one would reach.
    let short = |text: &str| text.chars().take(64).collect::<String>();
    let span = tracing::info_span!(
        "signed_request",
        request_id = short(&request.request_id),
        device_session_id = short(&request.device_session_id),
        message_type = short(&request.message_type),
        trace_id = tracing::field::Empty,
    );
    if let Some(trace) = span.in_scope(telemetry::traceparent) {
        span.record("trace_id", trace.get(3..35).unwrap_or_default());
    }
    span
}

#[tonic::async_trait]
impl EdgeGateway for Edge {
    async fn execute(
        &self,
        request: Request<SignedRequest>,
    ) -> Result<Response<SignedResponse>, Status> {
        let origin = self.origin(&request);
        let request = request.into_inner();
        let span = span(&request);
        async {
            let outcome = self.run(&request, origin).await;
            if let Ok(response) = &outcome {
                tracing::info!(status = response.http_status, "answered");
            }
            self.finish(outcome).map(Response::new)
        }
        .instrument(span)
        .await
    }

    type SubscribeEventsStream = BoxStream<'static, Result<SignedEvent, Status>>;

    async fn subscribe_events(
        &self,
        request: Request<SignedRequest>,
    ) -> Result<Response<Self::SubscribeEventsStream>, Status> {
        let origin = self.origin(&request);
        let request = request.into_inner();
        let span = span(&request);
        async {
            let events = self.finish(self.open(&request, origin).await)?;
            let stream: Self::SubscribeEventsStream = Box::pin(events.into_stream());
            Ok(Response::new(stream))
        }
        .instrument(span)
        .await
    }
}
