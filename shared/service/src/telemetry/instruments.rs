//! Instruments with labels: counters whose series are there from the start, gauges whose series come and go.

use std::sync::Arc;

use opentelemetry::{KeyValue, metrics::Counter};
use parking_lot::Mutex;

use super::meter;

/// Boundaries in seconds for requests: up to the longest deadline that a request has by default (32 s at the gateway).
pub const REQUEST_SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 20.0, 40.0,
];

/// A counter by labels whose values are known. Each combination is exported as 0 from the start, so that an alert sees the
/// first event, and a series that is missing is a mistake and not silence. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ClosedCounter<const LABELS: usize>(Arc<Closed<LABELS>>);

#[derive(Debug)]
struct Closed<const LABELS: usize> {
    counter: Counter<u64>,
    labels: [&'static str; LABELS],
}

impl<const LABELS: usize> ClosedCounter<LABELS> {
    /// A counter by `labels`, each with all its values.
    pub fn new(
        name: &'static str,
        description: &'static str,
        labels: [(&'static str, &[&'static str]); LABELS],
    ) -> Self {
        let counter = meter()
            .u64_counter(name)
            .with_description(description)
            .build();
        let closed = Self(Arc::new(Closed {
            counter,
            labels: labels.map(|(label, _)| label),
        }));
        for values in combinations(labels.map(|(_, values)| values)) {
            closed.add(values, 0);
        }
        closed
    }

    /// Counts `count` events; the values are in the order of the labels.
    pub fn add(&self, values: [&'static str; LABELS], count: u64) {
        let mut named = self.0.labels.iter().zip(values);
        let labels: [KeyValue; LABELS] = std::array::from_fn(|_| {
            let (label, value) = named.next().unwrap_or((&"", ""));
            KeyValue::new(*label, value)
        });
        self.0.counter.add(count, &labels);
    }
}

/// Each way to take one value of every list.
fn combinations<const LISTS: usize>(lists: [&[&'static str]; LISTS]) -> Vec<[&'static str; LISTS]> {
    let mut all = vec![[""; LISTS]];
    for (place, values) in lists.iter().enumerate() {
        let mut longer = Vec::with_capacity(all.len() * values.len());
        for begun in &all {
            for value in *values {
                let mut next = *begun;
                next[place] = value;
                longer.push(next);
            }
        }
        all = longer;
    }
    all
}

/// A gauge whose series come and go: each reading replaces the one before, and what it does not name is not exported any
/// more. Cheap to clone; one for each name.
#[derive(Debug, Clone, Default)]
pub struct GaugeTable(Arc<Mutex<Vec<Row>>>);

/// The labels of a series, and its value.
pub type Row = (Vec<KeyValue>, u64);

impl GaugeTable {
    /// Without series.
    pub fn new(name: &'static str, description: &'static str) -> Self {
        let table = Self::default();
        let read = table.clone();
        meter()
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |observer| {
                for (labels, value) in &*read.0.lock() {
                    observer.observe(*value, labels);
                }
            })
            .build();
        table
    }

    /// Shows these series from now on, and no others.
    pub fn replace(&self, rows: Vec<Row>) {
        *self.0.lock() = rows;
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::global;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use prometheus::Registry;

    use super::*;
    use crate::telemetry::Telemetry;

    /// A page of the instruments that are made from now on. The provider is the process's, so that one test makes all.
    fn registry() -> Registry {
        let registry = Registry::new();
        let page = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .unwrap();
        global::set_meter_provider(SdkMeterProvider::builder().with_reader(page).build());
        registry
    }

    /// The lines of a metric without the label of its scope.
    fn series(registry: &Registry, name: &str) -> Vec<String> {
        let page = Telemetry::metrics_page(registry);
        let lines = page.lines().filter(|line| line.starts_with(name));
        let mut lines: Vec<_> = lines
            .map(|line| line.replace(",otel_scope_name=\"galaxy\"", ""))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn counters_begin_at_zero_and_gauges_forget_what_is_gone() {
        let registry = registry();
        let colours: (_, &[_]) = ("colour", &["red", "blue"]);
        let sizes: (_, &[_]) = ("size", &["s", "l"]);
        let counter = ClosedCounter::new("test.shirts", "Shirts", [colours, sizes]);
        counter.add(["blue", "l"], 2);
        assert_eq!(
            series(&registry, "test_shirts_total"),
            [
                r#"test_shirts_total{colour="blue",size="l"} 2"#,
                r#"test_shirts_total{colour="blue",size="s"} 0"#,
                r#"test_shirts_total{colour="red",size="l"} 0"#,
                r#"test_shirts_total{colour="red",size="s"} 0"#,
            ]
        );
        let plain = ClosedCounter::new("test.plain", "Without labels", []);
        plain.add([], 0);
        assert_eq!(series(&registry, "test_plain_total").len(), 1);

        let gauge = GaugeTable::new("test.shops", "Shops");
        let of = |town: &'static str, shops| (vec![KeyValue::new("town", town)], shops);
        gauge.replace(vec![of("Ulm", 3), of("Rom", 1)]);
        assert_eq!(
            series(&registry, "test_shops"),
            [r#"test_shops{town="Rom"} 1"#, r#"test_shops{town="Ulm"} 3"#]
        );
        gauge.replace(vec![of("Rom", 2)]);
        assert_eq!(
            series(&registry, "test_shops"),
            [r#"test_shops{town="Rom"} 2"#]
        );
    }
}
