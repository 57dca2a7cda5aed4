//! Installs the subscriber and the providers at start, and flushes them at the end.

use std::sync::Arc;

use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use prometheus::{Registry, TextEncoder};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt::format::JsonFields, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    config::{Exporter, LogFormat, TelemetryConfig},
    console::ConsoleSpans,
    counted::{self, Counted, Outcomes},
    lines::JsonLines,
    otlp::{self, OtlpError},
    output::Output,
};

/// Telemetry could not be set up; the message says which part.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An OTLP exporter was refused.
    #[error("the OTLP exporter cannot be made: {0}")]
    Otlp(#[from] OtlpError),
    /// The metrics page could not be made.
    #[error("the metrics registry cannot be made: {0}")]
    Metrics(String),
    /// A subscriber is installed already.
    #[error("logging is set up twice: {0}")]
    Logs(#[from] tracing_subscriber::util::TryInitError),
}

/// The running telemetry of a process.
pub struct Telemetry {
    registry: Registry,
    meters: SdkMeterProvider,
    tracers: SdkTracerProvider,
    output: Output,
}

/// Whether something may be logged at all. The client of Docker writes whole requests at `debug`, the tokens of engines among
/// them, so that nothing of it below `info` is logged whatever is asked for.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("bollard") || *metadata.level() <= Level::INFO
}

impl Telemetry {
    /// Installs logs, traces and metrics for the process called `service`. Once a process.
    pub fn install(service: &'static str, config: &TelemetryConfig) -> Result<Self, SetupError> {
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(super::process_metrics::instance_id())
            .build();
        let registry = super::process_metrics::registry(service)
            .map_err(|error| SetupError::Metrics(error.to_string()))?;
        let sent = [Outcomes::of("traces"), Outcomes::of("metrics")];
        let [of_traces, of_metrics] = sent.clone();
        let meters = meter_provider(config, &registry, resource.clone(), of_metrics)?;
        global::set_meter_provider(meters.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());
        counted::show(sent.into());

        let tracers = tracer_provider(config, resource, of_traces)?;
        // Each of these would add attributes to every span, which cost requests time whether spans are sent or not.
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracers.tracer("galaxy"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        let output = Output::stdout();
        let lines = match config.format {
            LogFormat::Json => tracing_subscriber::fmt::layer()
                .fmt_fields(JsonFields::new())
                .event_format(JsonLines(service))
                .with_writer(output.writer())
                .boxed(),
            LogFormat::Pretty => tracing_subscriber::fmt::layer()
                .with_writer(output.writer())
                .boxed(),
        };
        tracing_subscriber::registry()
            .with(EnvFilter::new(&config.log.0))
            .with(filter_fn(may_be_logged))
            .with(spans)
            .with(lines)
            .try_init()?;
        build_info();
        Ok(Self {
            registry,
            meters,
            tracers,
            output,
        })
    }

    /// The `/metrics` page in Prometheus' text format.
    pub fn metrics_page(registry: &Registry) -> String {
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap_or_default()
    }

    /// The registry of the instruments of [`super::meter`].
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Sends and writes what is not yet. Blocks; at most some seconds if the collector is away or nobody reads the log.
    pub fn flush(self) {
        let _ = self.tracers.shutdown();
        let _ = self.meters.shutdown();
        drop(self.output);
    }
}

fn build_info() {
    super::meter()
        .u64_gauge("galaxy.build.info")
        .with_description("Which build runs")
        .build()
        .record(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
}

/// Without an exporter no span is recorded, but each has its ids: log lines and events carry them.
fn tracer_provider(
    config: &TelemetryConfig,
    resource: Resource,
    outcomes: Arc<Outcomes>,
) -> Result<SdkTracerProvider, SetupError> {
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let builder = match config.traces {
        Exporter::None => builder.with_sampler(Sampler::AlwaysOff),
        Exporter::Console => builder.with_batch_exporter(ConsoleSpans),
        Exporter::Otlp => builder.with_batch_exporter(Counted {
            exporter: otlp::spans(&config.otlp)?,
            outcomes,
        }),
    };
    Ok(builder.build())
}

fn meter_provider(
    config: &TelemetryConfig,
    registry: &Registry,
    resource: Resource,
    outcomes: Arc<Outcomes>,
) -> Result<SdkMeterProvider, SetupError> {
    let page = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .build()
        .map_err(|error| SetupError::Metrics(error.to_string()))?;
    let builder = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(page);
    let builder = match config.metrics {
        // There is no console exporter of metrics; a developer reads the /metrics page.
        Exporter::None | Exporter::Console => builder,
        Exporter::Otlp => builder.with_periodic_exporter(Counted {
            exporter: otlp::metrics(&config.otlp)?,
            outcomes,
        }),
    };
    Ok(builder.build())
}
