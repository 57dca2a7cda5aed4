//! Detects a stream that is new or has lost data, and makes the relay publish the events of its retention window again.
//!
//! JetStream acknowledges before it syncs, so a crash of its host, a wiped volume or a restored backup can lose what was
//! acknowledged. The table `event_streams` holds the last known [`StreamPosition`] of each stream. The streams are compared
//! with it before anything is published on a new connection, after a failure, when a sequence goes back, and every
//! [`CHECK_INTERVAL`].

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use async_nats::jetstream::publish::PublishAck;
use galaxy_store::{Db, Tx};
use jiff::SignedDuration;
use tokio::{sync::watch, time::Instant};

use crate::{
    Nats, StreamPosition,
    metrics::RelayCounters,
    streams::{EVENTS, EVENTS_RETENTION, PUSH},
};

/// The longest time between two comparisons.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Compares the streams with what is known of them, for one relay.
pub(crate) struct StreamRecovery {
    db: Db,
    nats: Nats,
    counters: RelayCounters,
    connections: watch::Receiver<u64>,
    /// The connection and the time of the last comparison.
    checked: Option<(u64, Instant)>,
    streams: HashMap<String, Tracked>,
}

/// What this process knows of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tracked {
    /// The highest position that was acknowledged.
    acknowledged: StreamPosition,
    /// The highest sequence that is in the database.
    stored: u64,
}

impl StreamRecovery {
    pub(crate) fn new(db: &Db, nats: &Nats, counters: &RelayCounters) -> Self {
        Self {
            db: db.clone(),
            nats: nats.clone(),
            counters: counters.clone(),
            connections: nats.connections(),
            checked: None,
            streams: HashMap::new(),
        }
    }

    /// Compares the streams, unless that was done less than [`CHECK_INTERVAL`] ago on this connection.
    pub(crate) async fn check(&mut self) -> anyhow::Result<()> {
        let connection = *self.connections.borrow();
        let recent = self
            .checked
            .is_some_and(|(of, at)| of == connection && at.elapsed() < CHECK_INTERVAL);
        if !recent {
            let settings = self.nats.ensure_streams().await?;
            self.examine(EVENTS, "galaxy.events.", EVENTS_RETENTION.try_into()?)
                .await?;
            let window = settings.freshness_window.try_into()?;
            self.examine(PUSH, "galaxy.push.", window).await?;
            self.checked = Some((connection, Instant::now()));
        }
        Ok(())
    }

    /// Makes the next [`StreamRecovery::check`] compare the streams in any case.
    pub(crate) fn require_check(&mut self) {
        self.checked = None;
    }

    /// Records the acknowledgements of one batch. All of them came after those of earlier batches, so a sequence that is
    /// not higher than theirs is one of another, younger stream.
    pub(crate) fn record(&mut self, acks: &[PublishAck]) {
        let mut highest: HashMap<&str, u64> = HashMap::new();
        let mut went_back = false;
        for ack in acks.iter().filter(|ack| !ack.duplicate) {
            let known = self.streams.get(&ack.stream);
            went_back |= known.is_some_and(|known| ack.sequence <= known.acknowledged.sequence);
            let entry = highest.entry(&ack.stream).or_default();
            *entry = ack.sequence.max(*entry);
        }
        if went_back {
            return self.require_check();
        }
        for (stream, sequence) in highest {
            if let Some(known) = self.streams.get_mut(stream) {
                known.acknowledged.sequence = sequence;
            }
        }
    }

    /// Stores what was recorded.
    pub(crate) async fn store(&mut self) -> anyhow::Result<()> {
        for (name, stream) in &mut self.streams {
            if stream.stored == stream.acknowledged.sequence {
                continue;
            }
            let position = Row::from(stream.acknowledged);
            let mut connection = self.db.acquire().await?;
            sqlx::query!(
                "update backend.event_streams set last_sequence = $3, updated_at = now()
                 where stream = $1 and incarnation = $2 and last_sequence < $3",
                name,
                position.incarnation,
                position.last_sequence,
            )
            .execute(&mut *connection)
            .await?;
            stream.stored = stream.acknowledged.sequence;
        }
        Ok(())
    }

