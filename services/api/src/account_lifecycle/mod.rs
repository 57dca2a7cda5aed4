//! What changes accounts, sessions, the lobby and country counters together: deletion and sanctions.
//!
//! No other room touches these domains together. Each function works in the transaction of its caller, which holds the
//! account's row for change.

mod delete;
pub mod deletion;
pub mod sanction;
pub mod sweep;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// What players call.
pub fn user_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(delete::delete_account))
}
