//! The routes for operators.
//!
//! A handler takes [`Admin`] as an argument, which checks HTTP Basic, and calls [`audit::record`] in the transaction of
//! its change. Rules and SQL are those of the domains and crates that own the rows; the rooms here add the routes.

pub mod admin_accounts;
pub mod audit;
mod countries;
mod engine_versions;
mod engines;
mod games;
mod mail;
mod nodes;
mod notifications;
mod runtimes;
pub mod sign_in;
mod users;

use axum::extract::FromRef;
use galaxy_core::Clock;
use galaxy_events::Nats;
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use admin_accounts::FirstOperator;
pub use sign_in::Admin;

use self::sign_in::credentials::Credentials;

use crate::auth::sessions::Sessions;

/// The state of the room. Cheap to clone.
#[derive(Clone)]
pub struct Operators {
    db: Db,
    clock: Clock,
    credentials: Credentials,
    sessions: Sessions,
    /// To ask runtime managers; without it none answers.
    nats: Option<Nats>,
}

impl Operators {
    /// Operators sign in with `credentials`; what they do may end `sessions`; engines' logs are asked for over `nats`.
    pub fn new(
        db: &Db,
        clock: &Clock,
        credentials: Credentials,
        sessions: &Sessions,
        nats: Option<&Nats>,
    ) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            credentials,
            sessions: sessions.clone(),
            nats: nats.cloned(),
        }
    }
}

impl FromRef<Operators> for Credentials {
    fn from_ref(operators: &Operators) -> Self {
        operators.credentials.clone()
    }
}

/// All routes for operators.
pub fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .merge(admin_accounts::router())
        .merge(audit::router())
        .merge(users::router())
        .routes(routes!(countries::list_user_countries))
        .merge(games::router())
        .merge(runtimes::router())
        .merge(nodes::router())
        .merge(engines::router())
        .merge(engine_versions::router())
        .merge(mail::router())
        .merge(notifications::router())
}
