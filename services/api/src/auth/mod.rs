//! Sign-in by e-mail code, and the device sessions that it opens.
//!
//! A challenge is one code sent to one address: open → consumed by exactly one confirmation, or expired, or exhausted
//! after five tries. A try is counted before the comparison. The response to a request for a code is the same, after the
//! same work, for known, unknown and throttled addresses.

mod confirm_code;
pub mod confirm_code_batch;
mod metrics;
pub mod model;
mod send_code;
pub mod send_code_batch;
pub mod sessions;
mod settings;
pub mod store;
pub mod sweep;

use galaxy_core::Clock;
use galaxy_service::Tasks;
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use settings::Settings;

use self::{confirm_code_batch::Attempts, send_code_batch::CodeRequests, sessions::Sessions};
use crate::{geo::Geo, keys::Keys};

/// The state of sign-in. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    clock: Clock,
    keys: Keys,
    settings: Settings,
    geo: Geo,
    sessions: Sessions,
    code_requests: CodeRequests,
    attempts: Attempts,
}

impl Auth {
    /// Sign-in over `db`: `keys` hash codes, `geo` finds the country of a new account, and replaced sessions leave the cache
    /// of `sessions`.
    pub fn new(
        tasks: &Tasks,
        db: &Db,
        clock: &Clock,
        keys: &Keys,
        settings: Settings,
        geo: &Geo,
        sessions: &Sessions,
    ) -> Self {
        metrics::start();
        let per_address = model::codes_per_address(settings.codes_per_address_per_hour);
        Self {
            clock: clock.clone(),
            keys: keys.clone(),
            settings,
            geo: geo.clone(),
            sessions: sessions.clone(),
            code_requests: send_code_batch::batcher(tasks, db, clock, per_address),
            attempts: confirm_code_batch::batcher(tasks, db, clock),
        }
    }
}

/// Sign-in.
pub fn public_router() -> OpenApiRouter<Auth> {
    OpenApiRouter::new()
        .routes(routes!(send_code::send_email_code))
        .routes(routes!(confirm_code::confirm_email_code))
}

/// A player's own sessions.
pub fn user_router() -> OpenApiRouter<Sessions> {
    OpenApiRouter::new()
        .routes(routes!(sessions::list::list_own_sessions))
        .routes(routes!(sessions::revoke_own::revoke_own_session))
}

/// Sessions for the gateway.
pub fn internal_router() -> OpenApiRouter<Sessions> {
    OpenApiRouter::new()
        .routes(routes!(sessions::lookup::get_session))
        .routes(routes!(sessions::revoke::revoke_session))
        .routes(routes!(sessions::revoke_all::revoke_all_sessions))
}
