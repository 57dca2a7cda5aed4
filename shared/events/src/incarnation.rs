//! Notices a stream that is new or has lost data, and has its events of the retention window published again.
//!
//! JetStream acknowledges before it syncs, so a crash of its host, a wiped volume or a restored backup can lose what was
//! acknowledged. Each stream's creation time and last known sequence stand in `event_streams`. They are compared before
//! anything is published on a new connection, after a failure, when a sequence goes back, and every few seconds.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::publish::PublishAck;
use galaxy_store::{Db, Tx};
use jiff::SignedDuration;
use tokio::{sync::watch, time::Instant};

use crate::{
    Nats,
    streams::{self, EVENTS, EVENTS_RETENTION, PUSH},
};

/// How long a look at the streams is trusted.
const TRUST: Duration = Duration::from_secs(10);

pub(crate) struct Incarnations {
    db: Db,
    nats: Nats,
    connections: watch::Receiver<u64>,
    checked: Option<(u64, Instant)>,
    streams: HashMap<String, Stream>,
}

/// What this process knows of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream {
    incarnation: String,
    /// The highest sequence that was acknowledged.
    acknowledged: i64,
    /// The highest that is written down.
    written: i64,
}

/// What stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    incarnation: String,
    last_sequence: i64,
}

impl Incarnations {
    pub(crate) fn new(db: &Db, nats: &Nats) -> Self {
        Self {
            db: db.clone(),
            nats: nats.clone(),
            connections: nats.connections(),
            checked: None,
            streams: HashMap::new(),
        }
    }

    /// Looks at the streams unless that was done a moment ago on this connection.
    pub(crate) async fn check(&mut self) -> anyhow::Result<()> {
        let connection = *self.connections.borrow();
        let trusted = self
            .checked
            .is_some_and(|(of, at)| of == connection && at.elapsed() < TRUST);
        if !trusted {
            streams::ensure(&self.nats).await?;
            self.examine(EVENTS, "galaxy.events.", EVENTS_RETENTION.try_into()?)
                .await?;
            let window = self.nats.config().freshness_window;
            self.examine(PUSH, "galaxy.push.", window.try_into()?)
                .await?;
            self.checked = Some((connection, Instant::now()));
        }
        Ok(())
    }

    /// Has the streams looked at before the next publication.
    pub(crate) fn doubt(&mut self) {
        self.checked = None;
    }

    /// Notes the acknowledgements of one batch. All of them came after those of earlier batches, so a sequence that is not
    /// higher than theirs is one of another, younger stream.
    pub(crate) fn note(&mut self, acks: &[PublishAck]) {
        let mut highest: HashMap<&str, i64> = HashMap::new();
        let mut doubtful = false;
        for ack in acks.iter().filter(|ack| !ack.duplicate) {
            let sequence = i64::try_from(ack.sequence).unwrap_or(i64::MAX);
            let known = self.streams.get(&ack.stream);
            doubtful |= known.is_some_and(|known| sequence <= known.acknowledged);
            let entry = highest.entry(&ack.stream).or_default();
            *entry = sequence.max(*entry);
        }
        if doubtful {
            return self.doubt();
        }
        for (stream, sequence) in highest {
            if let Some(known) = self.streams.get_mut(stream) {
                known.acknowledged = sequence;
            }
        }
    }

    /// Writes down what was noted.
    pub(crate) async fn write(&mut self) -> anyhow::Result<()> {
        for (name, stream) in &mut self.streams {
            if stream.written == stream.acknowledged {
                continue;
            }
            let mut connection = self.db.acquire().await?;
            sqlx::query!(
                "update backend.event_streams set last_sequence = $3, updated_at = now()
                 where stream = $1 and incarnation = $2 and last_sequence < $3",
                name,
                stream.incarnation,
                stream.acknowledged,
            )
            .execute(&mut *connection)
            .await?;
            stream.written = stream.acknowledged;
        }
        Ok(())
    }

    async fn examine(
        &mut self,
        stream: &str,
        prefix: &str,
        window: SignedDuration,
    ) -> anyhow::Result<()> {
        // What is known is read before the stream is looked at: read afterwards, it could hold the sequence of an event that
        // was published in between, and the stream would seem to have gone back.
        let known = self.known(stream).await?;
        let info = self
            .nats
            .jetstream()
            .get_stream(stream)
            .await?
            .cached_info()
            .clone();
        let found = Known {
            incarnation: info.created.unix_timestamp_nanos().to_string(),
            last_sequence: i64::try_from(info.state.last_sequence)?,
        };
        let remembered = self
            .streams
            .get(stream)
            .filter(|of| of.incarnation == found.incarnation)
            .map_or(0, |of| of.acknowledged);
        let lost = known.as_ref().is_some_and(|known| {
            known.incarnation != found.incarnation
                || known.last_sequence.max(remembered) > found.last_sequence
        });
        if lost || known.is_none() {
            let mut tx = self.db.begin().await?;
            if !replace(&mut tx, stream, known.as_ref(), &found).await? {
                // Another relay has just done it; look again before publishing.
                anyhow::bail!("another process is looking at the stream {stream}");
            }
            if lost {
                let events = republish(&mut tx, prefix, window).await?;
                tracing::warn!(
                    stream,
                    events,
                    "the stream is new or lost data; publishing its events again"
                );
            }
            tx.commit().await?;
        }
        let state = Stream {
            incarnation: found.incarnation,
            acknowledged: found.last_sequence,
            written: found.last_sequence,
        };
        self.streams.insert(stream.to_owned(), state);
        Ok(())
    }

    async fn known(&self, stream: &str) -> anyhow::Result<Option<Known>> {
        let mut connection = self.db.acquire().await?;
        Ok(sqlx::query_as!(
            Known,
            "select incarnation, last_sequence from backend.event_streams where stream = $1",
            stream
        )
        .fetch_optional(&mut *connection)
        .await?)
    }
}

/// Puts `found` in the place of `known`; `false` if something else stands there by now.
async fn replace(
    tx: &mut Tx,
    stream: &str,
    known: Option<&Known>,
    found: &Known,
) -> galaxy_store::Result<bool> {
    let replaced = match known {
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
