//! Logs, traces and metrics of a process, and the trace context that travels with events.
//!
//! Logs go to standard output, a line each. Traces go where the standard `OTEL_*` variables say. Metrics are one set of
//! OpenTelemetry instruments ([`meter`]) with two exporters: the `/metrics` page and, if configured, OTLP.

mod config;
mod console;
mod context;
pub(crate) mod lines;
mod setup;

pub use config::{LogFormat, TelemetryConfig};
pub use context::{parent_from, traceparent};
pub use setup::{SetupError, Telemetry};

/// The process's instruments are made here. Names are dotted; Prometheus shows them with underscores.
pub fn meter() -> opentelemetry::metrics::Meter {
    opentelemetry::global::meter("galaxy")
}
