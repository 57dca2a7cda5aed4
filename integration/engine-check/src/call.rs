//! One call, as it is to be sent, and its answer.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Check;

/// A call with what the platform adds to it, or with something else in its place.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: Method,
    pub path: String,
    pub body: Option<Bytes>,
    pub json: bool,
    pub authorization: Header<String>,
    pub game: Header<Uuid>,
}

/// A header that a check may change.
#[derive(Debug, Clone)]
pub(crate) enum Header<T> {
    Right,
    Missing,
    Other(T),
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            json: true,
            authorization: Header::Right,
            game: Header::Right,
        }
    }

    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::get(path).with(Method::POST, body.to_string())
    }

    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::get(path).with(Method::PUT, body.to_string())
    }

    /// With another method and a body.
    pub fn with(mut self, method: Method, body: impl Into<Bytes>) -> Self {
        self.method = method;
        self.body = Some(body.into());
        self
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The call, for messages.
    pub call: String,
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

/// The contract's error body.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: Said,
}

#[derive(Debug, Deserialize)]
struct Said {
    code: String,
    message: String,
}

impl Answer {
    /// The answer's JSON if it has that status.
    pub fn expect(&self, status: u16) -> Check<Value> {
        self.expect_status(status)?;
        if !self.content_type.starts_with("application/json") {
            return Err(self.say(&format!(
                "has the content type {:?}; it must be application/json",
                self.content_type
            )));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| self.say(&format!("is no JSON: {error}")))
    }

    pub fn expect_status(&self, status: u16) -> Check {
        if self.status == status {
            return Ok(());
        }
        Err(self.say(&format!(
            "was {}{}; it must be {status}",
            self.status,
            self.quoted()
        )))
    }

    /// A refusal with the contract's error body; one of `codes`, or any if there are none.
    pub fn refused(&self, status: u16, codes: &[&str]) -> Check {
        let body = self.expect(status)?;
        let Ok(ErrorBody { error }) = serde_json::from_value(body) else {
            return Err(self
                .say("has no body {\"error\": {\"code\", \"message\"}}; every failure needs one"));
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
        if error.code.is_empty() || !error.code.bytes().all(plain) {
            return Err(self.say(&format!(
                "has the code {:?}; codes are lower-case letters and underscores",
                error.code
            )));
        }
        if error.message.trim().is_empty() {
            return Err(self.say("has an empty message; players and operators read it"));
        }
        if codes.is_empty() || codes.contains(&&error.code[..]) {
            return Ok(());
        }
        Err(self.say(&format!(
            "has the code {:?}; it must be {}",
            error.code,
            codes.join(" or ")
        )))
    }

    /// A sentence about this answer.
    pub fn say(&self, what: &str) -> String {
        format!("the answer to {} {what}", self.call)
    }

    fn quoted(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        if text.is_empty() {
            String::new()
        } else {
            format!(" ({text})")
        }
    }
}
