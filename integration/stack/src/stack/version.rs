//! The reference engine as operators offer it: under one version, with the image that this stack's driver runs.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::{Secrets, engines::ENGINE_VERSION, environment::Settings, web};

const VERSIONS: &str = "/engine-versions";

/// The first start registers the version; kept data may have it with the image of another driver. Games that run keep
/// theirs.
pub(super) async fn offer_engine(settings: &Settings, secrets: &Secrets) -> Result<()> {
    let operator = Operator::new(settings, secrets);
    let versions = operator.send(Method::GET, VERSIONS, Bytes::new()).await?;
    let mut versions = versions["items"].as_array().into_iter().flatten();
    let image = &settings.engines.image;
    let offered = versions.any(|version| {
        version["version"] == ENGINE_VERSION && version["image_ref"] == image.as_str()
    });
    if !offered {
        let change = json!({ "image_ref": image }).to_string();
        let path = format!("{VERSIONS}/{ENGINE_VERSION}");
        operator.send(Method::PATCH, &path, change.into()).await?;
    }
    Ok(())
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
