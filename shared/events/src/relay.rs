//! The relay: publishes the rows of the outbox to JetStream, in batches, under short leases. Every process that writes
//! events runs one. No transaction is open during a call to NATS.
//!
//! Claims and marks do not wait for the disk: those that a crash of Postgres undoes are made again.
//! A row that was published and not marked (a crash in between) is published again under the same `Nats-Msg-Id`;
//! consumers recognise the repetition by the id. When a stream is new or has lost data, [`StreamRecovery`] marks its events unpublished.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use futures_util::future::join_all;
use galaxy_core::{EventId, Timestamp};
use galaxy_service::{
    Backoff, Process,
    telemetry::{self, meter},
};
use galaxy_store::{Db, DedicatedConnection, Result, Topic};
use opentelemetry::metrics::{Counter, Histogram};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::{Nats, envelope, metrics, stream_recovery::StreamRecovery};

/// Rows claimed at once.
const BATCH: i64 = 500;
/// How often the outbox is read without a notification.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

struct Relay {
    db: Db,
    dedicated: DedicatedConnection,
    nats: Nats,
    recovery: StreamRecovery,
    published: Counter<u64>,
    latency: Histogram<f64>,
    counters: metrics::RelayCounters,
}

struct Row {
    event_id: Uuid,
    subject: String,
    event_type: String,
    ce_subject: Option<String>,
    content_type: String,
    payload: Vec<u8>,
    traceparent: Option<String>,
    created_at: Timestamp,
}

/// Starts the process's relay. It ends when the process drains, after it has published what is in the outbox.
pub fn start(process: &Process, db: &Db, nats: &Nats) {
    metrics::measure(process, db, nats);
    let (process_, db, nats) = (process.clone(), db.clone(), nats.clone());
    let counters = metrics::RelayCounters::new();
    process.tasks.supervise("relay", move || {
        let relay = Relay {
            db: db.clone(),
            dedicated: DedicatedConnection::new(&db),
            nats: nats.clone(),
            recovery: StreamRecovery::new(&db, &nats, &counters),
            counters: counters.clone(),
            published: meter()
                .u64_counter("galaxy.outbox.published")
                .with_description("Events published from the outbox")
                .build(),
            latency: meter()
                .f64_histogram("galaxy.outbox.publish.latency")
                .with_unit("s")
                .with_description("From the write of an event to its acknowledgement by JetStream")
                .with_boundaries(vec![
                    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 600.0,
                    3_600.0,
                ])
                .build(),
        };
        let process = process_.clone();
        async move { relay.run(&process).await }
    });
}

