//! An operator: HTTP Basic on `api`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use galaxy_http_client::{HttpClient, Limits, with_json};
use galaxy_stack::StackFile;
use http::{Method, Request, header};
use serde_json::Value;

/// Generous ones: under load and during faults an answer may take as long as `api` lets it.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    deadline: Duration::from_mins(1),
    body: 16 << 20,
    idle_connections: 32,
};

/// A client of `api` with an operator's credentials, and with a gateway's for internal routes.
#[derive(Debug, Clone)]
pub struct Admin {
    client: HttpClient,
    base: String,
    basic: String,
    gateway_token: String,
}

impl Admin {
    /// With the first operator's credentials.
    pub fn new(stack: &StackFile) -> Self {
        let credentials = format!("{}:{}", stack.admin.user, stack.admin.password);
        Self {
            client: HttpClient::new(LIMITS),
            base: format!("{}/api/v1", stack.api),
            basic: format!("Basic {}", BASE64_STANDARD.encode(credentials)),
            gateway_token: format!("Bearer {}", stack.gateway_token),
        }
    }

    /// `GET /api/v1/admin{path}`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, &format!("/admin{path}"), &self.basic, None)
            .await
    }

    /// `GET /api/v1/admin{path}`, whose answer is no JSON.
    pub async fn text(&self, path: &str) -> Result<String> {
        let path = format!("/admin{path}");
        let body = self.answer(Method::GET, &path, &self.basic, None).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// `POST /api/v1/admin{path}`.
    pub async fn post(&self, path: &str, body: Option<Value>) -> Result<Value> {
        self.send(Method::POST, &format!("/admin{path}"), &self.basic, body)
            .await
    }

    /// `GET /api/v1/internal{path}`, as a gateway does.
    pub async fn internal_get(&self, path: &str) -> Result<Value> {
        self.send(
            Method::GET,
            &format!("/internal{path}"),
            &self.gateway_token,
            None,
        )
        .await
    }

    /// `POST /api/v1/internal{path}`, as a gateway does.
    pub async fn internal_post(&self, path: &str, body: Value) -> Result<Value> {
        self.send(
            Method::POST,
            &format!("/internal{path}"),
            &self.gateway_token,
            Some(body),
        )
        .await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        authorization: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let body = self.answer(method, path, authorization, body).await?;
        if body.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&body).context("the answer is no JSON")
        }
    }

    /// The body of an answer that is a success.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        authorization: &str,
        body: Option<Value>,
    ) -> Result<Bytes> {
        let request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, authorization);
        let request = with_json(request, body.map(|body| body.to_string().into()))?;
        let answer = self.client.send(request).await;
        let answer = answer.with_context(|| format!("{method} {path}"))?;
        let (status, body) = (answer.status(), answer.body());
        ensure!(
            status.is_success(),
            "{method} {path} answered {status}: {}",
            String::from_utf8_lossy(body)
        );
        Ok(answer.into_body())
    }
}
