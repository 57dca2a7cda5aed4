//! What changes accounts, sessions, the lobby and country counters together: deletion and sanctions.
//!
//! No other room touches these domains together. Each function works in the transaction of its caller, which holds the
//! account's row for change.

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

/// Why an account could not be changed. None of it is a refusal: the caller has checked what may be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
    /// The account's part in the lobby could not be ended.
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
    /// Over the domains whose rows end with an account.
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

/// What players call.
pub fn user_router() -> OpenApiRouter<AccountLifecycle> {
    OpenApiRouter::new().routes(routes!(delete::delete_account))
}
