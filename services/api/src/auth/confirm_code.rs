//! `POST /auth/confirm-email-code`: a right code opens a session.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{ChallengeId, DeviceSessionId, timezone};
use galaxy_http::{ApiError, ApiJson, ClientAddress, ErrorBody, Invalid};
use galaxy_service::telemetry;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    Auth,
    confirm_code_batch::{Attempt, Outcome},
    metrics, model,
};
use crate::accounts::{access, model::SanctionCode};

/// A code and the device that it was typed into.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmailCode {
    /// From `send-email-code`.
    challenge_id: ChallengeId,
    /// The six digits of the mail.
    #[schema(example = "042517", max_length = 64)]
    code: String,
    /// The device's Ed25519 key: base64 of 32 bytes.
    #[schema(
        example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        max_length = 64
    )]
    client_public_key: String,
    /// IANA time zone of the device; becomes the account's on its first sign-in.
    #[schema(example = "Europe/Vienna", max_length = 64)]
    time_zone: String,
}

/// The session that was opened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EmailCodeConfirmed {
    /// Goes into every signed request.
    pub device_session_id: DeviceSessionId,
}

/// Why no session is opened.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// Unknown, expired, consumed, wrong or exhausted; which is not said.
    #[error("The code is not right or not valid any more; ask for a new one.")]
    InvalidCode,
    #[error("The account may not sign in.")]
    Barred(SanctionCode),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCode => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_code", error.to_string())
            }
            Error::Barred(code) => access::forbidden(code),
        }
    }
}

/// Opens a session for the device, and an account for an address that has none.
#[utoipa::path(
    post,
    path = "/api/v1/public/auth/confirm-email-code",
    tag = "Public",
    operation_id = "confirm_email_code",
    request_body = ConfirmEmailCode,
    responses(
        (status = 200, body = EmailCodeConfirmed, description = "The session."),
        (status = 400, body = ErrorBody, description = "`invalid_request`, or `invalid_code`: unknown, expired, used, wrong or tried too often."),
        (status = 403, body = ErrorBody, description = "The code is right, but `login_blocked` or `account_blocked`.")
    )
)]
#[instrument(skip_all, fields(challenge_id = %request.challenge_id))]
pub async fn confirm_email_code(
    State(auth): State<Auth>,
    ClientAddress(from): ClientAddress,
    ApiJson(request): ApiJson<ConfirmEmailCode>,
) -> Result<Json<EmailCodeConfirmed>, ApiError> {
    let mut invalid = Invalid::default();
    let key = invalid.check(
        "client_public_key",
        model::public_key(&request.client_public_key),
    );
    let zone = timezone::canonical_name(&request.time_zone);
    let zone = invalid.check(
        "time_zone",
        zone.ok_or("must be an IANA time zone such as Europe/Vienna"),
    );
    let (client_public_key, time_zone) = invalid.finish(key.zip(zone))?;
    let attempt = Attempt {
        challenge_id: request.challenge_id,
        given: model::code_hash(&auth.keys, request.challenge_id, &request.code),
        client_public_key,
        time_zone,
        country: auth.geo.country(from),
        traceparent: telemetry::traceparent(),
    };
    let outcome = auth.attempts.submit(attempt).await?;
    metrics::code_tried(match &outcome {
        Ok(Outcome::Opened(..)) => "confirmed",
        Ok(Outcome::Invalid) => "invalid",
        Ok(Outcome::Barred(_)) => "barred",
        Err(_) => "failed",
    });
    match outcome? {
        Outcome::Opened(device_session_id, replaced) => {
            auth.sessions.forget(&replaced).await;
            Ok(Json(EmailCodeConfirmed { device_session_id }))
        }
        Outcome::Invalid => Err(Error::InvalidCode.into()),
        Outcome::Barred(code) => Err(Error::Barred(code).into()),
    }
}
