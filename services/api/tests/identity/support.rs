//! An `api` over a fresh database, and people who call it.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use galaxy_api::{
    Config,
    compose::{self, Domains},
    loops, routes,
};
use galaxy_core::UserId;
use galaxy_events::Nats;
use galaxy_service::{Section, Vars};
use galaxy_testkit::World;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

pub const ROOT: (&str, &str) = ("root", "the first password");

/// An `api` of its own.
pub struct Api {
    pub world: World,
    pub config: Config,
    pub domains: Domains,
    pub router: Router,
}

/// What a call came back with.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Checks status and error code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let got = (self.status.as_u16(), self.body["error"]["code"].as_str());
        assert_eq!(got, (status, Some(code)), "{}", self.body);
    }
}

/// A request to be.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Body>,
    pub from: IpAddr,
}

impl<'a> Call<'a> {
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: vec![],
            body: None,
            from: IpAddr::from([192, 0, 2, 1]),
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    pub fn raw(mut self, body: impl Into<Body>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", "application/json")
    }

    pub fn from(mut self, from: impl Into<IpAddr>) -> Self {
        self.from = from.into();
        self
    }

    pub fn user(self, user: UserId) -> Self {
        self.header("x-user-id", user.to_string())
    }

    pub fn basic(self, (username, password): (&str, &str)) -> Self {
        let value = STANDARD.encode(format!("{username}:{password}"));
        self.header("authorization", format!("Basic {value}"))
    }
}

pub fn config(variables: &[(&str, &str)]) -> Config {
    let given: Vec<(String, String)> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut vars = Vars::from_lookup(move |name| {
        let found = given.iter().find(|(variable, _)| variable == name);
        found.map(|(_, text)| text.clone()).or(match name {
            "BACKEND_POSTGRES_URL" => Some("postgres://unused".to_owned()),
            "BACKEND_AUTH_PEPPER" => Some("a pepper for tests only".to_owned()),
            "BACKEND_INSECURE" => Some("1".to_owned()),
            "BACKEND_ADMIN_BOOTSTRAP_USER" => Some(ROOT.0.to_owned()),
            "BACKEND_ADMIN_BOOTSTRAP_PASSWORD" => Some(ROOT.1.to_owned()),
            _ => None,
        })
    });
    let config = Config::read(&mut vars);
    config.unwrap_or_else(|| panic!("{:?}", vars.problems()))
}

impl Api {
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, &[], None).await
    }

    pub async fn with(pool: PgPool, variables: &[(&str, &str)], nats: Option<Nats>) -> Self {
        let world = World::as_runtime_role(pool).await;
        let config = config(variables);
        let domains = Domains::new(&config, &world.process, &world.db, nats.as_ref())
            .expect("the domains can be built");
        let api = Self {
            router: routes::router(&config, &world.process, &domains),
            config,
            domains,
            world,
        };
        api.bootstrap().await;
        api
    }

    pub async fn bootstrap(&self) {
        compose::bootstrap(&self.config, &self.world.db, &self.world.clock)
            .await
            .expect("the bootstrap succeeds");
    }

    /// Starts the loops of the process.
    pub fn start_loops(&self, nats: &Nats) {
        let world = &self.world;
        loops::start(&self.config, &world.process, &world.db, nats, &self.domains);
    }

    pub fn advance(&self, by: SignedDuration) {
        self.world.clock.advance(by);
    }

    pub async fn send(&self, call: Call<'_>) -> Answer {
        let mut request = Request::builder().method(call.method).uri(call.path);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(call.body.unwrap_or_default())
            .expect("a request");
        let peer = SocketAddr::new(call.from, 40_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 10_000_000).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("POST", path).json(body)).await
    }

    pub async fn as_user(
        &self,
        user: UserId,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/api/v1/user{path}");
        let call = Call::new(method, &path).user(user);
        self.send(match body {
            Some(body) => call.json(&body),
            None => call,
        })
        .await
    }

    pub async fn as_root(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let path = format!("/api/v1/admin{path}");
        let call = Call::new(method, &path).basic(ROOT);
        self.send(match body {
            Some(body) => call.json(&body),
            None => call,
        })
        .await
    }

    /// Asks for a code and gives the challenge.
    pub async fn ask(&self, email: &str) -> String {
        let answer = self
            .post(SEND, &json!({ "email": email }))
            .await
            .expect(200);
        answer["challenge_id"]
            .as_str()
            .expect("a challenge")
            .to_owned()
    }

    /// The code in the newest mail to `email`; `None` if there is no mail.
    pub async fn code_of(&self, email: &str) -> Option<String> {
        let body: Option<Vec<u8>> = sqlx::query_scalar(
            "select p.body from backend.mail_payloads p
             join backend.mail_deliveries d using (payload_id) join backend.mail_recipients r using (delivery_id)
             where r.address = $1 order by d.created_at desc, d.delivery_id desc limit 1",
        )
        .bind(email)
        .fetch_optional(self.world.db.pool())
        .await
        .expect("mails can be read");
        let text = String::from_utf8(body?).expect("a text");
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let code = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(is_code);
        Some(code.expect("a code in the mail").to_owned())
    }

    pub async fn try_code(&self, challenge: &str, code: &str) -> Answer {
        self.post(CONFIRM, &confirmation(challenge, code)).await
    }

    /// Signs in; gives the session and the account.
    pub async fn sign_in(&self, email: &str) -> (String, UserId) {
        let challenge = self.ask(email).await;
        let code = self.code_of(email).await.expect("a mail");
        let answer = self.try_code(&challenge, &code).await.expect(200);
        let session = answer["device_session_id"]
            .as_str()
            .expect("a session")
            .to_owned();
        let user = self.session(&session).await.expect(200);
        let user = user["user_id"].as_str().and_then(|id| id.parse().ok());
        (session, user.expect("a user"))
    }

    pub async fn session(&self, id: &str) -> Answer {
        let path = format!("/api/v1/internal/sessions/{id}");
        self.send(Call::new("GET", &path)).await
    }
}

pub const SEND: &str = "/api/v1/public/auth/send-email-code";
pub const CONFIRM: &str = "/api/v1/public/auth/confirm-email-code";

/// A device's key that nobody minds.
pub fn device_key() -> String {
    STANDARD.encode(ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key())
}

pub fn confirmation(challenge: &str, code: &str) -> Value {
    json!({
        "challenge_id": challenge, "code": code,
        "client_public_key": device_key(), "time_zone": "Europe/Vienna",
    })
}

/// Another code than `code`.
pub fn other_than(code: &str) -> String {
    let number: u32 = code.parse().expect("digits");
    format!("{:06}", (number + 1) % 1_000_000)
}
