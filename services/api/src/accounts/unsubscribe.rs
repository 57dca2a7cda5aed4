//! `POST /unsubscribe`: one-click unsubscription from a group of mails (RFC 8058), without signing in.

use axum::{extract::State, http::StatusCode};
use galaxy_http::{ApiError, ApiQuery};
use galaxy_notifications::unsubscribe as token;
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::IntoParams;

use super::{
    Accounts,
    store::{self, SettingsChange},
};

/// The token of the mail's link.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// From the `List-Unsubscribe` header of a mail.
    #[param(max_length = 100, example = "AZ0d1f6Nc3qK")]
    token: String,
}

/// Why no mails are turned off.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("The link is not one of ours; turn mails off in the settings instead.")]
    InvalidToken,
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let Error::InvalidToken = error;
        Self::new(StatusCode::BAD_REQUEST, "invalid_token", error.to_string())
    }
}

/// Turns off the group of mails that the token names. The body is ignored: mail programs post a fixed form.
#[utoipa::path(
    post,
    path = "/api/v1/public/unsubscribe",
    tag = "Public",
    operation_id = "unsubscribe",
    params(Unsubscribe),
    responses(
        (status = 204, description = "These mails are off."),
        (status = 400, body = galaxy_http::ErrorBody, description = "`invalid_request`, or `invalid_token`.")
    )
)]
#[instrument(skip_all)]
pub async fn unsubscribe(
    State(accounts): State<Accounts>,
    ApiQuery(query): ApiQuery<Unsubscribe>,
) -> Result<StatusCode, ApiError> {
    let key = accounts.unsubscribe_key.as_deref();
    let (user_id, group) = key
        .and_then(|key| token::verify(key, &query.token))
        .ok_or(Error::InvalidToken)?;
    let change = SettingsChange {
        notifications: Some(json!({ group.preference(): false })),
        ..SettingsChange::default()
    };
    let mut connection = accounts.db.acquire().await?;
    // Without an account there is no mail, so an unknown account is no error.
    store::change_settings(&mut connection, user_id, &change, accounts.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
