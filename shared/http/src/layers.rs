//! The layers around a whole router: request id, source address, trace, access line, metrics, panics, error bodies.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use galaxy_service::{tasks::panic_message, telemetry};
use opentelemetry::{KeyValue, metrics::Histogram};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    address::{self, ClientAddress, TrustedProxies},
    error::ApiError,
    extract,
};

/// The header a request id comes and goes in.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request, in extensions: ours, or the caller's if it is well formed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's id if it is 1–64 letters, digits, `-`, `_` or `.`; a new UUIDv7 otherwise.
    fn of(headers: &HeaderMap) -> Self {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        let theirs = headers
            .get(REQUEST_ID)
            .filter(|id| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(plain));
        Self(theirs.cloned().unwrap_or_else(|| {
            let mut text = Uuid::encode_buffer();
            let text = Uuid::now_v7().hyphenated().encode_lower(&mut text);
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
        }))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Who calls a router, as far as traces go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Other processes of the installation: a request continues the trace that its caller names.
    Installation,
    /// Anybody: a request begins a trace, which links to the one that its caller names.
    Anybody,
}

#[derive(Clone)]
struct Shared {
    callers: Callers,
    proxies: TrustedProxies,
    duration: Histogram<f64>,
}

/// Wraps `router` in all layers. Every answer has a request id.
pub fn wrap(router: Router, callers: Callers, proxies: TrustedProxies) -> Router {
    let duration = telemetry::meter()
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("Time from a request's head to its answer's head")
        .with_boundaries(telemetry::REQUEST_SECONDS.to_vec())
        .build();
    let panics = CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| {
        ApiError::internal(format!("panic: {}", panic_message(&*panic))).into_response()
    });
    let shared = Shared {
        callers,
        proxies,
        duration,
    };
    // One stack, since each `layer` of its own costs every request a few allocations.
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(shared, around))
            .layer(panics),
    )
}

async fn around(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let source = shared
        .proxies
        .source(address::peer(request.extensions()), request.headers());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(ClientAddress(source));
    let method = method_label(request.method());
    let route: Arc<str> = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", |path| path.as_str())
        .into();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request_id = id.as_str(),
        method,
        route = &*route,
    );
    let theirs = request.headers().get("traceparent");
    let theirs = theirs.and_then(|value| value.to_str().ok());
    match shared.callers {
        Callers::Installation => telemetry::parent_from(&span, theirs),
        Callers::Anybody => telemetry::link(&span, theirs),
    }

    let answer = async {
        let answer = finish(next.run(request).await, &id);
        access_line(&answer, source, started);
        answer
    }
    .instrument(span.clone())
    .await;
    if answer.status().is_server_error() {
        telemetry::failed(&span);
    }
    let labels = [
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new(
            "http.response.status_code",
            i64::from(answer.status().as_u16()),
        ),
    ];
    shared
        .duration
        .record(started.elapsed().as_secs_f64(), &labels);
    answer
}

/// The method as a label. An unknown one becomes `_OTHER`, by OpenTelemetry's convention for `http.request.method`: clients
/// must not be able to create labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Gives every error answer the error body, also those that axum made itself, and every answer its request id.
fn finish(mut response: Response, id: &RequestId) -> Response {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let stated = response.extensions_mut().remove::<ApiError>();
    if let Some(error) = stated.or_else(|| is_error.then(|| implied(&response)).flatten()) {
        log(&error);
        response = render(response, &error, id.as_str());
    }
    response.headers_mut().insert(REQUEST_ID, id.0.clone());
    response
}

/// What an error answer without a body of ours means. Answers with a JSON body (passed through) stay as they are.
fn implied(response: &Response) -> Option<ApiError> {
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    if content_type.is_some_and(|value| value.starts_with(b"application/json")) {
        return None;
    }
    Some(match response.status() {
        StatusCode::NOT_FOUND => ApiError::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this path.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This path does not take this method; see the Allow header.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => extract::too_large(),
        StatusCode::GATEWAY_TIMEOUT => ApiError::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "The request took too long and was given up; try again.",
        ),
        status if status.is_client_error() => {
            ApiError::new(status, "invalid_request", "The request is not valid.")
        }
        _ => ApiError::internal("an answer without a stated cause"),
    })
}

fn render(response: Response, error: &ApiError, request_id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = serde_json::to_vec(&error.body(request_id)).unwrap_or_default();
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        parts
            .headers
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Response::from_parts(parts, Body::from(body))
}

/// The one place where a failed request's cause is logged.
fn log(error: &ApiError) {
    if error.status().is_server_error() {
        tracing::error!(
            code = error.code(),
            source = error.source(),
            "a request failed"
        );
    } else {
        tracing::debug!(
            code = error.code(),
            source = error.source(),
            "a request was refused"
        );
    }
}

