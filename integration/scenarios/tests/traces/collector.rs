//! A collector double: takes OTLP over gRPC and over HTTP on one port, with TLS or without, and keeps the spans.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use galaxy_scenarios::Authority;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::any_value,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Mutex,
};
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status, service::Routes};

/// The header that every export must carry.
pub const HEADER: (&str, &str) = ("x-collector-token", "of-the-test");

/// The double. Cheap to clone.
#[derive(Clone)]
pub struct Collector {
    pub address: SocketAddr,
    received: Received,
}

/// What came.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    spans: Vec<(String, Span)>,
    measured: Vec<String>,
}

impl Collector {
    /// Listens, with a certificate called `collector` of `authority` if there is one.
    pub async fn start(authority: Option<&Authority>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let received = Received::default();
        let collector = Self {
            address: listener.local_addr()?,
            received: received.clone(),
        };
        let tls = authority.map(acceptor).transpose()?;
        let router = Routes::new(TraceServiceServer::new(received.clone()))
            .add_service(MetricsServiceServer::new(received.clone()))
            .into_axum_router()
            .merge(over_http(received));
        #[expect(
            clippy::disallowed_methods,
            reason = "lives as long as the test; there is no process to drain"
        )]
        tokio::spawn(accept(listener, tls, router));
        Ok(collector)
    }

    /// The spans so far, each with the name of its process.
    pub async fn spans(&self) -> Vec<(String, Span)> {
        self.received.0.lock().await.spans.clone()
    }

    /// The processes that have sent metrics.
    pub async fn measured(&self) -> Vec<String> {
        let mut services = self.received.0.lock().await.measured.clone();
        services.sort();
        services.dedup();
        services
    }
}

fn acceptor(authority: &Authority) -> Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(authority.certificate("collector"))?;
    let key = PrivateKeyDer::from_pem_file(authority.key("collector"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

#[expect(clippy::disallowed_methods, reason = "lives as long as the test")]
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, router) = (tls.clone(), router.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(stream, router).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, router).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

fn over_http(received: Received) -> Router {
    Router::new()
        .route("/v1/traces", post(traces_over_http))
        .route("/v1/metrics", post(metrics_over_http))
        .with_state(received)
}

async fn traces_over_http(
    State(received): State<Received>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    if headers.get(HEADER.0).is_none_or(|value| value != HEADER.1) {
        return StatusCode::UNAUTHORIZED;
    }
    received.traces(request).await;
    StatusCode::OK
}

async fn metrics_over_http(
    State(received): State<Received>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(request) = ExportMetricsServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    if headers.get(HEADER.0).is_none_or(|value| value != HEADER.1) {
        return StatusCode::UNAUTHORIZED;
    }
    received.metrics(request).await;
    StatusCode::OK
}

impl Received {
    async fn traces(&self, request: ExportTraceServiceRequest) {
        let mut kept = self.0.lock().await;
        for of_process in request.resource_spans {
            let service = service(of_process.resource.as_ref());
            let spans = of_process.scope_spans.into_iter();
            let spans = spans.flat_map(|scope| scope.spans);
            kept.spans.extend(spans.map(|span| (service.clone(), span)));
        }
    }

    async fn metrics(&self, request: ExportMetricsServiceRequest) {
        let services = request.resource_metrics.iter();
        let services = services.map(|of_process| service(of_process.resource.as_ref()));
        self.0.lock().await.measured.extend(services);
    }
}

fn service(resource: Option<&Resource>) -> String {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let name = attributes.iter().find(|one| one.key == "service.name");
    match name.and_then(|name| name.value.as_ref()?.value.as_ref()) {
        Some(any_value::Value::StringValue(name)) => name.clone(),
        _ => String::new(),
    }
}

fn is_let_in<T>(request: &Request<T>) -> Result<(), Status> {
    match request.metadata().get(HEADER.0) {
        Some(value) if value == HEADER.1 => Ok(()),
        _ => Err(Status::unauthenticated("the header is missing")),
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        is_let_in(&request)?;
        self.traces(request.into_inner()).await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Received {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        is_let_in(&request)?;
        self.metrics(request.into_inner()).await;
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
