//! Exports that are counted, and whose failures are logged once a minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, metrics::AsyncInstrument};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{SpanData, SpanExporter},
};
use parking_lot::Mutex;

use super::meter;

const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// How the exports of one signal ended.
#[derive(Debug)]
pub(super) struct Outcomes {
    signal: &'static str,
    done: AtomicU64,
    failed: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

impl Outcomes {
    pub(super) fn of(signal: &'static str) -> Arc<Self> {
        Arc::new(Self {
            signal,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            logged: Mutex::new(None),
        })
    }

    fn record(&self, result: &OTelSdkResult) {
        let Err(error) = result else {
            self.done.fetch_add(1, Relaxed);
            return;
        };
        self.failed.fetch_add(1, Relaxed);
        let mut logged = self.logged.lock();
        if logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
            *logged = Some(Instant::now());
            drop(logged);
            tracing::warn!(
                signal = self.signal,
                failed = self.failed.load(Relaxed),
                %error,
                "telemetry cannot be sent; is the collector up, and is OTEL_EXPORTER_OTLP_ENDPOINT right?"
            );
        }
    }

    fn observe(&self, counter: &dyn AsyncInstrument<u64>) {
        for (outcome, count) in [("done", &self.done), ("failed", &self.failed)] {
            let labels = [
                KeyValue::new("signal", self.signal),
                KeyValue::new("outcome", outcome),
            ];
            counter.observe(count.load(Relaxed), &labels);
        }
    }
}

/// Shows `outcomes` among the metrics. Call it once the process's meter provider is installed.
pub(super) fn show(outcomes: Vec<Arc<Outcomes>>) {
    meter()
        .u64_observable_counter("galaxy.telemetry.exports")
        .with_description("Batches of telemetry sent to the collector, by signal and outcome")
        .with_callback(move |counter| {
            for outcomes in &outcomes {
                outcomes.observe(counter);
            }
        })
        .build();
}

/// An exporter whose exports are counted.
#[derive(Debug)]
pub(super) struct Counted<E> {
    pub exporter: E,
    pub outcomes: Arc<Outcomes>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        self.outcomes.record(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        self.outcomes.record(&result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