impl Relay {
    async fn run(mut self, process: &Process) {
        let notify = self.db.subscribe(Topic::Outbox);
        let draining = process.tasks.draining();
        let mut failures = 0;
        loop {
            // Created before the outbox is read, so that an event committed in between is not missed.
            let notified = notify.notified();
            let drained = self.drain_outbox(&process.clock).await;
            self.counters.pass(drained.is_ok());
            match drained {
                Ok(()) => failures = 0,
                Err(error) => {
                    self.dedicated.discard();
                    failures += 1;
                    self.recovery.require_check();
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "events wait in the outbox; trying again"
                    );
                    tokio::time::sleep(BACKOFF.delay(failures)).await;
                }
            }
            if draining.is_cancelled() {
                return;
            }
            tokio::select! {
                () = notified => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = draining.cancelled() => {}
            }
        }
    }

    /// Publishes until no due row is left.
    async fn drain_outbox(&mut self, clock: &galaxy_core::Clock) -> anyhow::Result<()> {
        anyhow::ensure!(self.nats.is_connected(), "not connected to NATS");
        self.recovery.check().await?;
        loop {
            let rows = claim(&mut self.dedicated).await?;
            let full = rows.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
            if rows.is_empty() {
                return Ok(());
            }
            let (done, failed) = self.publish(rows, clock).await;
            mark_published(&mut self.dedicated, &done).await?;
            self.recovery.store().await?;
            if let Some((left, error)) = failed {
                release(&mut self.dedicated, &left).await?;
                return Err(error);
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Publishes all rows concurrently and waits for all acknowledgements. Returns the acknowledged rows, and the others with
    /// the last error.
    async fn publish(
        &mut self,
        rows: Vec<Row>,
        clock: &galaxy_core::Clock,
    ) -> (Vec<Key>, Option<(Vec<Key>, anyhow::Error)>) {
        let outcomes = join_all(rows.iter().map(|row| self.publish_one(row))).await;
        let (mut done, mut left, mut failure) = (vec![], vec![], None);
        let mut acks = vec![];
        let now = clock.now();
        for (row, outcome) in rows.iter().zip(outcomes) {
            match outcome {
                Ok(ack) => {
                    acks.push(ack);
                    self.latency
                        .record(now.duration_since(row.created_at).as_secs_f64(), &[]);
                    done.push((row.event_id, row.created_at));
                }
                Err(error) => {
                    left.push((row.event_id, row.created_at));
                    failure = Some(error);
                }
            }
        }
        self.recovery.record(&acks);
        self.published.add(done.len() as u64, &[]);
        (done, failure.map(|error| (left, error)))
    }

    async fn publish_one(
        &self,
        row: &Row,
    ) -> anyhow::Result<async_nats::jetstream::publish::PublishAck> {
        // The consumers' spans are children of the publication, which is a child of what wrote the event.
        let recorded = row
            .traceparent
            .as_deref()
            .filter(|of| telemetry::is_recorded(of));
        let span = match recorded {
            Some(_) => {
                tracing::info_span!("publish", otel.kind = "producer", event_id = %row.event_id, event_type = row.event_type)
            }
            None => Span::none(),
        };
        telemetry::parent_from(&span, recorded);
        let published = span.in_scope(telemetry::traceparent);
        let headers = envelope::headers(
            EventId(row.event_id),
            &row.event_type,
            row.ce_subject.as_deref(),
            row.created_at,
            &row.content_type,
            published.as_deref().or(row.traceparent.as_deref()),
        );
        let message = PublishMessage::build()
            .headers(headers)
            .payload(row.payload.clone().into());
        let sent = self
            .nats
            .jetstream()
            .send_publish(row.subject.clone(), message);
        let acknowledged = async { sent.await?.await }.instrument(span);
        Ok(tokio::time::timeout(crate::nats::ACK_TIMEOUT, acknowledged).await??)
    }
}

/// Claims the oldest unpublished rows for 15 s. Rows that other relays hold are skipped.
async fn claim(dedicated: &mut DedicatedConnection) -> Result<Vec<Row>> {
    let mut tx = dedicated.begin_relaxed().await?;
    let rows = sqlx::query_as!(
        Row,
        "with due as (
             select event_id, created_at from backend.event_outbox
             where published_at is null and (lease_expires_at is null or lease_expires_at < now())
             order by created_at, event_id limit $1 for update skip locked)
         update backend.event_outbox o
         set lease_expires_at = now() + interval '15 seconds', attempts = o.attempts + 1
         from due
         where o.event_id = due.event_id and o.created_at = due.created_at
         returning o.event_id, o.subject, o.event_type, o.ce_subject, o.content_type, o.payload, o.traceparent,
             o.created_at",
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

async fn mark_published(dedicated: &mut DedicatedConnection, rows: &[Key]) -> Result<()> {
    let Some(keys) = Keys::of(rows) else {
        return Ok(());
    };
    let mut tx = dedicated.begin_relaxed().await?;
    sqlx::query!(
        "update backend.event_outbox o set published_at = now(), lease_expires_at = null
         from unnest($1::uuid[], $2::timestamptz[]) as done (event_id, created_at)
         where o.event_id = done.event_id and o.created_at = done.created_at
           and o.created_at between $3 and $4",
        &keys.ids,
        &keys.times,
        keys.first,
        keys.last,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Releases the leases of rows that could not be published, so that the next attempt need not wait for them to expire.
async fn release(dedicated: &mut DedicatedConnection, rows: &[Key]) -> Result<()> {
    let Some(keys) = Keys::of(rows) else {
        return Ok(());
    };
    let mut tx = dedicated.begin_relaxed().await?;
    sqlx::query!(
        "update backend.event_outbox o set lease_expires_at = null
         from unnest($1::uuid[], $2::timestamptz[]) as held (event_id, created_at)
         where o.event_id = held.event_id and o.created_at = held.created_at
           and o.created_at between $3 and $4 and o.published_at is null",
        &keys.ids,
        &keys.times,
        keys.first,
        keys.last,
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

type Key = (Uuid, Timestamp);

/// The keys of rows as query parameters. The bounds restrict the query to the partitions of these days.
struct Keys {
    ids: Vec<Uuid>,
    times: Vec<Timestamp>,
    first: Timestamp,
    last: Timestamp,
}

impl Keys {
    /// `None` if there are no rows.
    fn of(rows: &[Key]) -> Option<Self> {
        Some(Self {
            ids: rows.iter().map(|(id, _)| *id).collect(),
            times: rows.iter().map(|(_, at)| *at).collect(),
            first: rows.iter().map(|(_, at)| *at).min()?,
            last: rows.iter().map(|(_, at)| *at).max()?,
        })
    }
}

/// How many events are not published, counted up to 100,000, and when the oldest was written.
pub async fn backlog(db: &Db) -> Result<(i64, Option<Timestamp>)> {
    let mut connection = db.acquire().await?;
    let row = sqlx::query!(
        r#"select count(*) as "waiting!", min(created_at) as oldest from
               (select created_at from backend.event_outbox where published_at is null
                order by created_at limit 100000) as waiting"#
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok((row.waiting, row.oldest))
}
