//! Everything that operators call.
//!
//! A handler takes [`Admin`] as an argument, which checks HTTP Basic, and calls [`audit::record`] in the transaction of
//! its change. Rules and SQL are those of the domains and crates that own the rows; the rooms here add the routes.

pub mod admin_accounts;
pub mod audit;
mod countries;
mod engine_versions;
mod games;
mod mail;
mod notifications;
mod runtimes;
pub mod sign_in;
mod users;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use sign_in::Admin;

use crate::App;

/// What operators call.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(admin_accounts::router())
        .merge(audit::router())
        .merge(users::router())
        .routes(routes!(countries::list_user_countries))
        .merge(games::router())
        .merge(runtimes::router())
        .merge(engine_versions::router())
        .merge(mail::router())
        .merge(notifications::router())
}
