//! A gateway with real NATS, in front of a small back end and a push-hub that do what the test says.

pub mod backend;
pub mod hub;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use galaxy_client::{Device, Gateway};
use galaxy_core::{Clock, DeviceSessionId, UserId};
use galaxy_events::{Nats, NatsConfig, StreamSettings};
use galaxy_gateway::{
    config::{ForwardLimits, GatewayConfig, Rate, RateLimitsConfig},
    edge::Edge,
    listen,
    push_subscriber::{PushConfig, PushSubscriber},
    routes::Routes,
    token::GatewayToken,
};
use galaxy_http::{
    TrustedProxies,
    serve::{self, Bound},
};
use galaxy_service::{Process, Readiness, Tasks};

use backend::FakeBackend;
use hub::FakeHub;

/// The deadline of everything that a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The freshness window.
pub const WINDOW_MS: i64 = 300_000;

/// The bounds of the gateway under test.
pub const FORWARD_LIMITS: ForwardLimits = ForwardLimits {
    body: 64 << 10,
    engine_body: 1 << 20,
    timeout: Duration::from_secs(17),
    engine_timeout: Duration::from_secs(32),
    answer: 4032 << 10,
};

const CONTRACT: &str = "
openapi: 3.1.0
paths:
  /api/v1/user/account:
    get: { tags: [User], operationId: get_account }
  /api/v1/user/slow:
    get: { tags: [User], operationId: get_slowly }
  /api/v1/user/lobby/games/{game_id}/applications:
    post: { tags: [User], operationId: submit_application }
  /api/v1/user/games/{game_id}/orders:
    post: { tags: [User], operationId: submit_orders }
  /api/v1/user/games/{size}/bytes:
    get: { tags: [User], operationId: get_bytes }
  /api/v1/user/conflict:
    post: { tags: [User], operationId: conflict }
";

/// Everything around a test.
pub struct World {
    pub gateway: Gateway,
    pub backend: FakeBackend,
    pub hub: FakeHub,
    pub clock: Clock,
    pub tasks: Tasks,
    pub edge: Arc<Edge>,
    pub grpc_url: String,
    pub http_url: String,
}

/// Settings that tests change.
pub struct Options {
    pub rate: u32,
    pub queue: usize,
    /// The content of the token's file.
    pub token: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate: 10_000,
            queue: 64,
            token: "the-token",
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let tasks = Tasks::new();
        let backend = FakeBackend::start(&tasks).await;
        let hub = FakeHub::start(&tasks).await;
        let clock = Clock::manual(Clock::system().now());
        Self::of(options, tasks, backend, hub, clock).await
    }

    /// Another gateway in front of the same back end.
    pub async fn another(&self) -> Self {
        let hub = FakeHub::start(&self.tasks).await;
        let backend = self.backend.clone();
        Self::of(
            Options::default(),
            self.tasks.clone(),
            backend,
            hub,
            self.clock.clone(),
        )
        .await
    }

    async fn of(
        options: Options,
        tasks: Tasks,
        backend: FakeBackend,
        hub: FakeHub,
        clock: Clock,
    ) -> Self {
        let process = Process {
            name: "gateway-test",
            clock: clock.clone(),
            tasks: tasks.clone(),
            readiness: Readiness::default(),
        };
        let config = config(&options, &backend.url, &hub.url);
        let nats = Nats::connect(&config.nats, &process).await.unwrap();
        let routes = Routes::parse(CONTRACT).unwrap();
        let edge = Arc::new(Edge::build(&config, routes, nats, &process).unwrap());
        let push = PushConfig {
            authorities: None,
            identity: None,
            url: hub.url.clone(),
            client_id: "gateway-test".into(),
            token: config.token.clone(),
            timeout: config.push_timeout,
        };
        let push = Arc::new(PushSubscriber::new(push, edge.clone(), &process));
        tasks.spawn("push", push.run());
        let grpc = listener().await;
        let http = listener().await;
        let (grpc_url, http_url) = (
            format!("http://{}", grpc.address),
            format!("http://{}", http.address),
        );
        let limits = serve::Limits::default();
        let origins = vec!["https://play.example.org".to_owned()];
        serve::spawn(
            &tasks,
            "grpc",
            grpc,
            listen::grpc(edge.clone(), &origins),
            &limits,
        );
        serve::spawn(
            &tasks,
            "http",
            http,
            listen::http(edge.clone(), &origins),
            &limits,
        );
        let public = BASE64_STANDARD.encode(edge.key.verifying_key().as_bytes());
        let gateway = Gateway::new(&grpc_url, &http_url, &public).unwrap();
        hub.subscribed().await;
        Self {
            gateway: gateway.with_clock(clock.clone()),
            backend,
            hub,
            clock,
            tasks,
            edge,
            grpc_url,
            http_url,
        }
    }

    /// A signed-in device of a new user.
    pub fn device(&self) -> Device {
        self.device_of(UserId::generate())
    }

    /// A signed-in device of `user`.
    pub fn device_of(&self, user: UserId) -> Device {
        let key = galaxy_client::generate_key();
        let session = DeviceSessionId::generate();
        self.backend
            .add_session(session, user, key.verifying_key().as_bytes());
        self.gateway.device(session.to_string(), key)
    }

    /// The same device at another gateway, or with another clock.
    pub fn at(device: &Device, gateway: &Gateway) -> Device {
        gateway.device(device.device_session_id(), device.key().clone())
    }
}

/// The session of a device.
pub fn session_of(device: &Device) -> DeviceSessionId {
    device.device_session_id().parse().unwrap()
}

async fn listener() -> Bound {
    Bound::bind("TEST", "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
}

fn config(options: &Options, backend_url: &str, hub_url: &str) -> GatewayConfig {
    let rate = Rate(NonZeroU32::new(options.rate).unwrap());
    GatewayConfig {
        backend_http_url: backend_url.to_owned(),
        backend_push_url: hub_url.to_owned(),
        listen_addr: "127.0.0.1:0".parse().unwrap(),
        http_listen_addr: "127.0.0.1:0".parse().unwrap(),
        signing_key: SigningKey::from_bytes(&[5; 32]),
        client_id: None,
        token: Some(GatewayToken::new(options.token.into())),
        nats: NatsConfig {
            urls: vec![galaxy_testkit::nats_url()],
            credentials: None,
            authorities: None,
            streams: Some(StreamSettings {
                replicas: 1,
                freshness_window: Duration::from_mins(5),
            }),
        },
        proxies: TrustedProxies(vec![]),
        origins: vec![],
        push_identity: None,
        session_ttl: Duration::from_mins(1),
        push_timeout: Duration::from_secs(30),
        client_queue: options.queue,
        rate_limits: RateLimitsConfig {
            address: Rate(NonZeroU32::new(10_000).unwrap()),
            session: rate,
            read: rate,
            write: rate,
            engine: rate,
            subscribe: rate,
            sign_in: rate,
        },
        forward_limits: FORWARD_LIMITS,
    }
}

/// Waits until `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never happened: {what}");
}
