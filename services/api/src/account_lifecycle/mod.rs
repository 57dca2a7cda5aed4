//! Changes of accounts, sessions, the lobby and country counters together: deletion and sanctions.
//!
//! No other room touches these domains together. Each function works in the transaction of its caller, which has
//! locked the account for change.

mod delete;
pub mod deletion;
pub mod sanction;
pub mod sweep;

use axum::extract::FromRef;
use galaxy_core::Clock;
use galaxy_http::ApiError;
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{accounts::Accounts, auth::sessions::Sessions, lobby};

/// A failure, not a refusal: the caller has checked that the change is allowed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
    #[error(transparent)]
    Lobby(#[from] lobby::refusal::Error),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Lobby(error) => error.into(),
        }
    }
}

/// The state of the room. Cheap to clone.
#[derive(Clone)]
pub struct AccountLifecycle {
    db: Db,
    clock: Clock,
    accounts: Accounts,
    sessions: Sessions,
}

impl AccountLifecycle {
    /// Uses `accounts` to identify callers and `sessions` to end sessions.
    pub fn new(db: &Db, clock: &Clock, accounts: &Accounts, sessions: &Sessions) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            accounts: accounts.clone(),
            sessions: sessions.clone(),
        }
    }
}

impl FromRef<AccountLifecycle> for Accounts {
    fn from_ref(lifecycle: &AccountLifecycle) -> Self {
        lifecycle.accounts.clone()
    }
}

/// The routes for players.
pub fn user_router() -> OpenApiRouter<AccountLifecycle> {
    OpenApiRouter::new().routes(routes!(delete::delete_account))
}