fn access_line(answer: &Response, source: IpAddr, started: Instant) {
    let elapsed_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let status = answer.status().as_u16();
    tracing::debug!(client.address = %source, "source of the request");
    tracing::info!(status, elapsed_ms, "answered");
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, routing::get};
    use tower::ServiceExt;

    use super::*;
    use crate::error::ErrorBody;

    async fn call(
        path: &str,
        method: &str,
        request_id: Option<&str>,
    ) -> (StatusCode, HeaderMap, ErrorBody) {
        let router = Router::new()
            .route("/panic", get(async || -> () { panic!("on purpose") }))
            .route(
                "/late",
                get(|| async { ApiError::unavailable("the database is away") }),
            )
            .route(
                "/plain",
                get(|| async { (StatusCode::IM_A_TEAPOT, "text for a person") }),
            )
            .route("/slow", get(|| async { StatusCode::GATEWAY_TIMEOUT }))
            .route("/large", get(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
            .route("/bare", get(|| async { StatusCode::BAD_GATEWAY }));
        let mut request = Request::builder().uri(path).method(method);
        if let Some(id) = request_id {
            request = request.header(REQUEST_ID, id);
        }
        let answer = wrap(router, Callers::Installation, TrustedProxies::default())
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&body).unwrap(),
        )
    }

    #[tokio::test]
    async fn every_error_has_the_error_body() {
        for (path, method, status, code) in [
            ("/nowhere", "GET", 404, "not_found"),
            ("/late", "POST", 405, "method_not_allowed"),
            ("/panic", "GET", 500, "internal"),
            ("/late", "GET", 503, "unavailable"),
            ("/plain", "GET", 418, "invalid_request"),
            ("/slow", "GET", 504, "timeout"),
            ("/large", "GET", 413, "body_too_large"),
            ("/bare", "GET", 502, "internal"),
        ] {
            let (got, headers, body) = call(path, method, Some("abc-1")).await;
            assert_eq!(
                (got.as_u16(), body.error.code.as_str()),
                (status, code),
                "{method} {path}"
            );
            assert_eq!(body.error.request_id, "abc-1");
            assert_eq!(headers[REQUEST_ID], "abc-1");
            assert_eq!(headers.contains_key(RETRY_AFTER), status == 503);
        }
    }

    #[tokio::test]
    async fn an_odd_request_id_is_replaced_and_causes_stay_in_the_log() {
        let (_, headers, body) = call("/late", "GET", Some("a b\"c")).await;
        assert_ne!(headers[REQUEST_ID], "a b\"c");
        assert!(!body.error.message.contains("database"));
    }

    #[test]
    fn a_request_id_of_the_caller_is_kept_only_if_it_is_short_and_plain() {
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, text.parse().unwrap())]);
            RequestId::of(&headers).as_str().to_owned()
        };
        for kept in ["a", "0199d1c4-6e5f", "A.b_c-9", &"x".repeat(64)] {
            assert_eq!(of(kept), kept);
        }
        for replaced in ["", "a b", "a\"b", "a/b", &"x".repeat(65)] {
            let id = of(replaced);
            assert_eq!(
                id.parse::<Uuid>().map(|id| id.get_version_num()),
                Ok(7),
                "{id}"
            );
        }
    }

    #[tokio::test]
    async fn a_json_error_that_is_passed_through_stays_as_it_is() {
        let body = r#"{"error":{"code":"engine"}}"#;
        let upstream = (
            StatusCode::CONFLICT,
            [(CONTENT_TYPE, "application/json; charset=utf-8")],
            body,
        );
        let router = Router::new().route("/", get(async move || upstream.clone()));
        let answer = wrap(router, Callers::Installation, TrustedProxies::default())
            .oneshot(Request::get("/").body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert!(answer.headers().contains_key(REQUEST_ID));
        let passed = to_bytes(answer.into_body(), 1_000).await.unwrap();
        assert_eq!(passed, body);
    }

    #[tokio::test]
    async fn handlers_see_the_source_that_trusted_proxies_report() {
        let peer = std::net::SocketAddr::from(([10, 0, 0, 1], 7));
        let handler =
            get(|ClientAddress(address): ClientAddress| async move { address.to_string() });
        let proxies = TrustedProxies(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut request = Request::get("/").header("x-forwarded-for", "203.0.113.9");
        request = request.extension(axum::extract::ConnectInfo(peer));
        let answer = wrap(Router::new().route("/", handler), Callers::Anybody, proxies)
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
        assert_eq!(body, "203.0.113.9");
    }

    #[test]
    fn unknown_methods_share_one_label() {
        assert_eq!(method_label(&Method::PATCH), "PATCH");
        for method in ["BREW", "get", "TRACE"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(method_label(&method), "_OTHER");
        }
    }
}
