//! A log line as one flat JSON object: timestamp, level, service, target, message; the fields of the enclosing spans and of
//! the event; the ids of the trace.

use std::fmt;

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value, json};
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

/// Formats events of the process called by its name. Spans' fields are kept by [`JsonFields`].
pub(super) struct JsonLines(pub &'static str);

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), now().into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("service".to_owned(), self.0.into());
        line.insert("target".to_owned(), metadata.target().into());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                line.extend(serde_json::from_str::<Map<_, _>>(fields).unwrap_or_default());
            }
        }
        // What tells the exporter of spans, not a reader of the log.
        line.retain(|name, _| !name.starts_with("otel."));
        trace(&mut line);
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The line of an error that ends the process called `service`, for what happens before logs are set up.
pub fn fatal(service: &str, message: &str) -> String {
    json!({
        "timestamp": now(),
        "level": "ERROR",
        "service": service,
        "target": module_path!(),
        "message": message,
    })
    .to_string()
}

fn now() -> String {
    let mut text = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// The ids of the recorded trace around the event, if there is one.
fn trace(line: &mut Map<String, Value>) {
    let context = tracing_opentelemetry::OpenTelemetrySpanExt::context(&tracing::Span::current());
    let span = context.span().span_context().clone();
    if span.is_valid() {
        line.insert("trace_id".to_owned(), span.trace_id().to_string().into());
        line.insert("span_id".to_owned(), span.span_id().to_string().into());
    }
}

/// Writes an event's own fields into the line.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn set(&mut self, field: &tracing::field::Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.set(field, json!(value));
    }

    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.set(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Arc};

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use parking_lot::Mutex;
    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        /// The one line that was written since the last call.
        fn line(&self) -> Map<String, Value> {
            let bytes = std::mem::take(&mut *self.0.lock());
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            serde_json::from_str(&text).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Memory {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// Runs `log` with a subscriber that writes to memory; gives the one line that was written.
    fn line(log: impl FnOnce()) -> Map<String, Value> {
        let memory = Memory::default();
        tracing::subscriber::with_default(subscriber(&memory), log);
        memory.line()
    }

    fn subscriber(memory: &Memory) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
        let lines = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines("mailer"))
            .with_writer(memory.clone());
        tracing_subscriber::registry().with(lines)
    }

    #[test]
    fn a_line_has_the_service_the_fields_of_all_spans_and_its_own() {
        let line = line(|| {
            let _outer = tracing::info_span!("outer", request_id = "r-1").entered();
            let _inner = tracing::info_span!("inner", game_id = 7).entered();
            tracing::warn!(attempts = 3, "a \"line\"\nwith a break");
        });
        for (field, value) in [
            ("message", json!("a \"line\"\nwith a break")),
            ("service", json!("mailer")),
            ("level", json!("WARN")),
            ("target", json!(module_path!())),
            ("request_id", json!("r-1")),
            ("game_id", json!(7)),
            ("attempts", json!(3)),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
    }

    #[test]
    fn fields_keep_their_json_types() {
        let line = line(|| {
            tracing::info!(
                text = "a",
                debug = ?Some(1),
                display = %"shown",
                negative = -1_i64,
                large = u64::MAX,
                share = 0.5,
                flag = true,
            );
        });
        for (field, value) in [
            ("text", json!("a")),
            ("debug", json!("Some(1)")),
            ("display", json!("shown")),
            ("negative", json!(-1)),
            ("large", json!(u64::MAX)),
            ("share", json!(0.5)),
            ("flag", json!(true)),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
    }

    #[test]
    fn inner_fields_replace_outer_ones_of_the_same_name() {
        let line = line(|| {
            let _outer = tracing::info_span!("outer", id = 1, kind = "outer").entered();
            let _inner = tracing::info_span!("inner", id = 2).entered();
            tracing::info!(kind = "event");
        });
        assert_eq!((&line["id"], &line["kind"]), (&json!(2), &json!("event")));
    }

    #[test]
    fn a_timestamp_is_an_instant_in_utc() {
        let line = line(|| tracing::info!("now"));
        let text = line["timestamp"].as_str().unwrap();
        let at: jiff::Timestamp = text.parse().unwrap();
        let age = galaxy_core::Clock::system().now().duration_since(at.into());
        assert!(text.ends_with('Z') && age.as_secs().abs() < 60, "{text}");
    }

    /// A scoped subscriber has no current span while it formats a line, so this one is global: nextest runs each test in a
    /// process of its own.
    #[test]
    fn lines_of_a_trace_carry_its_ids_and_others_carry_none() {
        let memory = Memory::default();
        let tracers = SdkTracerProvider::builder().build();
        let spans = tracing_opentelemetry::layer().with_tracer(tracers.tracer("test"));
        tracing::subscriber::set_global_default(subscriber(&memory).with(spans)).unwrap();
        tracing::info_span!("request").in_scope(|| tracing::info!("within"));
        let traced = memory.line();
        assert_eq!(traced["trace_id"].as_str().unwrap().len(), 32);
        assert_eq!(traced["span_id"].as_str().unwrap().len(), 16);
        tracing::info!("outside");
        let outside = memory.line();
        assert!(!outside.contains_key("trace_id") && !outside.contains_key("span_id"));
    }
}
