//! The variables that say what is logged and where traces and metrics go.

use crate::config::{Section, Value, Vars};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Coloured text for people.
    Pretty,
}

/// Where traces and metrics are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exporter {
    /// Nowhere.
    None,
    /// To standard output.
    Console,
    /// To an OTLP collector.
    Otlp,
}

/// The OTLP transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// HTTP with protobuf bodies.
    HttpProtobuf,
}

/// All telemetry settings. Endpoint, headers, sampler and resource attributes are read by OpenTelemetry itself
/// from its standard variables.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Filter in `tracing` syntax: `info,galaxy_api=debug`.
    pub log: Filter,
    /// How log lines look.
    pub format: LogFormat,
    /// Where spans go.
    pub traces: Exporter,
    /// Where metrics go besides `/metrics`.
    pub metrics: Exporter,
    /// How OTLP travels.
    pub protocol: Protocol,
}

/// A log filter that was checked to be one.
#[derive(Debug, Clone)]
pub struct Filter(pub String);

impl Value for Filter {
    const EXPECTED: &'static str = "a log filter such as info or info,sqlx=warn";

    fn parse(text: &str) -> Option<Self> {
        tracing_subscriber::EnvFilter::try_new(text)
            .ok()
            .map(|_| Self(text.to_owned()))
    }
}

impl Value for LogFormat {
    const EXPECTED: &'static str = "json or pretty";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "json" => Some(Self::Json),
            "pretty" => Some(Self::Pretty),
            _ => None,
        }
    }
}

impl Value for Exporter {
    const EXPECTED: &'static str = "otlp, console or none";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "console" => Some(Self::Console),
            "otlp" => Some(Self::Otlp),
            _ => None,
        }
    }
}

impl Value for Protocol {
    const EXPECTED: &'static str = "grpc or http/protobuf";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::HttpProtobuf),
            _ => None,
        }
    }
}

impl Section for TelemetryConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let log = vars.or("BACKEND_LOG", "info", "What is logged, as a tracing filter");
        let format = vars.or(
            "BACKEND_LOG_FORMAT",
            "json",
            "How it is logged: json or pretty",
        );
        let traces = vars.or(
            "OTEL_TRACES_EXPORTER",
            "none",
            "Where spans go: otlp, console or none",
        );
        let metrics = vars.or(
            "OTEL_METRICS_EXPORTER",
            "none",
            "Where metrics go besides /metrics: otlp or none",
        );
        let protocol = vars.or(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "How OTLP travels: grpc or http/protobuf",
        );
        Some(Self {
            log: log?,
            format: format?,
            traces: traces?,
            metrics: metrics?,
            protocol: protocol?,
        })
    }
}
