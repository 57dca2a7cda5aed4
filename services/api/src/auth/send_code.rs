//! `POST /auth/send-email-code`: a code for an address.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{ChallengeId, EmailAddress, Locale, SourceNetwork, entropy};
use galaxy_http::{ApiError, ApiJson, ClientAddress, ErrorBody, Invalid};
use galaxy_mail::{Content, templates};
use galaxy_service::telemetry;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    Auth, metrics, model,
    store::{Admission, CodeRequest},
};

/// No answer about a challenge leaves sooner than this after the request came: the little that is written less for a
/// throttled one does not show.
const ANSWER_AFTER: Duration = Duration::from_millis(5);

/// For whom, and in which language.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendEmailCode {
    /// Where the code goes, at most 254 bytes.
    #[schema(example = "ada@example.org", max_length = 1016)]
    email: String,
    /// BCP 47 tag of the language to write in; English if absent or not spoken.
    #[schema(example = "de-AT", max_length = 35)]
    locale: Option<String>,
}

/// What to confirm.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EmailCodeSent {
    /// Goes with the code to `confirm-email-code`.
    pub challenge_id: ChallengeId,
}

/// Why no code is sent.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("This address cannot be used to sign in.")]
    Blocked,
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let Error::Blocked = error;
        Self::new(StatusCode::BAD_REQUEST, "email_blocked", error.to_string())
    }
}

/// Sends a sign-in code. The answer is the same whether the address is known or not and whether a code is sent or the
/// address has had too many.
#[utoipa::path(
    post,
    path = "/api/v1/public/auth/send-email-code",
    tag = "Public",
    operation_id = "send_email_code",
    request_body = SendEmailCode,
    responses(
        (status = 200, body = EmailCodeSent, description = "What to confirm once the code has arrived."),
        (status = 400, body = ErrorBody, description = "`invalid_request`, or `email_blocked`: the address is blocked for good.")
    )
)]
#[instrument(skip_all)]
pub async fn send_email_code(
    State(auth): State<Auth>,
    ClientAddress(from): ClientAddress,
    ApiJson(request): ApiJson<SendEmailCode>,
) -> Result<Json<EmailCodeSent>, ApiError> {
    let came = Instant::now();
    let (email, locale) = check(&request)?;
    let now = auth.clock.now();
    let challenge_id = ChallengeId::generate();
    let code = entropy::login_code(&mut entropy::rng());
    let ttl = auth.settings.code_ttl;
    // Written whether it will be sent or not: the same work for every address.
    let content = write_mail(&code, ttl.as_secs() / 60, locale)?;
    let request = CodeRequest {
        challenge_id,
        code_hash: model::code_hash(&auth.keys, challenge_id, &code),
        no_hash: entropy::bytes(&mut entropy::rng()),
        locale: request.locale,
        requested_at: now,
        expires_at: now + SignedDuration::try_from(ttl).unwrap_or(SignedDuration::from_mins(10)),
        email_subject: auth.keys.hash("auth.email", &[email.identity().as_bytes()]),
        address_subject: auth
            .keys
            .hash("auth.address", &[&SourceNetwork::of(from).to_bytes()]),
        email,
        content,
        traceparent: telemetry::traceparent(),
    };
    let admission = auth.code_requests.submit(request).await??;
    metrics::code_requested(admission);
    match admission {
        Admission::Blocked => Err(Error::Blocked.into()),
        Admission::Send | Admission::Throttled => {
            tokio::time::sleep_until(came + ANSWER_AFTER).await;
            Ok(Json(EmailCodeSent { challenge_id }))
        }
    }
}

fn check(request: &SendEmailCode) -> Result<(EmailAddress, Locale), ApiError> {
    let mut invalid = Invalid::default();
    let email = invalid.check("email", EmailAddress::parse(&request.email));
    let locale = match request.locale.as_deref() {
        None => Locale::default(),
        Some(tag) => {
            if !Locale::is_tag(tag) || tag.len() < 2 {
                invalid.push(
                    "locale",
                    "must be a BCP 47 language tag such as de or en-GB",
                );
            }
            Locale::best_match(tag)
        }
    };
    Ok((invalid.finish(email)?, locale))
}

fn write_mail(code: &str, valid_minutes: u64, locale: Locale) -> Result<Content, ApiError> {
    let context = templates::LoginCode {
        code,
        valid_minutes: valid_minutes.max(1),
    };
    templates::render(templates::LOGIN_CODE, locale, &context).map_err(ApiError::internal)
}
