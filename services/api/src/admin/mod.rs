//! Operators: their accounts, how they prove who they are, and the record of what they change.
//!
//! An account is enabled or disabled, never deleted, and at least one stays enabled. A handler for operators takes
//! [`Admin`] as an argument, which checks HTTP Basic, and calls [`audit::record`] in the transaction of its change.

pub mod access;
mod accounts;
pub mod audit;
mod bootstrap;
pub mod credentials;
pub mod model;
pub mod store;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use access::Admin;
pub use bootstrap::bootstrap;

use crate::App;

/// Admin accounts and the audit log.
pub fn admin_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(
            accounts::list::list_admin_accounts,
            accounts::create::create_admin_account
        ))
        .routes(routes!(accounts::get::get_admin_account))
        .routes(routes!(accounts::disable::disable_admin_account))
        .routes(routes!(accounts::enable::enable_admin_account))
        .routes(routes!(accounts::reset_password::reset_admin_password))
        .routes(routes!(audit::list_audit_log))
}
