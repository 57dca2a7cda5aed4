//! The exporters to an OTLP collector, over gRPC and over HTTP, with TLS where the endpoint says `https`.
//!
//! Endpoint, headers, timeout and compression are read by OpenTelemetry from its standard variables.

use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig,
    WithHttpConfig, WithTonicConfig,
    tonic_types::transport::{Certificate, ClientTlsConfig},
};

use super::{
    config::{OtlpConfig, Protocol},
    otlp_http::{OtlpHttp, TlsError},
};

/// Why there is no exporter.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// OpenTelemetry refuses its settings, mostly the endpoint.
    #[error("{0}; check OTEL_EXPORTER_OTLP_ENDPOINT")]
    Settings(#[from] ExporterBuildError),
    /// The certificates cannot be used.
    #[error("{0}; check OTEL_EXPORTER_OTLP_CERTIFICATE")]
    Tls(#[from] TlsError),
}

/// One exporter by the settings. The builders of spans and of metrics have the same methods and no common trait.
macro_rules! exporter {
    ($exporter:ident, $config:expr, $endpoint:expr) => {
        match $config.protocol {
            Protocol::Grpc if $config.is_tls($endpoint) => $exporter::builder()
                .with_tonic()
                .with_tls_config(tls($config)?)
                .build()?,
            Protocol::Grpc => $exporter::builder().with_tonic().build()?,
            Protocol::HttpProtobuf => $exporter::builder()
                .with_http()
                .with_protocol(OtlpProtocol::HttpBinary)
                .with_http_client(OtlpHttp::new($config.certificate.as_deref())?)
                .build()?,
        }
    };
}

/// The exporter of spans.
pub(super) fn spans(config: &OtlpConfig) -> Result<SpanExporter, OtlpError> {
    let endpoint = config.traces_endpoint.as_ref();
    Ok(exporter!(SpanExporter, config, endpoint))
}

/// The exporter of metrics.
pub(super) fn metrics(config: &OtlpConfig) -> Result<MetricExporter, OtlpError> {
    let endpoint = config.metrics_endpoint.as_ref();
    Ok(exporter!(MetricExporter, config, endpoint))
}

fn tls(config: &OtlpConfig) -> Result<ClientTlsConfig, TlsError> {
    let tls = ClientTlsConfig::new().with_native_roots();
    Ok(match &config.certificate {
        Some(path) => tls.ca_certificate(Certificate::from_pem(
            std::fs::read(path).map_err(TlsError::Unreadable)?,
        )),
        None => tls,
    })
}
