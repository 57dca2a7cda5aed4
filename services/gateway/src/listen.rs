//! The routers of the two listeners.

use std::sync::Arc;

use axum::Router;
use galaxy_proto::gateway::v1::edge_gateway_server::EdgeGatewayServer;
use http::{HeaderName, HeaderValue, Method, header};
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    edge::Edge,
    refusal::{ERROR_CODE, RETRY_AFTER},
    sign_in,
};

/// gRPC and gRPC-Web.
pub fn grpc(edge: Arc<Edge>, origins: &[String]) -> Router {
    // Twice the largest payload, so that most payloads that are too large are refused with our own code.
    let max_message = edge
        .verifier
        .forward_limits
        .largest_payload()
        .saturating_mul(2);
    let service = EdgeGatewayServer::from_arc(edge).max_decoding_message_size(max_message);
    Routes::new(service)
        .into_axum_router()
        .layer(GrpcWebLayer::new())
        .layer(cors(origins))
}

/// Sign-in over HTTP.
pub fn http(edge: Arc<Edge>, origins: &[String]) -> Router {
    sign_in::router(edge).layer(cors(origins))
}

/// Allows calls of web pages of these origins. Requests carry no cookies, so `*` is safe.
fn cors(origins: &[String]) -> CorsLayer {
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            HeaderName::from_static("x-grpc-web"),
            HeaderName::from_static("x-user-agent"),
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            HeaderName::from_static("grpc-status"),
            HeaderName::from_static("grpc-message"),
            HeaderName::from_static(ERROR_CODE),
            HeaderName::from_static(RETRY_AFTER),
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(std::time::Duration::from_hours(1))
}
