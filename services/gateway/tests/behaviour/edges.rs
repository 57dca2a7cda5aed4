//! The other ways in: sign-in over HTTP, gRPC-Web; and the memory of request ids on its own.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use galaxy_core::{Clock, DeviceSessionId};
use galaxy_events::{Nats, NatsConfig, StreamSettings};
use galaxy_gateway::{refusal::Refusal, replay::ReplayGuard};
use galaxy_http_client::{HttpClient, Limits, with_json};
use galaxy_service::{Process, Readiness, Tasks};
use http::{Request, Response, StatusCode};
use prost::Message;
use uuid::Uuid;

use crate::support::{Options, World};

async fn send(request: Request<Bytes>) -> Response<Bytes> {
    let client = HttpClient::new(Limits::default());
    client.send(request).await.unwrap()
}

fn post(url: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    with_json(Request::post(url), Some(body.into())).unwrap()
}

#[tokio::test]
async fn signing_in_goes_through_with_the_way_it_came() {
    let world = World::new().await;
    let challenge = world
        .gateway
        .send_email_code("zoe@example.org", Some("de"))
        .await
        .unwrap();
    assert_eq!(challenge, "challenge of zoe@example.org");
    let key = galaxy_client::generate_key();
    let confirm = async |code| {
        let gateway = &world.gateway;
        gateway
            .confirm_email_code(&challenge, code, key.clone(), "Europe/Berlin")
            .await
    };
    assert!(confirm("123456").await.is_ok());
    assert_eq!(confirm("000000").await.unwrap_err().code(), "invalid_code");

    let url = format!("{}/api/v1/public/auth/send-email-code", world.http_url);
    let mut request = post(&url, r#"{"email":"a@example.org"}"#);
    request
        .headers_mut()
        .insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
    let answer = send(request).await;
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["forwarded_for"], "6.6.6.6, 127.0.0.1");
    assert!(answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn nothing_but_signing_in_goes_through() {
    let world = World::new().await;
    let status = async |path: &str, body: Bytes| {
        send(post(&format!("{}{path}", world.http_url), body))
            .await
            .status()
    };
    for path in [
        "/api/v1/user/account",
        "/api/v1/internal/sessions/1",
        "/api/v1/admin/users",
        "/api/v1/public/auth/",
        "/api/v1/public/auth/../../user/account",
        "/api/v1/public/auth/%2e%2e%2f%2e%2e%2fuser%2faccount",
        "/api/v1/public/auth/a?x=1/../../user",
    ] {
        let status = status(path, "{}".into()).await;
        assert!(
            status == StatusCode::NOT_FOUND || path.contains('?'),
            "{path}: {status}"
        );
    }
    let large = Bytes::from(vec![b' '; 70_000]);
    let path = "/api/v1/public/auth/send-email-code";
    assert_eq!(status(path, large).await, StatusCode::PAYLOAD_TOO_LARGE);
    let get = Request::get(format!("{}{path}", world.http_url))
        .body(Bytes::new())
        .unwrap();
    assert_eq!(send(get).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let mut text = post(&format!("{}{path}", world.http_url), "{}");
    text.headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(
        send(text).await.status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

#[tokio::test]
async fn signing_in_too_often_is_refused_with_how_long_to_wait() {
    let world = World::with(Options {
        rate: 1,
        ..Options::default()
    })
    .await;
    let url = format!("{}/api/v1/public/auth/send-email-code", world.http_url);
    let mut last = None;
    for _ in 0..4 {
        last = Some(send(post(&url, r#"{"email":"a@example.org"}"#)).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_web_page_can_call_over_http_1() {
    let world = World::new().await;
    let device = world.device();
    let message = device.request("get_account", Bytes::new()).encode_to_vec();
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(&message);
    let framed = framed.freeze();
    let call = || {
        Request::post(format!(
            "{}/galaxy.gateway.v1.EdgeGateway/Execute",
            world.grpc_url
        ))
        .header("content-type", "application/grpc-web+proto")
        .header("origin", "https://play.example.org")
        .body(framed.clone())
        .unwrap()
    };
    let answer = send(call()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "https://play.example.org"
    );
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(
        text.contains("grpc-status:0") && text.contains("/api/v1/user/account"),
        "{text}"
    );

    let again = send(call()).await;
    let body = String::from_utf8_lossy(again.body()).into_owned();
    let code = again.headers().get("galaxy-error-code");
    assert!(
        code.is_some_and(|code| code == "replayed_request") || body.contains("replayed_request")
    );
}

async fn nats() -> Nats {
    let config = NatsConfig {
        urls: vec![galaxy_testkit::nats_url()],
        credentials: None,
        authorities: None,
        streams: Some(StreamSettings {
            replicas: 1,
            freshness_window: Duration::from_mins(5),
        }),
    };
    let process = Process {
        name: "replay-test",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    };
    Nats::connect(&config, &process).await.unwrap()
}

#[tokio::test]
async fn when_the_memory_of_request_ids_is_lost_old_requests_are_refused_by_everyone() {
    let nats = nats().await;
    let bucket = format!("TEST_{}", Uuid::now_v7().simple());
    let window = Duration::from_mins(5);
    let streams = nats.stream_settings().unwrap();
    let one = ReplayGuard::of(nats.clone(), &bucket, streams);
    let two = ReplayGuard::of(nats.clone(), &bucket, streams);
    one.open().await.unwrap();
    two.open().await.unwrap();
    let status = nats
        .jetstream()
        .get_key_value(&bucket)
        .await
        .unwrap()
        .status()
        .await
        .unwrap();
    assert_eq!(
        status.max_age(),
        window * 2,
        "a clock may run ahead by a window"
    );
    let (session, id) = (DeviceSessionId::generate(), Uuid::now_v7());
    let signed_at = Clock::system().now().as_millisecond();
    assert_eq!(one.take(session, id, signed_at).await, Ok(()));
    assert_eq!(
        two.take(session, id, signed_at).await,
        Err(Refusal::ReplayedRequest)
    );

    nats.jetstream().delete_key_value(&bucket).await.unwrap();
    let third = Uuid::now_v7();
    assert_eq!(
        two.take(session, third, signed_at).await,
        Err(Refusal::BackendUnavailable),
        "without the bucket nothing is accepted"
    );
    assert_eq!(
        two.take(session, id, signed_at).await,
        Err(Refusal::StaleTimestamp)
    );
    assert_eq!(
        one.take(session, id, signed_at).await,
        Err(Refusal::ReplayedRequest)
    );
    let later = Clock::system().now().as_millisecond() + 1_000;
    assert_eq!(two.take(session, Uuid::now_v7(), later).await, Ok(()));
    nats.jetstream().delete_key_value(&bucket).await.unwrap();
}
