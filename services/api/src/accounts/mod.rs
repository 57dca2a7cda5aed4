//! Accounts: who plays. Made at the first sign-in, soft-deleted, never removed: other rows refer to them.

mod get;
pub mod store;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// The player's own account.
pub fn user_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get::get_account))
}
