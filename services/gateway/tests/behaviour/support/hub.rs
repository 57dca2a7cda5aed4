//! A push-hub that sends what a test gives it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use galaxy_core::{DeviceSessionId, EventId, UserId};
use galaxy_http::serve::{self, Bound};
use galaxy_proto::push::v1::{
    ClientEvent, GatewaySubscribeRequest, PushEvent, SessionInvalidation, StreamStatus,
    push_event::Event,
    push_server::{Push, PushServer},
    session_invalidation::Target,
    stream_status::{Lagged, Reset, Resumed, Status as StreamState},
};
use galaxy_service::Tasks;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, service::Routes};

use super::until;

type Sender = mpsc::UnboundedSender<Result<PushEvent, Status>>;

#[derive(Clone)]
pub struct FakeHub {
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    subscriber: Mutex<Option<Sender>>,
    cursors: Mutex<Vec<String>>,
    sent: Mutex<u64>,
    refusing: AtomicBool,
}

impl FakeHub {
    pub async fn start(tasks: &Tasks) -> Self {
        let state = Arc::new(State::default());
        let service = PushServer::from_arc(state.clone());
        let bound = Bound::bind("TEST", "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let url = format!("http://{}", bound.address);
        let router = Routes::new(service).into_axum_router();
        serve::spawn(tasks, "hub", bound, router, &serve::Limits::default());
        Self { url, state }
    }

    /// Waits for a subscriber.
    pub async fn subscribed(&self) {
        until("the gateway subscribes", || {
            self.state.subscriber.lock().unwrap().is_some()
        })
        .await;
    }

    /// The cursors that came with the subscriptions so far.
    pub fn cursors(&self) -> Vec<String> {
        self.state.cursors.lock().unwrap().clone()
    }

    /// Ends the stream and takes no new one.
    pub fn go_away(&self) {
        self.state.refusing.store(true, Ordering::SeqCst);
        self.break_stream();
    }

    /// Ends the stream.
    pub fn break_stream(&self) {
        let subscriber = self.state.subscriber.lock().unwrap().take().unwrap();
        let _ = subscriber.send(Err(Status::unavailable("on purpose")));
    }

    /// Sends an event for a user; its cursor is `cursor-n` for the nth message sent.
    pub fn event(&self, user: UserId, only: Option<DeviceSessionId>, kind: &str) -> String {
        self.event_with(user, only, kind, r#"{"turn":3}"#.to_owned())
    }

    pub fn event_with(
        &self,
        user: UserId,
        only: Option<DeviceSessionId>,
        kind: &str,
        payload: String,
    ) -> String {
        let event_id = EventId::generate().to_string();
        self.send(Event::ClientEvent(ClientEvent {
            user_id: user.to_string(),
            device_session_id: only.map(|id| id.to_string()),
            kind: kind.into(),
            event_id: event_id.clone(),
            payload: payload.into(),
            content_type: String::new(),
        }));
        event_id
    }

    pub fn same_event_again(&self, user: UserId, event_id: &str) {
        self.send(Event::ClientEvent(ClientEvent {
            user_id: user.to_string(),
            kind: "again".into(),
            event_id: event_id.into(),
            ..ClientEvent::default()
        }));
    }

    pub fn invalidate(&self, target: Target) {
        let reason = "revoked".to_owned();
        self.send(Event::SessionInvalidation(SessionInvalidation {
            target: Some(target),
            reason,
        }));
    }

    pub fn reset(&self) {
        self.status(StreamState::Reset(Reset {
            reason: "too_old".into(),
        }));
    }

    pub fn lagged(&self) {
        self.status(StreamState::Lagged(Lagged {
            dropped: 3,
            ..Lagged::default()
        }));
    }

    fn status(&self, status: StreamState) {
        self.send(Event::Status(StreamStatus {
            status: Some(status),
        }));
    }

    fn send(&self, event: Event) {
        let mut sent = self.state.sent.lock().unwrap();
        *sent += 1;
        let message = PushEvent {
            cursor: format!("cursor-{sent}"),
            event: Some(event),
            ..PushEvent::default()
        };
        let subscriber = self.state.subscriber.lock().unwrap();
        subscriber.as_ref().unwrap().send(Ok(message)).unwrap();
    }
}

#[tonic::async_trait]
impl Push for State {
    type SubscribePushStream = UnboundedReceiverStream<Result<PushEvent, Status>>;

    async fn subscribe_push(
        &self,
        request: Request<GatewaySubscribeRequest>,
    ) -> Result<Response<Self::SubscribePushStream>, Status> {
        if request.metadata().get("authorization").unwrap() != "Bearer the-token" {
            return Err(Status::unauthenticated("not that token"));
        }
        if self.refusing.load(Ordering::SeqCst) {
            return Err(Status::unavailable("on purpose"));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let cursor = request.into_inner().cursor;
        let from = cursor.clone();
        let status = Some(StreamState::Resumed(Resumed { from }));
        let first = PushEvent {
            cursor: cursor.clone(),
            event: Some(Event::Status(StreamStatus { status })),
            ..PushEvent::default()
        };
        sender.send(Ok(first)).unwrap();
        self.cursors.lock().unwrap().push(cursor);
        *self.subscriber.lock().unwrap() = Some(sender);
        Ok(Response::new(UnboundedReceiverStream::new(receiver)))
    }
}
