//! Logs, traces and metrics of a process, and the trace context that travels with events.
//!
//! Logs go to standard output, a line each. Traces go where the standard `OTEL_*` variables say. Metrics are one set of
//! OpenTelemetry instruments ([`meter`]) with two exporters: the `/metrics` page and, if configured, OTLP.

mod config;
mod console;
mod context;
mod counted;
mod instruments;
pub(crate) mod lines;
mod otlp;
mod otlp_http;
mod output;
mod process_metrics;
mod setup;

pub use config::{LogFormat, TelemetryConfig};
pub use context::{failed, is_recorded, link, parent_from, traceparent};
pub use instruments::{ClosedCounter, GaugeTable, REQUEST_SECONDS, Row};
pub use setup::{SetupError, Telemetry};

/// The process's instruments are made here. Names are dotted; Prometheus shows them with underscores.
pub fn meter() -> opentelemetry::metrics::Meter {
    opentelemetry::global::meter("galaxy")
}
