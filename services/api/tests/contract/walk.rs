//! Walks through the operations, checking each answer against the document.

use std::collections::BTreeSet;

use galaxy_core::UserId;
use galaxy_events::{Nats, NatsConfig};
use galaxy_service::Vars;
use galaxy_testkit::{World, nats_url};
use serde_json::Value;
use sqlx::PgPool;

use super::{
    document::Document,
    support::{Api, Call, ROOT},
};

pub const TOKEN: &str = "the token of the gateway";

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    Nobody,
    User(UserId),
    Admin,
    Gateway,
}

/// An `api`, the document, and what has been called with success.
pub struct Walk {
    pub api: Api,
    pub nats: Nats,
    pub document: Document,
    pub succeeded: BTreeSet<String>,
}

/// What to call an operation with.
pub struct With<'a> {
    pub path: Vec<String>,
    pub query: &'a str,
    pub body: Option<Value>,
}

/// Called with nothing but the parameters of the path, in its order.
pub fn with<T: ToString>(path: impl IntoIterator<Item = T>) -> With<'static> {
    With {
        path: path.into_iter().map(|part| part.to_string()).collect(),
        query: "",
        body: None,
    }
}

pub fn nothing() -> With<'static> {
    with::<String>([])
}

impl<'a> With<'a> {
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn query(mut self, query: &'a str) -> Self {
        self.query = query;
        self
    }
}

impl Walk {
    pub async fn new(pool: PgPool) -> Self {
        let variables = [
            ("BACKEND_GATEWAY_TOKEN", TOKEN),
            ("BACKEND_UNSUBSCRIBE_KEY", "a key for links"),
            ("BACKEND_AUTH_CODES_PER_ADDRESS_PER_HOUR", "1000"),
        ];
        let mut vars = Vars::from_lookup(|name| (name == "BACKEND_NATS_URL").then(nats_url));
        let broker = NatsConfig::read_as_owner(&mut vars).unwrap();
        let process = World::new(pool.clone()).process;
        let nats = Nats::connect(&broker, &process).await.unwrap();
        Self {
            api: Api::with(pool, &variables, Some(nats.clone())).await,
            nats,
            document: Document::load(),
            succeeded: BTreeSet::new(),
        }
    }

    /// Calls the operation `id`; panics unless it answers `status` with a body that the document promises.
    pub async fn call(&mut self, id: &str, who: Who, with: With<'_>, status: u16) -> Value {
        let operation = self.document.operation(id);
        let mut path = fill(&operation.path, &with.path);
        if !with.query.is_empty() {
            path = format!("{path}?{}", with.query);
        }
        let mut call = identified(Call::new(&operation.method, &path), who);
        if let Some(body) = &with.body {
            call = call.json(body);
        }
        let answer = self.api.send(call).await;
        assert_eq!(answer.status.as_u16(), status, "{id}: {}", answer.body);
        self.document.check(&operation, status, &answer.body);
        if status < 300 {
            self.succeeded.insert(id.to_owned());
        }
        answer.body
    }
}

/// The call with the credentials of `who`.
pub fn identified(call: Call<'_>, who: Who) -> Call<'_> {
    let bearer = format!("Bearer {TOKEN}");
    match who {
        Who::Nobody => call,
        Who::User(user) => call.header("authorization", bearer).user(user),
        Who::Gateway => call.header("authorization", bearer),
        Who::Admin => call.basic(ROOT),
    }
}

/// `template` with its parameters replaced in their order.
pub fn fill(template: &str, values: &[String]) -> String {
    let mut values = values.iter();
    let part = |part: &str| {
        if part.starts_with('{') {
            values
                .next()
                .expect("a value for each parameter of the path")
                .clone()
        } else {
            part.to_owned()
        }
    };
    let path: Vec<String> = template.split('/').map(part).collect();
    path.join("/")
}

/// The text of a member.
#[track_caller]
pub fn text(body: &Value, name: &str) -> String {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text {name} in {body}"))
        .to_owned()
}
