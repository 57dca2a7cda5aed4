//! Installs the subscriber and the providers at start, and flushes them at the end.

use opentelemetry::{KeyValue, global, trace::TracerProvider as _};
use opentelemetry_otlp::{
    MetricExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig,
};
use opentelemetry_sdk::{
    Resource, metrics::SdkMeterProvider, propagation::TraceContextPropagator,
    trace::SdkTracerProvider,
};
use prometheus::{Registry, TextEncoder};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt::format::JsonFields, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    config::{Exporter, LogFormat, Protocol, TelemetryConfig},
    console::ConsoleSpans,
    lines::JsonLines,
};

/// Telemetry could not be set up; the message says which part.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An OTLP exporter was refused, mostly for its endpoint.
    #[error("the OTLP exporter cannot be made: {0}; check OTEL_EXPORTER_OTLP_ENDPOINT")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
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
    tracers: Option<SdkTracerProvider>,
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
            .build();
        let registry = Registry::new();
        let meters = meter_provider(config, &registry, resource.clone())?;
        global::set_meter_provider(meters.clone());
        global::set_text_map_propagator(TraceContextPropagator::new());

        let tracers = tracer_provider(config, resource)?;
        let spans = tracers
            .as_ref()
            .map(|tracers| tracing_opentelemetry::layer().with_tracer(tracers.tracer("galaxy")));
        let lines = match config.format {
            LogFormat::Json => tracing_subscriber::fmt::layer()
                .fmt_fields(JsonFields::new())
                .event_format(JsonLines(service))
                .boxed(),
            LogFormat::Pretty => tracing_subscriber::fmt::layer().boxed(),
        };
        tracing_subscriber::registry()
            .with(EnvFilter::new(&config.log.0))
            .with(filter_fn(may_be_logged))
            .with(spans)
            .with(lines)
            .try_init()?;
        build_info(service);
        Ok(Self {
            registry,
            meters,
            tracers,
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

    /// Sends what is not sent yet. Blocks; at most some seconds if the collector is away.
    pub fn flush(&self) {
        if let Some(tracers) = &self.tracers {
            let _ = tracers.shutdown();
        }
        let _ = self.meters.shutdown();
    }
}

fn build_info(service: &'static str) {
    super::meter()
        .u64_gauge("galaxy.build.info")
        .with_description("Which build runs")
        .build()
        .record(
            1,
            &[
                KeyValue::new("service", service),
                KeyValue::new("version", env!("CARGO_PKG_VERSION")),
            ],
        );
}

fn tracer_provider(
    config: &TelemetryConfig,
    resource: Resource,
) -> Result<Option<SdkTracerProvider>, SetupError> {
    let builder = SdkTracerProvider::builder().with_resource(resource);
    Ok(match (config.traces, config.protocol) {
        (Exporter::None, _) => None,
        (Exporter::Console, _) => Some(builder.with_batch_exporter(ConsoleSpans).build()),
        (Exporter::Otlp, Protocol::Grpc) => Some(
            builder
                .with_batch_exporter(SpanExporter::builder().with_tonic().build()?)
                .build(),
        ),
        (Exporter::Otlp, Protocol::HttpProtobuf) => {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_protocol(OtlpProtocol::HttpBinary)
                .build()?;
            Some(builder.with_batch_exporter(exporter).build())
        }
    })
}

fn meter_provider(
    config: &TelemetryConfig,
    registry: &Registry,
    resource: Resource,
) -> Result<SdkMeterProvider, SetupError> {
    let page = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .build()
        .map_err(|error| SetupError::Metrics(error.to_string()))?;
    let builder = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(page);
    Ok(match (config.metrics, config.protocol) {
        // There is no console exporter of metrics; a developer reads the /metrics page.
        (Exporter::None | Exporter::Console, _) => builder,
        (Exporter::Otlp, Protocol::Grpc) => {
            builder.with_periodic_exporter(MetricExporter::builder().with_tonic().build()?)
        }
        (Exporter::Otlp, Protocol::HttpProtobuf) => {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_protocol(OtlpProtocol::HttpBinary)
                .build()?;
            builder.with_periodic_exporter(exporter)
        }
    }
    .build())
}
