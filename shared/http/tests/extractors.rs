//! Bodies, queries and paths behind the layers: what is refused, and which field the refusal names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::DefaultBodyLimit,
    http::{Request, StatusCode},
    routing::{get, post},
};
use galaxy_http::{ApiJson, ApiPath, ApiQuery, TrustedProxies, layers};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Game {
    name: String,
    #[serde(default)]
    rules: Option<Rules>,
}

#[derive(Serialize, Deserialize)]
struct Rules {
    players: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: u8,
}

fn router() -> Router {
    let router = Router::new()
        .route(
            "/games",
            post(|ApiJson(game): ApiJson<Game>| async { Json(game) }),
        )
        .route(
            "/pages",
            get(|ApiQuery(page): ApiQuery<Page>| async { Json(page) }),
        )
        .route(
            "/ids/{id}",
            get(|ApiPath(id): ApiPath<u64>| async move { Json(id) }),
        )
        .layer(DefaultBodyLimit::max(200));
    layers::wrap(
        router,
        layers::Callers::Installation,
        TrustedProxies::default(),
    )
}

async fn send(request: Request<Body>) -> (StatusCode, Value) {
    let answer = router().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn post_game(content_type: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post("/games").header("content-type", content_type);
    send(request.body(body.into()).unwrap()).await
}

/// Status, code and named field of a refusal.
async fn refusal(body: &str) -> (u16, String, String) {
    let (status, answer) = post_game("application/json", body.to_owned()).await;
    let text = |pointer| {
        answer
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
    };
    (
        status.as_u16(),
        text("/error/code").to_owned(),
        text("/error/details/0/field").to_owned(),
    )
}

#[tokio::test]
async fn a_json_object_is_read_whatever_the_parameters_of_its_type() {
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let body = r#" {"name": "a", "rules": {"players": 3}} "#;
        let (status, game) = post_game(content_type, body).await;
        assert_eq!(status, StatusCode::OK, "{content_type}");
        assert_eq!(game, json!({"name": "a", "rules": {"players": 3}}));
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let (status, answer) = post_game(content_type, r#"{"name": "a"}"#).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert_eq!(answer["error"]["code"], "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_refused_body_names_the_wrong_field() {
    for (body, field) in [
        (r#"{"name": 1}"#, "name"),
        (
            r#"{"name": "a", "rules": {"players": 300}}"#,
            "rules.players",
        ),
        (
            r#"{"name": "a", "rules": {"players": "3"}}"#,
            "rules.players",
        ),
        (r#"{"name": "a", "size": 3}"#, "size"),
        (r"{}", "name"),
        (r#"["a", null]"#, "body"),
        (r#""a""#, "body"),
        ("", "body"),
        (r#"{"name": "a"} {}"#, "body"),
    ] {
        let (status, code, named) = refusal(body).await;
        assert_eq!((status, code.as_str()), (400, "invalid_request"), "{body}");
        assert_eq!(named, field, "{body}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_repeat_long_input() {
    let body = format!(r#"{{"name": "a", "{}": 1}}"#, "x".repeat(150));
    let (_, _, field) = refusal(&body).await;
    assert_eq!(field, "x".repeat(100));
}

#[tokio::test]
async fn a_body_over_the_limit_of_the_route_is_refused() {
    let (status, code, _) = refusal(&format!(r#"{{"name": "{}"}}"#, "x".repeat(300))).await;
    assert_eq!((status, code.as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_refusal_and_not_a_failure() {
    let broken = futures_body(vec![Ok("{\"name\""), Err(std::io::Error::other("reset"))]);
    let (status, answer) = post_game("application/json", broken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["error"]["code"], "invalid_request");
}

fn futures_body(parts: Vec<std::io::Result<&'static str>>) -> Body {
    Body::from_stream(futures_util::stream::iter(parts))
}

#[tokio::test]
async fn a_query_names_its_wrong_parameter() {
    let query = async |text: &str| {
        let request = Request::get(format!("/pages{text}"));
        send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(
        query("?limit=7").await,
        (StatusCode::OK, json!({"limit": 7}))
    );
    for (text, field) in [
        ("?limit=many", "limit"),
        ("?limit=-1", "limit"),
        ("", "limit"),
        ("?limit=7&page=2", "page"),
    ] {
        let (status, answer) = query(text).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert_eq!(answer["error"]["details"][0]["field"], field, "{text}");
    }
}

#[tokio::test]
async fn a_path_parameter_of_the_wrong_type_is_refused() {
    let path = async |text: &str| {
        let request = Request::get(format!("/ids/{text}"));
        send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(path("7").await, (StatusCode::OK, json!(7)));
    for wrong in ["seven", "-1", "7x", "%37%20"] {
        let (status, answer) = path(wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(answer["error"]["details"][0]["field"], "path", "{wrong}");
    }
}
