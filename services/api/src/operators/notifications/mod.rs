//! Notifications and their routes, dead letters and their replay, and malformed intents.

mod dead_letters;
mod get;
mod list;
mod malformed;
mod replay;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_notifications))
        .routes(routes!(get::get_notification))
        .routes(routes!(dead_letters::list_notification_dead_letters))
        .routes(routes!(replay::replay_notification_dead_letter))
        .routes(routes!(malformed::list_malformed_notifications))
}
