//! Engine versions: the registered images of each engine, and which of them new games may use.

mod check;
mod create;
mod disable;
mod list;
mod update;
mod view;

use axum::http::StatusCode;
use galaxy_http::{ApiError, FieldError};
use galaxy_runtime::versions::VersionError;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new()
        .routes(routes!(
            list::list_engine_versions,
            create::create_engine_version
        ))
        .routes(routes!(update::update_engine_version))
        .routes(routes!(disable::disable_engine_version))
        .routes(routes!(check::check_engine_version))
}

fn refused(error: VersionError) -> ApiError {
    match error {
        VersionError::NotSemver(_) => invalid("version", "must be a version such as 1.2.3"),
        VersionError::NotAReference(_) => invalid(
            "image_ref",
            "must be a full image reference such as registry.example.org/engine:1.2.3",
        ),
        VersionError::Resources(error) => invalid("resources", &error.to_string()),
        VersionError::Players => invalid(
            "max_players",
            "must be 1 to 64, at least min_players, which is at least 1",
        ),
        VersionError::Schema(error) => invalid("options_schema", &error.to_string()),
        VersionError::NoEngine(_) => invalid(
            "engine_name",
            "is no engine; make it known with POST /admin/engines first",
        ),
        VersionError::Exists(_) => ApiError::new(
            StatusCode::CONFLICT,
            "engine_version_exists",
            "This version is known already; change it instead.",
        ),
        VersionError::NotFound(_) => ApiError::not_found("engine version"),
        VersionError::Store(error) => error.into(),
    }
}

fn invalid(field: &str, reason: &str) -> ApiError {
    ApiError::invalid(vec![FieldError {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }])
}
