//! The outbox: an event is written in the transaction of the change, and published afterwards.

use galaxy_core::{EventId, Timestamp};
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};
use uuid::Uuid;

use crate::catalogue::Event;

/// A row to be, for events of the catalogue and for push events alike.
pub(crate) struct Entry<'a> {
    pub subject: &'a str,
    pub event_type: &'a str,
    pub about: Option<String>,
    pub content_type: &'a str,
    pub payload: Vec<u8>,
}

/// Writes `event` into the outbox. It is published once the transaction is committed, and never if it is not.
pub async fn append<E: Event>(tx: &mut Tx, event: &E) -> Result<EventId> {
    let payload =
        serde_json::to_vec(event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let entry = Entry {
        subject: E::SUBJECT,
        event_type: E::TYPE,
        about: Some(event.about()),
        content_type: "application/json",
        payload,
    };
    insert(tx, EventId::generate(), entry).await
}

/// Events as columns, for a statement that writes them together with the changes of many requests. It inserts what
/// [`append`] does, in this order, and its caller notifies [`Topic::Outbox`].
#[derive(Debug, Default)]
pub struct Batch {
    /// UUIDs of version 7.
    pub ids: Vec<Uuid>,
    /// Where they are published.
    pub subjects: Vec<&'static str>,
    /// CloudEvents types.
    pub types: Vec<&'static str>,
    /// CloudEvents subjects.
    pub about: Vec<String>,
    /// JSON.
    pub payloads: Vec<Vec<u8>>,
    /// W3C trace contexts.
    pub traces: Vec<Option<String>>,
}

impl Batch {
    /// Adds `event`, which belongs to the trace `traceparent`.
    pub fn add<E: Event>(&mut self, event: &E, traceparent: Option<String>) -> Result<EventId> {
        let payload =
            serde_json::to_vec(event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let id = EventId::generate();
        self.ids.push(id.uuid());
        self.subjects.push(E::SUBJECT);
        self.types.push(E::TYPE);
        self.about.push(event.about());
        self.payloads.push(payload);
        self.traces.push(traceparent);
        Ok(id)
    }
}

pub(crate) async fn insert(tx: &mut Tx, id: EventId, entry: Entry<'_>) -> Result<EventId> {
    sqlx::query!(
        "insert into backend.event_outbox
             (event_id, subject, event_type, ce_subject, content_type, payload, traceparent, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())",
        id.uuid(),
        entry.subject,
        entry.event_type,
        entry.about,
        entry.content_type,
        entry.payload,
        telemetry::traceparent(),
    )
    .execute(&mut **tx)
    .await?;
    tx.notify(Topic::Outbox);
    Ok(id)
}

/// Makes today's and the next days' partitions and drops those whose events are older than `keep_days`.
pub async fn maintain_partitions(
    db: &galaxy_store::Db,
    now: Timestamp,
    keep_days: i32,
) -> Result<()> {
    // Each in a transaction of its own, since each locks the table. Rows may have to be moved, which takes as long as it takes.
    let mut tx = db.begin_maintenance().await?;
    sqlx::query!(
        "select backend.event_outbox_ensure_partitions(($1::timestamptz at time zone 'UTC')::date, 8)",
        now,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut tx = db.begin_maintenance().await?;
    sqlx::query!(
        "select backend.event_outbox_drop_partitions(($1::timestamptz at time zone 'UTC')::date - $2::integer)",
        now,
        keep_days,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await
}
