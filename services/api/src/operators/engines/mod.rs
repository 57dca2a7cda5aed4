//! Engines: the kinds of games of the deployment. Their versions are `engine_versions`.

mod create;
mod list;
mod update;
mod view;

use axum::http::StatusCode;
use galaxy_http::{ApiError, FieldError};
use galaxy_runtime::engines::RegistryError;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(list::list_engines, create::create_engine))
        .routes(routes!(update::update_engine))
}

fn refused(error: RegistryError) -> ApiError {
    match error {
        RegistryError::Name(_) => invalid(
            "engine_name",
            "must be 1 to 40 lower-case letters, digits and dashes, a letter first",
        ),
        RegistryError::Title(error) => invalid("title", &error.to_string()),
        RegistryError::Exists(_) => ApiError::new(
            StatusCode::CONFLICT,
            "engine_exists",
            "This engine is known already; change it instead.",
        ),
        RegistryError::NotFound(_) => ApiError::not_found("engine"),
        RegistryError::Store(error) => error.into(),
    }
}

fn invalid(field: &str, reason: &str) -> ApiError {
    ApiError::invalid(vec![FieldError {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }])
}
