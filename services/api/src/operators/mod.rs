//! What operators look after besides players and games: runtimes, engine versions, mail, notifications.
//!
//! The rules and the SQL are those of the crates that own these things; here they get their routes. Every change is
//! noted in the audit log in its own transaction.

mod engine_versions;
mod mail;
mod notifications;
mod runtimes;

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// What operators call.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(runtimes::router())
        .merge(engine_versions::router())
        .merge(mail::router())
        .merge(notifications::router())
}
