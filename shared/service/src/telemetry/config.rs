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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        set: &'static [(&'static str, &'static str)],
    ) -> (Option<TelemetryConfig>, Vec<String>) {
        let mut vars = Vars::from_lookup(|name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, text)| (*text).to_owned())
        });
        let config = TelemetryConfig::read(&mut vars);
        let wrong = vars.problems().iter();
        (config, wrong.map(|p| p.variable.to_string()).collect())
    }

    #[test]
    fn by_default_lines_are_json_and_nothing_is_exported() {
        let (config, wrong) = read(&[]);
        let config = config.unwrap();
        assert_eq!(wrong, [""; 0]);
        assert_eq!(
            (config.log.0.as_str(), config.format),
            ("info", LogFormat::Json)
        );
        assert_eq!(
            (config.traces, config.metrics),
            (Exporter::None, Exporter::None)
        );
        assert_eq!(config.protocol, Protocol::Grpc);
    }

    #[test]
    fn every_setting_can_be_chosen() {
        let (config, _) = read(&[
            ("BACKEND_LOG", "warn,galaxy_api=debug"),
            ("BACKEND_LOG_FORMAT", "pretty"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.log.0, "warn,galaxy_api=debug");
        assert_eq!(config.format, LogFormat::Pretty);
        assert_eq!(
            (config.traces, config.metrics),
            (Exporter::Console, Exporter::Otlp)
        );
        assert_eq!(config.protocol, Protocol::HttpProtobuf);
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let (config, wrong) = read(&[
            ("BACKEND_LOG", "galaxy=[loud"),
            ("BACKEND_LOG_FORMAT", "JSON"),
            ("OTEL_TRACES_EXPORTER", "jaeger"),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ]);
        assert!(config.is_none());
        assert_eq!(wrong.len(), 5, "{wrong:?}");
    }
}
