//! Signing in by e-mail code: the two operations that need no signature.

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use galaxy_http_client::with_json;
use http::Request;
use serde_json::{Value, json};

use crate::{Device, Error, Gateway};

impl Gateway {
    /// Asks for a code by mail and answers the `challenge_id` to confirm it with.
    pub async fn send_email_code(
        &self,
        email: &str,
        locale: Option<&str>,
    ) -> Result<String, Error> {
        let mut body = json!({ "email": email });
        if let Some(locale) = locale {
            body["locale"] = locale.into();
        }
        let answer = self.post_auth("send-email-code", &body).await?;
        text(&answer, "challenge_id")
    }

    /// Confirms a code; the session that this opens is bound to `key`. `time_zone` is an IANA name.
    pub async fn confirm_email_code(
        &self,
        challenge_id: &str,
        code: &str,
        key: SigningKey,
        time_zone: &str,
    ) -> Result<Device, Error> {
        let body = json!({
            "challenge_id": challenge_id,
            "code": code,
            "client_public_key": BASE64_STANDARD.encode(key.verifying_key().as_bytes()),
            "time_zone": time_zone,
        });
        let answer = self.post_auth("confirm-email-code", &body).await?;
        Ok(self.device(text(&answer, "device_session_id")?, key))
    }

    async fn post_auth(&self, action: &str, body: &Value) -> Result<Value, Error> {
        let request = Request::post(format!("{}/api/v1/public/auth/{action}", self.http_url));
        let request = with_json(request, Some(body.to_string().into()))?;
        let answer = self.http.send(request).await?;
        let (status, bytes) = (answer.status(), answer.body());
        if status.is_success() {
            return Ok(serde_json::from_slice(bytes)?);
        }
        let body = serde_json::from_slice(bytes).unwrap_or_default();
        Err(Error::api(status.as_u16(), &body))
    }
}

fn text(answer: &Value, field: &'static str) -> Result<String, Error> {
    match answer[field].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::Misplaced(field)),
    }
}
