//! What operators do with players' accounts.

mod entitle;
mod get;
mod limit;
mod sanction;
mod search;
mod soft_delete;

use galaxy_core::{Timestamp, UserId};
use galaxy_http::ApiError;
use sqlx::PgConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    accounts::{internal::AccountInternal, view::FullAccount},
    operators::Operators,
};

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(search::search_users))
        .routes(routes!(get::get_user))
        .routes(routes!(sanction::sanction_user))
        .routes(routes!(limit::limit_user))
        .routes(routes!(entitle::entitle_user))
        .routes(routes!(soft_delete::soft_delete_user))
}

/// The account as operators see it, after a change.
async fn shown(
    connection: &mut PgConnection,
    user_id: UserId,
    now: Timestamp,
) -> Result<AccountInternal, ApiError> {
    let full = FullAccount::read(connection, user_id, now).await?;
    full.map(AccountInternal::from)
        .ok_or_else(|| ApiError::not_found("account"))
}

/// `Err` with a reason if `end` is not in the future.
fn in_future(end: Option<Timestamp>, now: Timestamp) -> Result<(), &'static str> {
    match end {
        Some(end) if end <= now => Err("must be in the future"),
        _ => Ok(()),
    }
}
