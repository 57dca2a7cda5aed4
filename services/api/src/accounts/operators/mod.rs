//! What operators do with players' accounts.

mod entitlements;
mod limits;
mod sanctions;
mod search;
mod search_plan;
mod search_store;
mod soft_delete;
mod view;

use galaxy_core::UserId;
use galaxy_http::ApiError;
use jiff::Timestamp;
use sqlx::PgConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::internal::AccountInternal;
use crate::{App, accounts::view::Whole};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search::search_users))
        .routes(routes!(view::get_user))
        .routes(routes!(sanctions::sanction_user))
        .routes(routes!(limits::limit_user))
        .routes(routes!(entitlements::entitle_user))
        .routes(routes!(soft_delete::soft_delete_user))
}

/// The account as operators see it, after a change.
async fn shown(
    connection: &mut PgConnection,
    user_id: UserId,
    now: Timestamp,
) -> Result<AccountInternal, ApiError> {
    let whole = Whole::read(connection, user_id, now).await?;
    whole
        .map(AccountInternal::from)
        .ok_or_else(|| ApiError::not_found("account"))
}

/// `Err` with a reason if `end` is not in the future.
fn in_future(end: Option<Timestamp>, now: Timestamp) -> Result<(), &'static str> {
    match end {
        Some(end) if end <= now => Err("must be in the future"),
        _ => Ok(()),
    }
}
