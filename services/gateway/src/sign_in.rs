//! The HTTP listener: forwards the sign-in operations to the API. They are not signed, since the device has no session yet.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Extension, Path, State},
    response::Response,
    routing::post,
};
use galaxy_http::{
    ApiError, ClientAddress,
    layers::{self, Callers, RequestId},
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

use crate::{
    backend::{BackendRequest, forwarded_for},
    edge::Edge,
    refusal::Refusal,
    routes::Class,
};

/// Headers of the API's answer that are passed back.
const PASSED_BACK: [http::HeaderName; 2] = [CONTENT_TYPE, RETRY_AFTER];

pub fn router(edge: Arc<Edge>) -> Router {
    let (proxies, limits) = (edge.proxies.clone(), edge.verifier.forward_limits);
    let router = Router::new()
        .route("/api/v1/public/auth/{action}", post(forward))
        .layer(DefaultBodyLimit::max(limits.body))
        .with_state(edge);
    layers::wrap(router, Callers::Anybody, proxies)
}

async fn forward(
    State(edge): State<Arc<Edge>>,
    Path(action): Path<String>,
    ClientAddress(source): ClientAddress,
    Extension(request_id): Extension<RequestId>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    edge.verifier.rate_limits.sign_in(source).map_err(refused)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if !action.bytes().all(plain) {
        return Err(ApiError::not_found("operation"));
    }
    if !headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
    {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send the body as application/json.",
        ));
    }
    let peer = peer.map_or(source, |Extension(ConnectInfo(address))| address.ip());
    let path = format!("/api/v1/public/auth/{action}");
    let request = BackendRequest {
        method: Method::POST,
        path_and_query: &path,
        body: Some(body),
        request_id: request_id.as_str(),
        forwarded_for: forwarded_for(&headers, peer),
        user: None,
        timeout: edge.verifier.forward_limits.timeout(Class::Write),
    };
    Ok(pass_back(
        edge.backend.send(request).await.map_err(refused)?,
    ))
}

fn pass_back(answer: http::Response<Bytes>) -> Response {
    let (head, body) = answer.into_parts();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = head.status;
    for name in PASSED_BACK {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::RateLimited(wait) => ApiError::too_many(wait),
        Refusal::BackendTimeout => ApiError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "The request took too long and was given up; try again.",
        ),
        other => ApiError::unavailable(other),
    }
}
