//! One trace from a signed request through all processes to the mail and back to the gateway, as a collector receives it.

mod collector;

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result};
use galaxy_http_client::{HttpClient, Limits};
use galaxy_scenarios::{Authority, Player, Table, eventually};
use galaxy_stack::{Service, Stack, StackOptions};
use http::Request;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};

use self::collector::{Collector, HEADER};

const WITHIN: Duration = Duration::from_secs(30);

/// What a decision about an application causes, from its first span: process, span and kind.
const WAY: [(&str, &str, SpanKind); 8] = [
    ("gateway", "signed_request", SpanKind::Server),
    ("gateway", "POST", SpanKind::Client),
    (
        "api",
        "POST /api/v1/user/lobby/games/{game_id}/applications/{application_id}/approve",
        SpanKind::Server,
    ),
    ("api", "publish", SpanKind::Producer),
    ("notifier", "event", SpanKind::Consumer),
    ("mailer", "mail.send", SpanKind::Consumer),
    ("mailer", "smtp", SpanKind::Client),
    ("gateway", "push_event", SpanKind::Consumer),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_over_grpc() -> Result<()> {
    let collector = Collector::start(None).await?;
    let options = exporting(&format!("http://{}", collector.address), "grpc")?;
    is_one_trace(&collector, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_over_grpc_with_tls_of_a_private_authority() -> Result<()> {
    through_tls("grpc").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_trace_over_http_with_tls_of_a_private_authority() -> Result<()> {
    through_tls("http/protobuf").await
}

async fn through_tls(protocol: &str) -> Result<()> {
    let authority = Authority::new()?;
    authority.sign_server("collector")?;
    let collector = Collector::start(Some(&authority)).await?;
    let options = exporting(&format!("https://{}", collector.address), protocol)?;
    let root = authority.root().display().to_string();
    let options = options.env("OTEL_EXPORTER_OTLP_CERTIFICATE", &root);
    is_one_trace(&collector, options).await
}

fn exporting(endpoint: &str, protocol: &str) -> Result<StackOptions> {
    Ok(StackOptions::for_test()?
        .env("OTEL_TRACES_EXPORTER", "otlp")
        .env("OTEL_METRICS_EXPORTER", "otlp")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            &format!("{}={}", HEADER.0, HEADER.1),
        )
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "500"))
}

/// The owner of a game approves an application: the applicant gets an event and a mail.
async fn is_one_trace(collector: &Collector, options: StackOptions) -> Result<()> {
    let mut stack = Stack::start(options).await?;
    let file = stack.file()?;
    let players = vec![
        Player::sign_in(&file, "ada", "ada@example.org").await?,
        Player::sign_in(&file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "Traced").await?;
    table.seat(1, "Vegans").await?;
    let trace = eventually("a whole trace arrived", WITHIN, async || {
        let traces = by_trace(collector.spans().await);
        Ok(traces.into_values().find(is_whole))
    });
    let trace = trace.await?;
    descends(&trace)?;
    let failed = trace.iter().filter(|(_, span)| is_failed(span));
    assert_eq!(failed.count(), 0, "nothing of it failed");
    let all: Vec<String> = Service::ALL.iter().map(ToString::to_string).collect();
    eventually("metrics of all processes arrived", WITHIN, async || {
        let measured = collector.measured().await;
        Ok(all
            .iter()
            .all(|service| measured.contains(service))
            .then_some(()))
    })
    .await?;
    stack.stop().await
}

type Trace = Vec<(String, Span)>;

fn by_trace(spans: Trace) -> HashMap<Vec<u8>, Trace> {
    let mut traces: HashMap<_, Trace> = HashMap::new();
    for (service, span) in spans {
        let trace = traces.entry(span.trace_id.clone()).or_default();
        trace.push((service, span));
    }
    traces
}

fn is_whole(trace: &Trace) -> bool {
    WAY.iter().all(|wanted| find(trace, *wanted).is_some())
}

fn find<'a>(trace: &'a Trace, (of, name, kind): (&str, &str, SpanKind)) -> Option<&'a Span> {
    let mut spans = trace.iter();
    let found =
        spans.find(|(service, span)| service == of && span.name == name && span.kind() == kind);
    found.map(|(_, span)| span)
}

/// Every span of the way leads to the first one, which has no parent.
fn descends(trace: &Trace) -> Result<()> {
    let spans: HashMap<&[u8], &Span> = trace.iter().map(|(_, s)| (&s.span_id[..], s)).collect();
    let first = find(trace, WAY[0]).context("there is no first span")?;
    assert!(first.parent_span_id.is_empty(), "the gateway begins it");
    for wanted in WAY {
        let mut at = find(trace, wanted).with_context(|| format!("{wanted:?}"))?;
        while !at.parent_span_id.is_empty() {
            let parent = spans.get(&at.parent_span_id[..]);
            at = parent.with_context(|| format!("{wanted:?}: {} has no parent", at.name))?;
        }
        assert_eq!(at.span_id, first.span_id, "{wanted:?}");
    }
    Ok(())
}

fn is_failed(span: &Span) -> bool {
    let status = span.status.as_ref();
    status.is_some_and(|status| status.code() == StatusCode::Error)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_failures_are_counted_logged_once_and_nobody_waits() -> Result<()> {
    // A port that nobody listens on: bound, and closed again.
    let unused = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut stack = Stack::start(exporting(&format!("http://{unused}"), "http/protobuf")?).await?;
    let file = stack.file()?;
    Player::sign_in(&file, "ada", "ada@example.org").await?;
    let client = HttpClient::new(Limits::default());
    let url = format!("{}/metrics", file.ops["api"]);
    eventually("failures are counted", WITHIN, async || {
        let request = Request::get(&url).body(bytes::Bytes::new())?;
        let page = client.send(request).await?.into_body();
        let page = String::from_utf8_lossy(&page).into_owned();
        let failed = page.lines().find_map(|line| {
            let count = line.strip_prefix("galaxy_telemetry_exports_total{")?;
            let (labels, count) = count.split_once("} ")?;
            let wanted = ["outcome=\"failed\"", "signal=\"traces\""];
            wanted
                .iter()
                .all(|label| labels.contains(label))
                .then_some(count)?
                .parse::<f64>()
                .ok()
        });
        Ok(failed.filter(|count| *count >= 3.0))
    })
    .await?;
    let log = std::fs::read_to_string(stack.process("api")?.log())?;
    let said = log
        .lines()
        .filter(|line| line.contains("telemetry cannot be sent") && line.contains("\"traces\""));
    assert_eq!(said.count(), 1, "{log}");
    assert!(!log.contains("panic"), "{log}");
    stack.stop().await
}
