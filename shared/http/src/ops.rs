//! The operations listener of every process: `/healthz` (it runs), `/readyz` (it can work), `/metrics`. It answers until the
//! process ends.

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
    process::Probe,
    readiness::{Check, Readiness},
    telemetry::Telemetry,
};
use prometheus::Registry;
use serde::Serialize;

use crate::{
    healthcheck, readiness_metrics,
    serve::{self, Bound},
};

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

impl Probe for OpsConfig {
    fn ask(&self) -> Result<(), String> {
        healthcheck::ready(self.listen_addr)
    }
}

/// Serves the operations listener until the process ends. Every `main.rs` hands it to [`galaxy_service::process::run`].
pub async fn listen(config: OpsConfig, process: Process, metrics: Registry) -> anyhow::Result<()> {
    let listener = Bound::bind("BACKEND_OPS_LISTEN_ADDR", config.listen_addr).await?;
    let router = router(process.readiness.clone(), metrics);
    serve::spawn(
        &process.tasks,
        "ops",
        listener,
        router,
        &serve::Limits::default(),
    );
    readiness_metrics::start(&process);
    Ok(())
}

/// What `/readyz` answers: 200 if everything holds that the process cannot work without, 503 otherwise.
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
    /// It works, with less or later than it should: a check fails that it can work without.
    Degraded,
    /// A check fails that it cannot work without.
    NotReady,
    /// The process ends and takes no new work.
    Draining,
}

/// The two probes, which `api` also serves on its own listener.
pub fn probes(readiness: Readiness) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(|| async { Json(serde_json::json!({ "status": "alive" })) }),
        )
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

/// The whole operations listener.
pub fn router(readiness: Readiness, registry: Registry) -> Router {
    let metrics = get(async move || {
        (
            [(CONTENT_TYPE, "text/plain; version=0.0.4")],
            Telemetry::metrics_page(&registry),
        )
    });
    probes(readiness).route("/metrics", metrics)
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let report = report(&readiness).await;
    let status = match report.status {
        Status::Ready | Status::Degraded => StatusCode::OK,
        Status::NotReady | Status::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report)).into_response()
}

/// The readiness of the process right now.
pub async fn report(readiness: &Readiness) -> Report {
    let checks = readiness.check().await;
    let fails = |degrades| {
        let mut failed = checks.iter().filter(|check| check.failure.is_some());
        failed.any(|check| check.degrades == degrades)
    };
    let status = if readiness.is_draining() {
        Status::Draining
    } else if fails(false) {
        Status::NotReady
    } else if fails(true) {
        Status::Degraded
    } else {
        Status::Ready
    };
    Report { status, checks }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use prometheus::IntCounter;
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;

    struct World {
        readiness: Readiness,
        registry: Registry,
    }

    impl World {
        fn new() -> Self {
            Self {
                readiness: Readiness::default(),
                registry: Registry::new(),
            }
        }

        async fn get(&self, path: &str) -> (u16, String) {
            let answer = router(self.readiness.clone(), self.registry.clone())
                .oneshot(Request::get(path).body(Body::empty()).unwrap())
                .await
                .unwrap();
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }

        async fn readyz(&self) -> (u16, Value) {
            let (status, body) = self.get("/readyz").await;
            (status, serde_json::from_str(&body).unwrap())
        }
    }

    #[tokio::test]
    async fn readyz_names_the_condition_that_fails() {
        let world = World::new();
        let latch = world.readiness.latch("nats");
        latch.fail("not connected");
        let report = json!({
            "status": "not_ready",
            "checks": [{"name": "nats", "failure": "not connected"}],
        });
        assert_eq!(world.readyz().await, (503, report));
        latch.hold();
        let report = json!({"status": "ready", "checks": [{"name": "nats"}]});
        assert_eq!(world.readyz().await, (200, report));
    }

    #[tokio::test]
    async fn a_process_that_lacks_what_it_can_work_without_is_ready_and_degraded() {
        let world = World::new();
        world.readiness.latch("postgres").hold();
        world.readiness.degraded_latch("nats").fail("not connected");
        let report = json!({
            "status": "degraded",
            "checks": [
                {"name": "postgres"},
                {"name": "nats", "failure": "not connected", "degrades": true},
            ],
        });
        assert_eq!(world.readyz().await, (200, report));
        world.readiness.latch("listener");
        assert_eq!(world.readyz().await.0, 503);
    }

    #[tokio::test]
    async fn a_draining_process_is_alive_but_not_ready() {
        let world = World::new();
        world.readiness.drain();
        let report = json!({"status": "draining", "checks": []});
        assert_eq!(world.readyz().await, (503, report));
        let alive = (200, r#"{"status":"alive"}"#.to_owned());
        assert_eq!(world.get("/healthz").await, alive);
    }

    #[tokio::test]
    async fn metrics_are_in_the_text_format_of_prometheus() {
        let world = World::new();
        let counter = IntCounter::new("galaxy_test_total", "A test").unwrap();
        world.registry.register(Box::new(counter.clone())).unwrap();
        counter.inc_by(3);
        let (status, page) = world.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(page.contains("# TYPE galaxy_test_total counter"), "{page}");
        assert!(page.contains("\ngalaxy_test_total 3\n"), "{page}");
    }

    #[tokio::test]
    async fn the_health_check_says_what_readyz_says() {
        let world = World::new();
        let latch = world.readiness.latch("nats");
        latch.fail("not connected");
        let bound = Bound::bind("TEST", ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let config = OpsConfig {
            listen_addr: bound.address,
        };
        let tasks = galaxy_service::Tasks::new();
        let router = router(world.readiness.clone(), world.registry.clone());
        serve::spawn(&tasks, "ops", bound, router, &serve::Limits::default());
        let ask = || {
            let config = config.clone();
            tokio::task::spawn_blocking(move || config.ask())
        };
        let why = ask().await.unwrap().unwrap_err();
        assert!(
            why.contains("503") && why.contains("not connected"),
            "{why}"
        );
        latch.hold();
        assert_eq!(ask().await.unwrap(), Ok(()));
        assert!(tasks.shut_down(std::time::Duration::from_secs(10)).await);
        let why = ask().await.unwrap().unwrap_err();
        assert!(why.contains("no answer"), "{why}");
    }

    #[tokio::test]
    async fn the_listener_serves_on_the_configured_address() {
        let process = Process {
            name: "test",
            clock: galaxy_core::Clock::system(),
            tasks: galaxy_service::Tasks::new(),
            readiness: Readiness::default(),
        };
        let taken = Bound::bind("TEST", ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let config = OpsConfig {
            listen_addr: taken.address,
        };
        let refusal = listen(config.clone(), process.clone(), Registry::new()).await;
        let message = refusal.unwrap_err().to_string();
        assert!(message.contains("BACKEND_OPS_LISTEN_ADDR"), "{message}");
        drop(taken);
        listen(config, process, Registry::new()).await.unwrap();
    }
}
