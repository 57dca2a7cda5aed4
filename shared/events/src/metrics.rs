//! What is measured of the outbox, the streams, the consumers and the connection to NATS. Figures from the database or the broker
//! are read by a periodic task, and are the same in every process that shows them.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::consumer::pull;
use galaxy_core::Clock;
use galaxy_service::{
    Process,
    telemetry::{ClosedCounter, meter},
};
use galaxy_store::Db;
use opentelemetry::{KeyValue, metrics::Gauge};

use crate::{
    Nats, inbox, relay,
    streams::{EVENTS, PUSH},
};

const PERIOD: Duration = Duration::from_secs(15);
/// What a consumer can make of an event.
const OUTCOMES: &[&str] = &[
    "applied",
    "duplicate",
    "postponed",
    "given_up",
    "unreadable",
    "failed",
    "panicked",
];

/// Shows the state of the connection from now on. Once a process.
pub(crate) fn observe_connection(nats: &Nats) {
    let observed = nats.clone();
    meter()
        .u64_observable_gauge("galaxy.nats.connected")
        .with_description("1 while there is a connection to NATS")
        .with_callback(move |observer| observer.observe(observed.is_connected().into(), &[]))
        .build();
    let connections = nats.connections();
    meter()
        .u64_observable_counter("galaxy.nats.connections")
        .with_description("Connections to NATS made since the start")
        .with_callback(move |observer| observer.observe(*connections.borrow(), &[]))
        .build();
}

/// What a relay counts of its work.
#[derive(Debug, Clone)]
pub(crate) struct RelayCounters {
    /// Looks at the outbox that published all there was, or failed.
    passes: ClosedCounter<1>,
    republish_runs: ClosedCounter<1>,
    republished: ClosedCounter<1>,
}

impl RelayCounters {
    pub(crate) fn new() -> Self {
        let streams: [(_, &[_]); 1] = [("stream", &[EVENTS, PUSH])];
        Self {
            passes: ClosedCounter::new(
                "galaxy.outbox.relay.passes",
                "Looks of the relay at the outbox, by outcome",
                [("outcome", &["done", "failed"])],
            ),
            republish_runs: ClosedCounter::new(
                "galaxy.outbox.republish.runs",
                "Times a stream had lost data and its events were published again",
                streams,
            ),
            republished: ClosedCounter::new(
                "galaxy.outbox.republished",
                "Events published again since their stream had lost data",
                streams,
            ),
        }
    }

    /// A look at the outbox ended.
    pub(crate) fn pass(&self, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.passes.add([outcome], 1);
    }

    /// The events of `stream` were marked to be published again.
    pub(crate) fn republished(&self, stream: &str, events: u64) {
        let stream = if stream == PUSH { PUSH } else { EVENTS };
        self.republish_runs.add([stream], 1);
        self.republished.add([stream], events);
    }
}

/// The outbox, the inbox and the streams, as a relay's process measures them.
struct Measured {
    db: Db,
    nats: Nats,
    clock: Clock,
    depth: Gauge<u64>,
    age: Gauge<f64>,
    inbox: Gauge<u64>,
    messages: Gauge<u64>,
    bytes: Gauge<u64>,
}

/// Starts measuring the outbox, the inbox and the streams. Once a process.
pub(crate) fn measure(process: &Process, db: &Db, nats: &Nats) {
    let gauge = |name, about| meter().u64_gauge(name).with_description(about).build();
    let measured = Arc::new(Measured {
        db: db.clone(),
        nats: nats.clone(),
        clock: process.clock.clone(),
        depth: gauge(
            "galaxy.outbox.depth",
            "Events that are not published, counted up to 100,000",
        ),
        age: meter()
            .f64_gauge("galaxy.outbox.age")
            .with_unit("s")
            .with_description("How long ago the oldest event that is not published was written")
            .build(),
        inbox: gauge(
            "galaxy.inbox.rows",
            "Applied events that are remembered, as Postgres estimates it",
        ),
        messages: gauge("galaxy.stream.messages", "Messages in a stream, by stream"),
        bytes: meter()
            .u64_gauge("galaxy.stream.size")
            .with_unit("By")
            .with_description("Bytes of a stream, by stream")
            .build(),
    });
    process.tasks.every("delivery_metrics", PERIOD, move || {
        let measured = measured.clone();
        async move {
            if let Err(error) = measured.database().await {
                tracing::debug!(%error, "the outbox cannot be measured");
            }
            if let Err(error) = measured.streams().await {
                tracing::debug!(%error, "the streams cannot be measured");
            }
        }
    });
}

impl Measured {
    async fn database(&self) -> galaxy_store::Result<()> {
        let (waiting, oldest) = relay::backlog(&self.db).await?;
        let age = oldest.map(|oldest| self.clock.now().duration_since(oldest).as_secs_f64());
        self.depth.record(waiting.unsigned_abs(), &[]);
        self.age.record(age.unwrap_or_default().max(0.0), &[]);
        self.inbox
            .record(inbox::estimated_rows(&self.db).await?, &[]);
        Ok(())
    }

    async fn streams(&self) -> Result<(), async_nats::Error> {
        for name in [EVENTS, PUSH] {
            let stream = self.nats.jetstream().get_stream(name).await?;
            let state = &stream.cached_info().state;
            let labels = [KeyValue::new("stream", name)];
            self.messages.record(state.messages, &labels);
            self.bytes.record(state.bytes, &labels);
        }
        Ok(())
    }
}

/// What a consumer's loops count.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerCounters {
    name: &'static str,
    events: ClosedCounter<2>,
    redeliveries: ClosedCounter<1>,
}

impl ConsumerCounters {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            events: ClosedCounter::new(
                "galaxy.consumer.events",
                "Events handled by a consumer, by outcome",
                [("consumer", &[name]), ("outcome", OUTCOMES)],
            ),
            redeliveries: ClosedCounter::new(
                "galaxy.consumer.redeliveries",
                "Events that were delivered to a consumer again",
                [("consumer", &[name])],
            ),
        }
    }

    /// An event was handled in its `delivery`, counted from 1.
    pub(crate) fn handled(&self, outcome: &'static str, delivery: i64) {
        self.events.add([self.name, outcome], 1);
        if delivery > 1 {
            self.redeliveries.add([self.name], 1);
        }
    }
}

/// Starts asking the broker how many events wait for the durable consumer `name`. Once for each.
pub(crate) fn measure_consumer(process: &Process, nats: &Nats, name: &'static str) {
    let gauge = |name, about| meter().u64_gauge(name).with_description(about).build();
    let pending = gauge(
        "galaxy.consumer.pending",
        "Events that were not delivered to a consumer yet",
    );
    let in_flight = gauge(
        "galaxy.consumer.in_flight",
        "Events that were delivered to a consumer and are not acknowledged",
    );
    let nats = nats.clone();
    process.tasks.every("consumer_metrics", PERIOD, move || {
        let (nats, pending, in_flight) = (nats.clone(), pending.clone(), in_flight.clone());
        async move {
            let consumer = nats
                .jetstream()
                .get_consumer_from_stream::<pull::Config, _, _>(name, EVENTS)
                .await;
            match consumer {
                Ok(consumer) => {
                    let (info, labels) =
                        (consumer.cached_info(), [KeyValue::new("consumer", name)]);
                    pending.record(info.num_pending, &labels);
                    in_flight.record(info.num_ack_pending as u64, &labels);
                }
                Err(error) => {
                    tracing::debug!(consumer = name, %error, "a consumer cannot be measured");
                }
            }
        }
    });
}