    async fn examine(
        &mut self,
        stream: &str,
        prefix: &str,
        window: SignedDuration,
    ) -> anyhow::Result<()> {
        // The stored position is read before the broker is asked: read afterwards, it could be that of an event published in
        // between, and the stream would seem to have gone back.
        let known = self.known(stream).await?;
        let info = self
            .nats
            .jetstream()
            .get_stream(stream)
            .await?
            .cached_info()
            .clone();
        let found = StreamPosition::end_of(&info);
        let acknowledged = self
            .streams
            .get(stream)
            .map(|tracked| tracked.acknowledged)
            .filter(|acknowledged| acknowledged.stream == found.stream);
        let lost = known.is_some_and(|known| {
            !known.is_within(found) || acknowledged.is_some_and(|at| !at.is_within(found))
        });
        if lost || known.is_none() {
            let mut tx = self.db.begin_maintenance().await?;
            if !replace(&mut tx, stream, known, found).await? {
                // Another relay has just done it; compare again before publishing.
                anyhow::bail!("another process has just recovered the stream {stream}");
            }
            let mut republished = None;
            if lost {
                let events = republish(&mut tx, prefix, window).await?;
                republished = Some(events);
                tracing::warn!(
                    stream,
                    events,
                    "the stream is new or lost data; publishing its events again"
                );
            }
            tx.commit().await?;
            if let Some(events) = republished {
                self.counters.republished(stream, events);
            }
        }
        let tracked = Tracked {
            acknowledged: found,
            stored: found.sequence,
        };
        self.streams.insert(stream.to_owned(), tracked);
        Ok(())
    }

    async fn known(&self, stream: &str) -> anyhow::Result<Option<StreamPosition>> {
        let mut connection = self.db.acquire().await?;
        let row = sqlx::query_as!(
            Row,
            "select incarnation, last_sequence from backend.event_streams where stream = $1",
            stream
        )
        .fetch_optional(&mut *connection)
        .await?;
        row.map(StreamPosition::try_from).transpose()
    }
}

/// A [`StreamPosition`] as the database holds it.
struct Row {
    incarnation: String,
    last_sequence: i64,
}

impl From<StreamPosition> for Row {
    fn from(position: StreamPosition) -> Self {
        Self {
            incarnation: position.stream.to_string(),
            last_sequence: i64::try_from(position.sequence).unwrap_or(i64::MAX),
        }
    }
}

impl TryFrom<Row> for StreamPosition {
    type Error = anyhow::Error;

    fn try_from(row: Row) -> anyhow::Result<Self> {
        let stream = row.incarnation.parse();
        Ok(Self {
            stream: stream.context("backend.event_streams.incarnation is not a creation time")?,
            sequence: row.last_sequence.try_into()?,
        })
    }
}

/// Stores `found` in place of `known`; `false` if another process has changed the row since `known` was read.
async fn replace(
    tx: &mut Tx,
    stream: &str,
    known: Option<StreamPosition>,
    found: StreamPosition,
) -> galaxy_store::Result<bool> {
    let found = Row::from(found);
    let replaced = match known.map(Row::from) {
        None => {
            sqlx::query!(
                "insert into backend.event_streams (stream, incarnation, last_sequence) values ($1, $2, $3)
                 on conflict (stream) do nothing",
                stream,
                found.incarnation,
                found.last_sequence,
            )
            .execute(&mut **tx)
            .await?
        }
        Some(known) => {
            sqlx::query!(
                "update backend.event_streams set incarnation = $4, last_sequence = $5, updated_at = now()
                 where stream = $1 and incarnation = $2 and last_sequence = $3",
                stream,
                known.incarnation,
                known.last_sequence,
                found.incarnation,
                found.last_sequence,
            )
            .execute(&mut **tx)
            .await?
        }
    };
    Ok(replaced.rows_affected() == 1)
}

/// Marks the events of the window as unpublished; returns how many there are.
async fn republish(tx: &mut Tx, prefix: &str, window: SignedDuration) -> anyhow::Result<u64> {
    let interval = window.as_secs_f64();
    Ok(sqlx::query!(
        "update backend.event_outbox set published_at = null, lease_expires_at = null
         where published_at is not null and created_at > now() - make_interval(secs => $1)
           and starts_with(subject, $2)",
        interval,
        prefix,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected())
}
