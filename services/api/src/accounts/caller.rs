//! The extractor of user routes: the account that the gateway names in `X-User-ID`.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use galaxy_core::UserId;
use galaxy_http::ApiError;

use super::{Accounts, SanctionCode, access, store};
use crate::http::UserIdHeader;

/// An account that exists and is not blocked for good.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    pub user_id: UserId,
}

impl<S> FromRequestParts<S> for Caller
where
    Accounts: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let UserIdHeader(user_id) = UserIdHeader::from_request_parts(parts, state).await?;
        let mut connection = Accounts::from_ref(state).db.acquire().await?;
        match store::is_blocked(&mut connection, user_id).await? {
            None => Err(access::unknown_user()),
            Some(true) => Err(access::forbidden(SanctionCode::PermanentBlock)),
            Some(false) => Ok(Self { user_id }),
        }
    }
}
