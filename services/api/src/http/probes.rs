//! The probes' part of the document; what answers them is [`galaxy_http::ops::probes`], the same in every process.

use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

/// The operations, described.
#[derive(OpenApi)]
#[openapi(paths(healthz, readyz))]
pub struct Probes;

/// The process runs.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: String,
}

/// Whether the process can work.
#[derive(Serialize, ToSchema)]
pub struct ReadinessReport {
    /// `ready`, `degraded`, `not_ready` or `draining`.
    #[schema(example = "ready")]
    status: String,
    /// Each condition.
    checks: Vec<ReadinessCheck>,
}

/// One condition of readiness.
#[derive(Serialize, ToSchema)]
pub struct ReadinessCheck {
    /// What was looked at.
    #[schema(example = "postgres")]
    name: String,
    /// Why it does not hold; absent if it does.
    failure: Option<String>,
    /// Whether the process works without it; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degrades: bool,
}

/// Whether the process runs at all.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Probes",
    operation_id = "healthz",
    responses((status = 200, body = Alive, description = "It runs."))
)]
pub const fn healthz() {}

/// Whether the process can work: what it cannot work without is there, and it does not drain. What it can work without is
/// shown as degraded.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Probes",
    operation_id = "readyz",
    responses(
        (status = 200, body = ReadinessReport, description = "It can work, perhaps degraded."),
        (status = 503, body = ReadinessReport, description = "It cannot; the failing conditions say why.")
    )
)]
pub const fn readyz() {}
