//! Players' accounts for operators: search, read, sanction, limit, entitle and delete.

mod entitle;
mod get;
mod limit;
mod sanction;
mod search;
mod soft_delete;

use axum::Json;
use galaxy_core::{Timestamp, UserId};
use galaxy_http::ApiError;
use galaxy_store::Tx;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    accounts::{internal::AccountInternal, store, view::FullAccount},
    operators::{Admin, Operators, audit},
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

/// Locks the account for a change and returns its address. 404 if there is no such account.
async fn lock(tx: &mut Tx, user_id: UserId) -> Result<String, ApiError> {
    store::lock_for_change(tx, user_id)
        .await?
        .ok_or_else(|| ApiError::not_found("account"))
}

/// Adds the audit entry, commits, and returns the account as it is now.
async fn finish(
    mut tx: Tx,
    admin: &Admin,
    action: &str,
    user_id: UserId,
    details: Value,
    now: Timestamp,
) -> Result<Json<AccountInternal>, ApiError> {
    audit::record(&mut tx, admin, action, "user", user_id, details).await?;
    let account = read(&mut tx, user_id, now).await?;
    tx.commit().await?;
    Ok(Json(account))
}

/// The account with what is in force on it; 404 if there is none.
async fn read(
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
