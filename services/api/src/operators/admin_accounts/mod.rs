//! Operators' own accounts. An account is enabled or disabled, never deleted, and at least one stays enabled.

mod bootstrap;
mod create;
mod disable;
mod enable;
mod get;
mod list;
mod reset_password;
pub mod store;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use bootstrap::FirstOperator;

use crate::operators::Operators;

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
