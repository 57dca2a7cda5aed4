//! Mail deliveries, their attempts and dead letters, and sending a mail again. Bodies with sign-in codes are never shown.

mod attempts;
mod dead_letters;
mod get;
mod list;
mod resend;

use galaxy_core::DeliveryId;
use galaxy_http::ApiPath;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_mail_deliveries))
        .routes(routes!(get::get_mail_delivery))
        .routes(routes!(attempts::list_mail_attempts))
        .routes(routes!(resend::resend_mail))
        .routes(routes!(dead_letters::list_mail_dead_letters))
}

type DeliveryPath = ApiPath<DeliveryId>;
