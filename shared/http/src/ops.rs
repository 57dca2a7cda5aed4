//! The operations listener of every process: `/healthz` (it runs), `/readyz` (it can work), `/metrics`.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use galaxy_service::{
    Process, Section, Vars,
    readiness::{Check, Readiness},
    telemetry::Telemetry,
};
use prometheus::Registry;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::serve::{self, Bound};

/// Where the operations listener of a process listens.
#[derive(Debug, Clone)]
pub struct OpsConfig {
    listen_addr: SocketAddr,
}

impl Section for OpsConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let listen_addr = vars.or(
            "BACKEND_OPS_LISTEN_ADDR",
            "0.0.0.0:9090",
            "Where /healthz, /readyz and /metrics are served",
        );
        Some(Self {
            listen_addr: listen_addr?,
        })
    }
}

/// Serves the operations listener until the process ends. Every `main.rs` hands it to [`galaxy_service::process::run`].
pub async fn listen(config: OpsConfig, process: Process, metrics: Registry) -> anyhow::Result<()> {
    let listener = Bound::bind("BACKEND_OPS_LISTEN_ADDR", config.listen_addr).await?;
    let router = router(process.readiness.clone(), process.tasks.draining(), metrics);
    serve::spawn(
        &process.tasks,
        "ops",
        listener,
        router,
        &serve::Limits::default(),
    );
    Ok(())
}

/// What `/readyz` answers: 200 if every check holds, 503 otherwise.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the process can work.
    pub status: Status,
    /// Each condition, with the reason if it fails.
    pub checks: Vec<Check>,
}

/// Whether a process can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every check holds.
    Ready,
    /// A check fails.
    NotReady,
    /// The process ends and takes no new work.
    Draining,
}

/// The two probes, which `api` also serves on its own listener.
pub fn probes(readiness: Readiness, draining: CancellationToken) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(|| async { Json(serde_json::json!({ "status": "alive" })) }),
        )
        .route("/readyz", get(readyz))
        .with_state((readiness, draining))
}

/// The whole operations listener.
pub fn router(readiness: Readiness, draining: CancellationToken, registry: Registry) -> Router {
    let metrics = get(async move || {
        (
            [(CONTENT_TYPE, "text/plain; version=0.0.4")],
            Telemetry::metrics_page(&registry),
        )
    });
    probes(readiness, draining).route("/metrics", metrics)
}

async fn readyz(State((readiness, draining)): State<(Readiness, CancellationToken)>) -> Response {
    let report = report(&readiness, &draining).await;
    let status = if report.status == Status::Ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

/// The readiness of the process right now.
pub async fn report(readiness: &Readiness, draining: &CancellationToken) -> Report {
    let checks = readiness.check().await;
    let status = match (
        draining.is_cancelled(),
        checks.iter().all(|check| check.failure.is_none()),
    ) {
        (true, _) => Status::Draining,
        (false, true) => Status::Ready,
        (false, false) => Status::NotReady,
    };
    Report { status, checks }
}
