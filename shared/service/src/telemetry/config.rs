//! The variables that say what is logged and where traces and metrics go.

use std::path::PathBuf;

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

/// How OTLP reaches the collector.
#[derive(Debug, Clone)]
pub struct OtlpConfig {
    /// How it travels.
    pub protocol: Protocol,
    /// Where to, for all signals; the protocol's port on this machine if absent.
    pub endpoint: Option<CollectorUrl>,
    /// Where traces go instead.
    pub traces_endpoint: Option<CollectorUrl>,
    /// Where metrics go instead.
    pub metrics_endpoint: Option<CollectorUrl>,
    /// Authorities that are trusted besides the system's, as a PEM file.
    pub certificate: Option<PathBuf>,
}

impl OtlpConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let protocol = vars.or(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "How OTLP travels: grpc or http/protobuf",
        );
        let endpoint = vars.optional(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "The collector, as http:// or https:// and host and port; 4317 (grpc) or 4318 of this machine if not set",
        );
        let traces_endpoint = vars.optional(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "Where traces go instead",
        );
        let metrics_endpoint = vars.optional(
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "Where metrics go instead",
        );
        let certificate = vars.optional(
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "A PEM file of authorities that the collector's certificate may come from, besides the system's",
        );
        Some(Self {
            protocol: protocol?,
            endpoint: endpoint?,
            traces_endpoint: traces_endpoint?,
            metrics_endpoint: metrics_endpoint?,
            certificate: certificate?,
        })
    }

    /// Whether the collector that takes `of_signal`, or everything, is reached through TLS.
    pub(super) fn is_tls(&self, of_signal: Option<&CollectorUrl>) -> bool {
        let endpoint = of_signal.or(self.endpoint.as_ref());
        endpoint.is_some_and(|url| url.0.scheme_str() == Some("https"))
    }
}

/// The URL of a collector.
#[derive(Debug, Clone)]
pub struct CollectorUrl(pub http::Uri);

impl Value for CollectorUrl {
    const EXPECTED: &'static str = "a URL such as http://collector:4317";

    fn parse(text: &str) -> Option<Self> {
        let url: http::Uri = text.parse().ok()?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        (known && url.host().is_some()).then_some(Self(url))
    }
}

/// All telemetry settings. Headers, timeout, sampler and resource attributes are read by OpenTelemetry itself from its standard
/// variables.
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
    /// How the collector is reached.
    pub otlp: OtlpConfig,
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
        let otlp = OtlpConfig::read(vars);
        Some(Self {
            log: log?,
            format: format?,
            traces: traces?,
            metrics: metrics?,
            otlp: otlp?,
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
        assert_eq!(config.otlp.protocol, Protocol::Grpc);
        assert!(!config.otlp.is_tls(None));
    }

    #[test]
    fn every_setting_can_be_chosen() {
        let (config, _) = read(&[
            ("BACKEND_LOG", "warn,galaxy_api=debug"),
            ("BACKEND_LOG_FORMAT", "pretty"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                "http://prometheus:9090/otlp",
            ),
        ]);
        let config = config.unwrap();
        assert_eq!(config.log.0, "warn,galaxy_api=debug");
        assert_eq!(config.format, LogFormat::Pretty);
        assert_eq!(
            (config.traces, config.metrics),
            (Exporter::Console, Exporter::Otlp)
        );
        assert_eq!(config.otlp.protocol, Protocol::HttpProtobuf);
        let of_metrics = config.otlp.metrics_endpoint.as_ref();
        assert!(config.otlp.is_tls(None) && !config.otlp.is_tls(of_metrics));
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let (config, wrong) = read(&[
            ("BACKEND_LOG", "galaxy=[loud"),
            ("BACKEND_LOG_FORMAT", "JSON"),
            ("OTEL_TRACES_EXPORTER", "jaeger"),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"),
        ]);
        assert!(config.is_none());
        assert_eq!(wrong.len(), 7, "{wrong:?}");
    }
}
