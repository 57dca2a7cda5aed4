//! Trace context as headers and events carry it: the `traceparent` of W3C Trace Context.

use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The current span as a `traceparent`, recorded or not; `None` outside of a span.
pub fn traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}

/// Whether a `traceparent` belongs to a trace that is recorded, by its flags.
pub fn is_recorded(traceparent: &str) -> bool {
    parse(traceparent).is_some_and(|span| span.is_sampled())
}

/// Marks `span` as one that failed.
pub fn failed(span: &tracing::Span) {
    span.set_status(Status::error(""));
}

/// Links `span` to the span that a caller named in `traceparent` who has no say in which trace it belongs to. A malformed one is
/// ignored.
pub fn link(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(remote) = traceparent.and_then(parse) {
        span.add_link(remote);
    }
}

/// Makes `span` a child of the span that `traceparent` names. A malformed one is ignored.
pub fn parent_from(span: &tracing::Span, traceparent: Option<&str>) {
    if let Some(remote) = traceparent.and_then(parse) {
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
    }
}

fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2
        || version == "ff"
        || trace.len() != 32
        || span.len() != 16
        || flags.len() != 2
    {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_followed() {
        assert!(parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_some());
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-zzf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    /// Runs `test` where spans are recorded.
    fn traced(test: impl FnOnce()) {
        let tracers = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(tracers.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), test);
    }

    const REMOTE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_span_with_a_remote_parent_continues_its_trace() {
        traced(|| {
            let span = tracing::info_span!("event");
            parent_from(&span, Some(REMOTE));
            let here = span.in_scope(traceparent).unwrap();
            let parts =
                |text: &str| -> Vec<String> { text.split('-').map(str::to_owned).collect() };
            let (here, remote) = (parts(&here), parts(REMOTE));
            assert_eq!((&here[1], &here[3]), (&remote[1], &remote[3]));
            assert_ne!(here[2], remote[2], "the span is another one");
        });
    }

    #[test]
    fn a_span_without_a_valid_parent_begins_a_trace() {
        traced(|| {
            for parent in [None, Some("nonsense")] {
                let span = tracing::info_span!("event");
                parent_from(&span, parent);
                let here = span.in_scope(traceparent).unwrap();
                assert!(parse(&here).is_some(), "{here}");
            }
        });
    }

    #[test]
    fn there_is_no_traceparent_outside_of_a_trace() {
        assert_eq!(traceparent(), None);
        traced(|| assert_eq!(traceparent(), None));
    }
}
