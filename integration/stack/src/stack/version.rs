//! The reference engine as operators offer it: under one version, with the image that this stack's driver runs.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::{Secrets, engines::ENGINE_VERSION, environment::Settings, web};

/// The options of the reference engine.
const OPTIONS_SCHEMA: &str = include_str!("../../../engine/options.schema.json");

/// The first start registers the version. Kept data may have it with the image of another driver, or of an older build: naming
/// the image anew has it looked for again. Games that run keep the content of theirs.
pub(super) async fn offer_engine(settings: &Settings, secrets: &Secrets) -> Result<()> {
    let operator = Operator::new(settings, secrets);
    let schema: Value = serde_json::from_str(OPTIONS_SCHEMA)?;
    let change = json!({ "image_ref": settings.engines.image, "options_schema": schema });
    let path = format!("/engine-versions/galaxy@{ENGINE_VERSION}");
    let changed = operator.send(Method::PATCH, &path, change.to_string().into());
    changed.await.map(drop)
}

struct Operator {
    base: String,
    basic: String,
}

impl Operator {
    fn new(settings: &Settings, secrets: &Secrets) -> Self {
        let credentials = format!("{}:{}", secrets.admin_user, secrets.admin_password);
        Self {
            base: format!("http://{}/api/v1/admin", settings.api),
            basic: format!("Basic {}", BASE64_STANDARD.encode(credentials)),
        }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, &self.basic)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let (status, body) = web::send(request)
            .await
            .context("cannot offer the engine")?;
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body);
            bail!("cannot offer the engine: api answered {status}: {text}");
        }
        serde_json::from_slice(&body).context("api's answer is no JSON")
    }
}
