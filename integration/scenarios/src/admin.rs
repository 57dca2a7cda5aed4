//! An operator: HTTP Basic on `api`.

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use galaxy_stack::StackFile;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A client of `api` with an operator's credentials, and with a gateway's for internal routes.
#[derive(Debug, Clone)]
pub struct Admin {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    basic: String,
    gateway_token: String,
}

impl Admin {
    /// With the first operator's credentials.
    pub fn new(stack: &StackFile) -> Self {
        let credentials = format!("{}:{}", stack.admin.user, stack.admin.password);
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
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
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, authorization);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.client.request(request.body(Full::from(body))?).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), 16 << 20)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("{method} {path}: {error}"))?
            .to_bytes();
        ensure!(
            status.is_success(),
            "{method} {path} answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        if body.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&body).context("the answer is no JSON")
        }
    }
}
