//! Subscriptions over real gRPC; the broker's messages are put into the feed by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use galaxy_core::Clock;
use galaxy_events::{
    StreamIdentity,
    push_stream::{PushMessage, PushSignal},
};
use galaxy_http::serve::{self, Bound};
use galaxy_proto::push::v1::{
    ClientEvent, GatewaySubscribeRequest, PushEvent, SessionInvalidation, push_client::PushClient,
    push_event::Event, session_invalidation::Target, stream_status::Status as Said,
};
use galaxy_push_hub::{
    connection::Context, feed::Feed, metrics::Metrics, ring::Limits, service::PushService,
};
use galaxy_service::{Tasks, config::RotatingSecret};
use prost::Message;
use tonic::{Code, Request, Streaming, service::Routes, transport::Channel};

const DEADLINE: Duration = Duration::from_secs(10);

struct Hub {
    feed: Feed,
    tasks: Tasks,
    url: String,
    sequence: u64,
}

impl Hub {
    async fn start(queue: u64, token: Option<&str>) -> Self {
        let tasks = Tasks::new();
        let metrics = Metrics::default();
        let limits = Limits {
            window_ns: 300_000_000_000,
            bytes: 64 << 20,
        };
        let feed = Feed::new(limits, Clock::system(), metrics.clone());
        let context = Context {
            feed: feed.clone(),
            clock: Clock::system(),
            metrics,
            queue,
            heartbeat: Duration::from_millis(200),
            draining: tasks.draining(),
        };
        let service = PushService::new(context, token.map(RotatingSecret::from));
        let bound = Bound::bind("TEST", "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let url = format!("http://{}", bound.address);
        let router = Routes::new(service).into_axum_router();
        serve::spawn(&tasks, "push", bound, router, &serve::Limits::default());
        let hub = Self {
            feed,
            tasks,
            url,
            sequence: 0,
        };
        hub.feed.apply(PushSignal::Opened {
            stream: StreamIdentity(7),
            first: 1,
            last: 0,
        });
        hub
    }

    fn publish(&mut self, event: Event) {
        self.sequence += 1;
        let body = PushEvent {
            event: Some(event),
            ..PushEvent::default()
        };
        let now = Clock::system().now();
        self.feed.apply(PushSignal::Message(PushMessage {
            sequence: self.sequence,
            stored_ns: u64::try_from(now.as_nanosecond()).unwrap(),
            subject: "galaxy.push.client".into(),
            payload: body.encode_to_vec().into(),
            time: Some(now),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        }));
    }

    fn client_event(&mut self) {
        let event_id = format!("event-{}", self.sequence + 1);
        self.publish(Event::ClientEvent(ClientEvent {
            event_id,
            ..ClientEvent::default()
        }));
    }

    fn invalidation(&mut self) {
        let target = Some(Target::DeviceSessionId(format!(
            "session-{}",
            self.sequence + 1
        )));
        let reason = "revoked".to_owned();
        self.publish(Event::SessionInvalidation(SessionInvalidation {
            target,
            reason,
        }));
    }

    async fn client(&self) -> PushClient<Channel> {
        PushClient::connect(self.url.clone()).await.unwrap()
    }

    async fn subscribe(&self, name: &str, cursor: &str) -> Streaming<PushEvent> {
        let request = GatewaySubscribeRequest {
            gateway_client_id: name.into(),
            cursor: cursor.into(),
        };
        self.client()
            .await
            .subscribe_push(request)
            .await
            .unwrap()
            .into_inner()
    }
}

async fn next(stream: &mut Streaming<PushEvent>) -> PushEvent {
    loop {
        let message = tokio::time::timeout(DEADLINE, stream.message())
            .await
            .unwrap();
        let event = message.unwrap().unwrap();
        if !matches!(status(&event), Some(Said::Heartbeat(_))) {
            return event;
        }
    }
}

fn status(event: &PushEvent) -> Option<Said> {
    match &event.event {
        Some(Event::Status(status)) => status.status.clone(),
        _ => None,
    }
}

fn id(event: &PushEvent) -> &str {
    match event.event.as_ref().unwrap() {
        Event::ClientEvent(event) => &event.event_id,
        Event::SessionInvalidation(ended) => match ended.target.as_ref().unwrap() {
            Target::DeviceSessionId(id) | Target::UserId(id) => id,
        },
        Event::Status(status) => panic!("{status:?}"),
    }
}

#[tokio::test]
async fn a_new_gateway_gets_a_reset_and_then_every_event() {
    let mut hub = Hub::start(100, None).await;
    let mut stream = hub.subscribe("a", "").await;
    let first = next(&mut stream).await;
    assert!(matches!(status(&first), Some(Said::Reset(reset)) if reset.reason == "no_cursor"));
    hub.client_event();
    let event = next(&mut stream).await;
    assert_eq!(id(&event), "event-1");
    assert!(event.at.is_some() && event.traceparent.starts_with("00-0af7"));
}

#[tokio::test]
async fn a_gateway_that_resumes_gets_exactly_what_it_missed() {
    let mut hub = Hub::start(100, None).await;
    let mut stream = hub.subscribe("a", "").await;
    let begin = next(&mut stream).await.cursor;
    drop(stream);
    hub.client_event();
    hub.invalidation();
    let mut stream = hub.subscribe("a", &begin).await;
    let first = next(&mut stream).await;
    assert!(matches!(status(&first), Some(Said::Resumed(resumed)) if resumed.from == begin));
    let event = next(&mut stream).await;
    assert_eq!(id(&event), "event-1");
    let mut again = hub.subscribe("a", &event.cursor).await;
    assert!(matches!(
        status(&next(&mut again).await),
        Some(Said::Resumed(_))
    ));
    assert_eq!(id(&next(&mut again).await), "session-2");
}

#[tokio::test]
async fn a_silent_stream_sends_heartbeats() {
    let hub = Hub::start(100, None).await;
    let mut stream = hub.subscribe("a", "").await;
    stream.message().await.unwrap().unwrap();
    let second = tokio::time::timeout(DEADLINE, stream.message())
        .await
        .unwrap();
    assert!(matches!(
        status(&second.unwrap().unwrap()),
        Some(Said::Heartbeat(_))
    ));
}

#[tokio::test]
async fn a_new_subscription_of_the_same_gateway_ends_the_old_one() {
    let hub = Hub::start(100, None).await;
    let mut old = hub.subscribe("a", "").await;
    let mut other = hub.subscribe("b", "").await;
    next(&mut old).await;
    next(&mut other).await;
    let _new = hub.subscribe("a", "").await;
    let end = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Err(status) = old.message().await {
                return status;
            }
        }
    });
    assert_eq!(end.await.unwrap().code(), Code::Aborted);
    assert!(
        other.message().await.unwrap().is_some(),
        "only the one of that name ends"
    );
}

