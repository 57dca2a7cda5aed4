//! Accounts of operators. An account is enabled or disabled, never deleted; at least one is always enabled.

mod bootstrap;
mod create;
mod disable;
mod enable;
mod get;
mod list;
mod reset_password;
pub mod store;
mod view;

use galaxy_http::ApiError;
use galaxy_store::Tx;
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use bootstrap::FirstOperator;

use self::view::AdminAccountView;
use crate::operators::{Admin, Operators, audit};

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(
            list::list_admin_accounts,
            create::create_admin_account
        ))
        .routes(routes!(get::get_admin_account))
        .routes(routes!(disable::disable_admin_account))
        .routes(routes!(enable::enable_admin_account))
        .routes(routes!(reset_password::reset_admin_password))
}

/// Adds the audit entry, commits, and returns the changed account.
async fn finish(
    mut tx: Tx,
    admin: &Admin,
    action: &str,
    username: &str,
) -> Result<AdminAccountView, ApiError> {
    audit::record(&mut tx, admin, action, "admin_account", username, json!({})).await?;
    let account = store::find(&mut tx, username).await?;
    tx.commit().await?;
    account
        .map(AdminAccountView::from)
        .ok_or_else(|| ApiError::internal("the changed admin account does not exist"))
}
