//! One operation of the REST contract, and its answer.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Error;

/// An operation with its parameters.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) operation_id: String,
    path: Map<String, Value>,
    query: Map<String, Value>,
    body: Option<Value>,
}

impl Call {
    /// The operation named `operation_id` in the REST contract, without parameters.
    pub fn new(operation_id: impl Into<String>) -> Self {
        Self {
            operation_id: operation_id.into(),
            path: Map::new(),
            query: Map::new(),
            body: None,
        }
    }

    /// Sets a parameter of the path.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
    pub fn path(mut self, name: &str, value: impl ToString) -> Self {
        self.path.insert(name.to_owned(), value.to_string().into());
        self
    }

    /// Sets a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.query.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the body. A value that has no JSON form is sent as `null`.
    #[must_use]
    pub fn body(mut self, body: impl Serialize) -> Self {
        self.body = Some(serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// The payload of the signed request.
    pub(crate) fn payload(&self) -> Bytes {
        let mut payload = json!({});
        if !self.path.is_empty() {
            payload["path"] = self.path.clone().into();
        }
        if !self.query.is_empty() {
            payload["query"] = self.query.clone().into();
        }
        if let Some(body) = &self.body {
            payload["body"] = body.clone();
        }
        payload.to_string().into()
    }
}

/// The back end's answer, verified.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Media type of `payload`.
    pub content_type: String,
    /// The body as it came.
    pub payload: Bytes,
    /// When the gateway signed it, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

impl Response {
    /// The body as JSON; `null` when it is empty.
    pub fn json(&self) -> Result<Value, Error> {
        if self.payload.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&self.payload)?)
    }

    /// The body as JSON of a 2xx answer; any other status is an error.
    pub fn ok(&self) -> Result<Value, Error> {
        if (200..300).contains(&self.status) {
            return self.json();
        }
        Err(Error::api(self.status, &self.json().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_only_the_members_that_were_set() {
        assert_eq!(Call::new("a").payload(), "{}");
        let call = Call::new("a")
            .path("id", 7)
            .query("limit", 3)
            .body(json!([1]));
        let payload: Value = serde_json::from_slice(&call.payload()).unwrap();
        assert_eq!(
            payload,
            json!({"path": {"id": "7"}, "query": {"limit": 3}, "body": [1]})
        );
    }

    #[test]
    fn an_error_answer_is_no_ok_and_keeps_its_code() {
        let response = Response {
            status: 409,
            content_type: "application/json".into(),
            payload: r#"{"error":{"code":"wrong_state","message":"no"}}"#.into(),
            timestamp_ms: 0,
        };
        assert_eq!(response.ok().unwrap_err().code(), "wrong_state");
    }
}
