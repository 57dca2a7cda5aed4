//! `POST /auth/confirm-email-code`: a right code opens a session.

use std::net::IpAddr;

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{ChallengeId, DeviceSessionId, EmailAddress, Locale, UserId, entropy, timezone};
use galaxy_events::{
    catalogue::{account::AccountCreated, session::SessionCreated},
    outbox,
};
use galaxy_service::http::{ApiError, ApiJson, ClientAddress, ErrorBody, Invalid};
use galaxy_store::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    model, sessions,
    store::{self, Opened, Opening, Tried},
};
use crate::{
    App,
    accounts::{self, access, model::SanctionCode},
    channel, metrics, throttle,
};

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
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCode => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_code", error.to_string())
            }
            Error::Barred(code) => access::forbidden(code),
            Error::Store(error) => error.into(),
        }
    }
}

struct Device {
    client_public_key: [u8; 32],
    time_zone: String,
    from: IpAddr,
}

/// Opens a session for the device, and an account for an address that has none.
#[utoipa::path(
    post,
    path = "/auth/confirm-email-code",
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
    State(app): State<App>,
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
    let device = Device {
        client_public_key,
        time_zone,
        from,
    };
    let confirmed = confirm(&app, request.challenge_id, &request.code, &device).await;
    metrics::code_tried(match &confirmed {
        Ok(_) => "confirmed",
        Err(Error::InvalidCode) => "invalid",
        Err(Error::Barred(_)) => "barred",
        Err(Error::Store(_)) => "failed",
    });
    let (device_session_id, replaced) = confirmed?;
    channel::forget_sessions(&app, &replaced).await;
    Ok(Json(EmailCodeConfirmed { device_session_id }))
}

/// The new session and those it replaces.
async fn confirm(
    app: &App,
    challenge_id: ChallengeId,
    code: &str,
    device: &Device,
) -> Result<(DeviceSessionId, Vec<DeviceSessionId>), Error> {
    let now = app.clock.now();
    let given = model::code_hash(&app.keys, challenge_id, code);
    let mut tx = app.db.begin().await?;
    let tried = store::take_try(&mut tx, challenge_id, now).await?;
    let tried = tried.ok_or(Error::InvalidCode)?;
    let email_subject = app.keys.hash("auth.email", &[tried.email.as_bytes()]);
    if !model::same_hash(&tried.code_hash, &given) {
        throttle::take(&mut tx, &model::WRONG_CODES, &email_subject, now).await?;
        tx.commit().await?;
        return Err(Error::InvalidCode);
    }
    let (user_id, first) = ensure_account(app, &mut tx, &tried, device, now).await?;
    let opening = Opening {
        challenge_id,
        email_subject,
        user_id,
        device_session_id: DeviceSessionId::generate(),
        client_public_key: &device.client_public_key,
        at: now,
    };
    let replaced = match store::open(&mut tx, &opening).await? {
        Opened::Yes(replaced) => replaced,
        Opened::Guessed => return Err(Error::InvalidCode),
        Opened::Barred(code) => {
            tx.commit().await?;
            return Err(Error::Barred(code));
        }
    };
    let created = SessionCreated {
        user_id,
        device_session_id: opening.device_session_id,
        first,
    };
    outbox::append(&mut tx, &created).await?;
    sessions::announce(&mut tx, &replaced, "replaced").await?;
    tx.commit().await?;
    let replaced = replaced.iter().map(|r| r.device_session_id).collect();
    Ok((opening.device_session_id, replaced))
}

/// The account of the address, locked, and whether it was made just now.
async fn ensure_account(
    app: &App,
    tx: &mut Tx,
    tried: &Tried,
    device: &Device,
    now: Timestamp,
) -> Result<(UserId, bool), Error> {
    let email = EmailAddress::parse(&tried.delivery_email).map_err(|_| Error::InvalidCode)?;
    // A lost race for the address is found at the next look; a taken name is drawn anew.
    for _ in 0..5 {
        if let Some(user_id) = accounts::store::lock_by_email(tx, &tried.email).await? {
            return Ok((user_id, false));
        }
        let name = format!("player-{}", entropy::readable(&mut entropy::rng(), 8));
        let new = accounts::store::NewAccount {
            user_id: UserId::generate(),
            email: &email,
            user_name: &name,
            language: tried
                .locale
                .as_deref()
                .map_or(Locale::default(), Locale::best_match),
            time_zone: &device.time_zone,
            country: app.geo.country(device.from),
            at: now,
        };
        if accounts::store::insert(tx, &new).await? {
            let user_id = new.user_id;
            outbox::append(tx, &AccountCreated { user_id }).await?;
            return Ok((user_id, true));
        }
    }
    Err(Error::Store(sqlx::Error::RowNotFound.into()))
}
