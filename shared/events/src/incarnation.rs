//! Notices a stream that is new or has lost data, and has its events of the retention window published again.
//!
//! JetStream acknowledges before it syncs, so a crash of its host, a wiped volume or a restored backup can lose what was
//! acknowledged. Each stream's creation time and last known sequence stand in `event_streams`; they are compared after
//! each new connection, before anything is published on it.

use std::collections::HashMap;

use galaxy_store::Db;
use jiff::SignedDuration;
use tokio::sync::watch;

use crate::{
    Nats,
    streams::{self, EVENTS, EVENTS_RETENTION, PUSH},
};

pub(crate) struct Incarnations {
    db: Db,
    nats: Nats,
    connections: watch::Receiver<u64>,
    checked: Option<u64>,
    sequences: HashMap<String, u64>,
    written: HashMap<String, u64>,
}

impl Incarnations {
    pub(crate) fn new(db: &Db, nats: &Nats) -> Self {
        Self {
            db: db.clone(),
            nats: nats.clone(),
            connections: nats.connections(),
            checked: None,
            sequences: HashMap::new(),
            written: HashMap::new(),
        }
    }

    /// Notes a sequence that was acknowledged.
    pub(crate) fn note(&mut self, stream: &str, sequence: u64) {
        let last = self.sequences.entry(stream.to_owned()).or_default();
        *last = sequence.max(*last);
    }

    /// After a new connection: looks at the streams; else only writes the noted sequences down.
    pub(crate) async fn check(&mut self) -> anyhow::Result<()> {
        let connection = *self.connections.borrow();
        if self.checked != Some(connection) {
            streams::ensure(&self.nats).await?;
            self.examine(EVENTS, "galaxy.events.", EVENTS_RETENTION.try_into()?)
                .await?;
            let window = self.nats.config().freshness_window;
            self.examine(PUSH, "galaxy.push.", window.try_into()?)
                .await?;
            self.checked = Some(connection);
        }
        self.write_sequences().await
    }

    async fn examine(
        &mut self,
        stream: &str,
        prefix: &str,
        window: SignedDuration,
    ) -> anyhow::Result<()> {
        let info = self
            .nats
            .jetstream()
            .get_stream(stream)
            .await?
            .cached_info()
            .clone();
        let incarnation = info.created.unix_timestamp_nanos().to_string();
        let last_sequence = i64::try_from(info.state.last_sequence)?;
        let mut tx = self.db.begin().await?;
        let known = sqlx::query!(
            "select incarnation, last_sequence from backend.event_streams where stream = $1 for update",
            stream
        )
        .fetch_optional(&mut *tx)
        .await?;
        let lost = known.is_some_and(|known| {
            known.incarnation != incarnation || known.last_sequence > last_sequence
        });
        if lost {
            let again = republish(&mut tx, prefix, window).await?;
            tracing::warn!(
                stream,
                events = again,
                "the stream is new or lost data; publishing its events again"
            );
        }
        sqlx::query!(
            "insert into backend.event_streams (stream, incarnation, last_sequence) values ($1, $2, $3)
             on conflict (stream) do update
             set incarnation = $2, last_sequence = $3, updated_at = now()",
            stream,
            incarnation,
            last_sequence,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes the newest sequences down when they have grown by more than a batch, or since the last look.
    async fn write_sequences(&mut self) -> anyhow::Result<()> {
        for (stream, sequence) in &self.sequences {
            if self.written.get(stream) == Some(sequence) {
                continue;
            }
            let mut connection = self.db.acquire().await?;
            sqlx::query!(
                "update backend.event_streams set last_sequence = $2, updated_at = now()
                 where stream = $1 and last_sequence < $2",
                stream,
                i64::try_from(*sequence)?,
            )
            .execute(&mut *connection)
            .await?;
            self.written.insert(stream.clone(), *sequence);
        }
        Ok(())
    }
}

async fn republish(
    tx: &mut galaxy_store::Tx,
    prefix: &str,
    window: SignedDuration,
) -> anyhow::Result<u64> {
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
