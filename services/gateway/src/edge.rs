//! The gRPC service `galaxy.gateway.v1.EdgeGateway`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use futures_util::stream::BoxStream;
use galaxy_core::Clock;
use galaxy_events::Nats;
use galaxy_http::TrustedProxies;
use galaxy_proto::{
    gateway::v1::{SignedEvent, SignedRequest, SignedResponse, edge_gateway_server::EdgeGateway},
    signing,
};
use galaxy_service::{Process, telemetry};
use http::header::CONTENT_TYPE;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, metadata::MetadataMap};
use tracing::Instrument;

use crate::{
    backend::{Backend, BackendRequest, forwarded_for},
    config::GatewayConfig,
    connection_registry::ConnectionRegistry,
    event_stream::EventStream,
    metrics::Metrics,
    operation,
    rate_limits::RateLimits,
    refusal::Refusal,
    replay::ReplayGuard,
    request_shape::Target,
    routes::{Route, Routes},
    session_cache::SessionCache,
    sessions::Sessions,
    verifier::{RequestVerifier, VerifiedRequest},
};

/// The service with its parts.
pub struct Edge {
    pub verifier: RequestVerifier,
    pub backend: Backend,
    pub connections: ConnectionRegistry,
    /// Signs responses and events.
    pub key: Arc<SigningKey>,
    pub clock: Clock,
    /// Networks whose `X-Forwarded-For` is trusted.
    pub proxies: TrustedProxies,
    /// Events that are queued for one client at most.
    pub queue: usize,
    pub metrics: Metrics,
    /// Cancelled when the process drains.
    pub draining: CancellationToken,
}

/// The source of a request.
struct Origin {
    /// The client's address, as trusted proxies report it.
    source: IpAddr,
    /// `X-Forwarded-For` for the API.
    forwarded_for: String,
}

impl Edge {
    /// Builds the service. Fails if a duration is out of range.
    pub fn build(
        config: &GatewayConfig,
        routes: Routes,
        nats: Nats,
        process: &Process,
    ) -> anyhow::Result<Self> {
        let (clock, metrics) = (process.clock.clone(), Metrics::default());
        let limits = config.forward_limits;
        let backend = Backend::new(
            &config.backend_http_url,
            config.token.as_ref(),
            limits.answer,
        );
        let cache = SessionCache::new(config.session_ttl);
        let streams = nats.stream_settings();
        let streams = streams.context("the event streams were not seen")?;
        let window = streams.freshness_window;
        let verifier = RequestVerifier {
            routes,
            forward_limits: limits,
            rate_limits: RateLimits::new(config.rate_limits),
            sessions: Sessions::new(backend.clone(), cache, metrics.clone()),
            replay: ReplayGuard::new(nats, streams),
            clock: clock.clone(),
            window_ms: window.as_millis().try_into()?,
        };
        Ok(Self {
            verifier,
            backend,
            connections: ConnectionRegistry::default(),
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
        let verified = self.verifier.verify(request, origin.source).await?;
        let Target::Operation(route) = verified.target else {
            let hint = "subscribe_events is for SubscribeEvents".to_owned();
            return Err(Refusal::InvalidRequest(hint));
        };
        let answer = self.forward(request, &verified, route, origin).await?;
        let status = answer.status().as_u16();
        self.metrics
            .answered(route.operation_id.clone(), status, started.elapsed());
        Ok(self.sign(request, answer))
    }

    /// Calls the API. The call is dropped if the session ends meanwhile.
    async fn forward(
        &self,
        request: &SignedRequest,
        verified: &VerifiedRequest<'_>,
        route: &Route,
        origin: Origin,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let operation = operation::call(route, &request.payload)?;
        let in_flight = self.connections.request(verified.session, verified.user);
        self.verifier
            .check_still_active(verified, &request.request_id)
            .await?;
        let call = self.backend.send(BackendRequest {
            method: route.method.clone(),
            path_and_query: &operation.path_and_query,
            body: operation.body,
            request_id: &request.request_id,
            forwarded_for: origin.forwarded_for,
            user: Some(verified.user),
            timeout: self.verifier.forward_limits.timeout(route.class()),
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

    /// Checks a request for events and opens the stream.
    async fn open(&self, request: &SignedRequest, origin: Origin) -> Result<EventStream, Refusal> {
        let verified = self.verifier.verify(request, origin.source).await?;
        if !matches!(verified.target, Target::Events) {
            let hint = "SubscribeEvents takes the message_type subscribe_events".to_owned();
            return Err(Refusal::InvalidRequest(hint));
        }
        if !matches!(&request.payload[..], b"" | b"{}") {
            return Err(Refusal::InvalidRequest(
                "payload must be empty or {}".to_owned(),
            ));
        }
        let subscription = self
            .connections
            .subscribe(verified.session, verified.user, self.queue);
        self.verifier
            .check_still_active(&verified, &request.request_id)
            .await?;
        Ok(EventStream {
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
            if refusal.is_server_error() {
                telemetry::failed(&tracing::Span::current());
            }
            tracing::info!(code = refusal.code(), "refused");
            refusal.into()
        })
    }
}

fn span(request: &SignedRequest, headers: &MetadataMap) -> tracing::Span {
    // These texts are not verified yet: only as much of them is logged as a valid one can have.
    let short = |text: &str| text.chars().take(64).collect::<String>();
    let span = tracing::info_span!(
        "signed_request",
        otel.kind = "server",
        request_id = short(&request.request_id),
        device_session_id = short(&request.device_session_id),
        message_type = short(&request.message_type),
    );
    let theirs = headers.get("traceparent");
    telemetry::link(&span, theirs.and_then(|value| value.to_str().ok()));
    span
}

#[tonic::async_trait]
impl EdgeGateway for Edge {
    async fn execute(
        &self,
        request: Request<SignedRequest>,
    ) -> Result<Response<SignedResponse>, Status> {
        let origin = self.origin(&request);
        let span = span(request.get_ref(), request.metadata());
        let request = request.into_inner();
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
        let span = span(request.get_ref(), request.metadata());
        let request = request.into_inner();
        async {
            let events = self.finish(self.open(&request, origin).await)?;
            let stream: Self::SubscribeEventsStream = Box::pin(events.into_stream());
            Ok(Response::new(stream))
        }
        .instrument(span)
        .await
    }
}
