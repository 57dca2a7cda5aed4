//! The routers of the two listeners.

use std::sync::Arc;

use axum::Router;
use galaxy_proto::gateway::v1::edge_gateway_server::EdgeGatewayServer;
use http::{HeaderName, HeaderValue, Method, header};
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::edge::Edge;
use crate::refusal::{ERROR_CODE, RETRY_AFTER};
use crate::shape::MAX_PAYLOAD;
use crate::sign_in;

/// Largest gRPC message that is read, bytes. A little more than the largest payload, so that a
/// payload that is too large is mostly told so with our code.
const MAX_MESSAGE: usize = 2 * MAX_PAYLOAD;

/// gRPC and gRPC-Web.
pub fn grpc(edge: Arc<Edge>, origins: &[String]) -> Router {
    let service = EdgeGatewayServer::from_arc(edge).max_decoding_message_size(MAX_MESSAGE);
    Routes::new(service)
        .into_axum_router()
        .layer(GrpcWebLayer::new())
        .layer(cors(origins))
}

/// Sign-in.
pub fn http(edge: Arc<Edge>, origins: &[String]) -> Router {
    sign_in::router(edge).layer(cors(origins))
}

/// Lets web pages of these origins call. Requests carry no cookies, so that `*` gives nothing away.
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