#[tokio::test]
async fn a_gateway_that_does_not_read_loses_only_client_events_and_slows_no_other() {
    let mut hub = Hub::start(200, None).await;
    let (mut slow, mut fast) = (
        hub.subscribe("slow", "").await,
        hub.subscribe("fast", "").await,
    );
    next(&mut slow).await;
    next(&mut fast).await;
    let total = 20_000;
    for _ in 0..total / 100 {
        for _ in 0..99 {
            hub.client_event();
        }
        hub.invalidation();
        // The fast one receives every event; the slow one reads nothing.
        for _ in 0..100 {
            let event = next(&mut fast).await;
            assert!(status(&event).is_none(), "{event:?}");
        }
    }
    let (mut events, mut sessions, mut dropped) = (0, 0, 0);
    while events + sessions + dropped < total {
        let event = next(&mut slow).await;
        match event.event.unwrap() {
            Event::ClientEvent(_) => events += 1,
            Event::SessionInvalidation(_) => sessions += 1,
            Event::Status(status) => match status.status.unwrap() {
                Said::Lagged(lagged) => dropped += lagged.dropped,
                other => panic!("{other:?}"),
            },
        }
    }
    assert_eq!(sessions, total / 100, "no invalidation is dropped");
    assert!(dropped > 0, "the queue is bounded");
    assert_eq!(events + sessions + dropped, total);
}

#[tokio::test]
async fn subscriptions_end_while_the_broker_is_away_and_resume_afterwards() {
    let mut hub = Hub::start(100, None).await;
    let mut stream = hub.subscribe("a", "").await;
    let begin = next(&mut stream).await.cursor;
    hub.feed.apply(PushSignal::Interrupted);
    let end = tokio::time::timeout(DEADLINE, stream.message()).await;
    assert_eq!(end.unwrap().unwrap_err().code(), Code::Unavailable);

    let mut subscribing = Box::pin(hub.subscribe("a", &begin));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut subscribing).await;
    assert!(
        early.is_err(),
        "a subscription began while the broker is away"
    );
    hub.feed.apply(PushSignal::Continued);
    let mut stream = subscribing.await;
    assert!(matches!(
        status(&next(&mut stream).await),
        Some(Said::Resumed(_))
    ));
    hub.client_event();
    assert_eq!(id(&next(&mut stream).await), "event-1");
}

#[tokio::test]
async fn a_subscription_needs_the_token() {
    let hub = Hub::start(100, Some("secret-token")).await;
    let mut client = hub.client().await;
    for shown in [
        None,
        Some("Bearer secret-tokem"),
        Some("secret-token"),
        Some("Bearer "),
    ] {
        let mut request = Request::new(GatewaySubscribeRequest {
            gateway_client_id: "a".into(),
            cursor: String::new(),
        });
        if let Some(shown) = shown {
            request
                .metadata_mut()
                .insert("authorization", shown.parse().unwrap());
        }
        let refusal = client.subscribe_push(request).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Unauthenticated, "{shown:?}");
    }
    let mut request = Request::new(GatewaySubscribeRequest {
        gateway_client_id: "a".into(),
        cursor: String::new(),
    });
    request
        .metadata_mut()
        .insert("authorization", "Bearer secret-token".parse().unwrap());
    assert!(client.subscribe_push(request).await.is_ok());
}

#[tokio::test]
async fn a_gateway_needs_a_name() {
    let hub = Hub::start(100, None).await;
    for name in [String::new(), "a b".into(), "ü".into(), "a".repeat(129)] {
        let request = GatewaySubscribeRequest {
            gateway_client_id: name.clone(),
            cursor: String::new(),
        };
        let refusal = hub
            .client()
            .await
            .subscribe_push(request)
            .await
            .unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidArgument, "{name}");
    }
}

#[tokio::test]
async fn draining_ends_the_streams_with_unavailable() {
    let hub = Hub::start(100, None).await;
    let mut stream = hub.subscribe("a", "").await;
    next(&mut stream).await;
    let (drained, end) = tokio::join!(hub.tasks.shut_down(DEADLINE), async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(status) => return Some(status.code()),
            }
        }
    });
    assert!(drained);
    assert_eq!(end, Some(Code::Unavailable));
}
