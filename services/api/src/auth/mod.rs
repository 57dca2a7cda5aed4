//! Sign-in by e-mail code, and the device sessions it makes.
//!
//! A challenge is one code sent to one address: open → consumed by exactly one confirmation, or expired, or exhausted
//! after five tries. A try is taken before the comparison. Who asks for codes learns nothing about an address: known,
//! unknown and throttled ones get the same answer after the same work.

mod confirm_code;
pub mod confirm_code_batch;
mod metrics;
pub mod model;
mod send_code;
pub mod send_code_batch;
pub mod sessions;
pub mod store;
pub mod sweep;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// Sign-in.
pub fn public_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send_code::send_email_code))
        .routes(routes!(confirm_code::confirm_email_code))
}

/// A player's own sessions.
pub fn user_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::list::list_own_sessions))
        .routes(routes!(sessions::revoke_own::revoke_own_session))
}

/// Sessions for the gateway.
pub fn internal_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::lookup::get_session))
        .routes(routes!(sessions::revoke::revoke_session))
        .routes(routes!(sessions::revoke_all::revoke_all_sessions))
}
