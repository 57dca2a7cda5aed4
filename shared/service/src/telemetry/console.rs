//! Spans on the console, for development: a JSON line each, on standard error, since standard output has the log.

use std::io::Write;

use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

/// Writes finished spans as lines.
#[derive(Debug)]
pub(super) struct ConsoleSpans;

impl SpanExporter for ConsoleSpans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut out = std::io::stderr().lock();
        for span in batch {
            writeln!(out, "{}", line(&span))
                .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?;
        }
        Ok(())
    }
}

fn line(span: &SpanData) -> serde_json::Value {
    let elapsed = span
        .end_time
        .duration_since(span.start_time)
        .unwrap_or_default();
    let attributes: serde_json::Map<_, _> = span
        .attributes
        .iter()
        .map(|attribute| {
            (
                attribute.key.to_string(),
                attribute.value.to_string().into(),
            )
        })
        .collect();
    serde_json::json!({
        "span": span.name,
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": span.parent_span_id.to_string(),
        "elapsed_ms": elapsed.as_secs_f64() * 1_000.0,
        "attributes": attributes,
    })
}
