//! Accounts of players. A first sign-in creates an account; it is soft-deleted, since other rows refer to it.
//!
//! Entitlements, sanctions and limits each keep a history of records and a table of those in force. A row whose end has
//! passed is ignored even before the sweep deletes it. Other domains call [`ensure_may`] and [`effective_limit`] in the
//! transaction of their change.

pub mod access;
mod caller;
mod get;
pub mod history;
pub mod internal;
pub mod model;
mod profile;
mod settings;
pub mod store;
pub mod sweep;
mod unsubscribe;
pub mod view;

use std::sync::Arc;

use galaxy_core::Clock;
use galaxy_service::Secret;
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use access::{NotAllowed, effective_limit, ensure_may};
pub use caller::Caller;
pub use model::{Action, LimitCode, SanctionCode, Tier};

/// The state of the domain. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
    /// Signs the unsubscribe links in mails; without it, no link is valid.
    unsubscribe_key: Option<Arc<Secret>>,
}

impl Accounts {
    /// Accounts in `db`; `unsubscribe_key` signs the links in mails.
    pub fn new(db: &Db, clock: &Clock, unsubscribe_key: Option<&Secret>) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            unsubscribe_key: unsubscribe_key.cloned().map(Arc::new),
        }
    }
}

/// The routes of a player's own account.
pub fn user_router() -> OpenApiRouter<Accounts> {
    OpenApiRouter::new()
        .routes(routes!(get::get_account))
        .routes(routes!(profile::update_profile))
        .routes(routes!(settings::update_settings))
}

/// The public routes: the target of unsubscribe links.
pub fn public_router() -> OpenApiRouter<Accounts> {
    OpenApiRouter::new().routes(routes!(unsubscribe::unsubscribe))
}

/// The routes for the gateway.
pub fn internal_router() -> OpenApiRouter<Accounts> {
    OpenApiRouter::new().routes(routes!(internal::get_account_internal))
}
