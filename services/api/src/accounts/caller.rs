//! Who calls a user route: the account that the gateway names in `X-User-ID`.

use axum::{extract::FromRequestParts, http::request::Parts};
use galaxy_core::UserId;
use galaxy_http::ApiError;

use super::{SanctionCode, access, store};
use crate::{App, http::UserIdHeader};

/// An account that exists and is not blocked for good.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Its id.
    pub user_id: UserId,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let UserIdHeader(user_id) = UserIdHeader::from_request_parts(parts, app).await?;
        let mut connection = app.db.acquire().await?;
        match store::is_blocked(&mut connection, user_id).await? {
            None => Err(access::unknown_user()),
            Some(true) => Err(access::forbidden(SanctionCode::PermanentBlock)),
            Some(false) => Ok(Self { user_id }),
        }
    }
}
