//! The outbox: an event is written in the transaction of the change it tells of, and published afterwards.

use galaxy_core::EventId;
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};
use jiff_sqlx::ToSqlx;
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

/// Events gathered from several requests, written with one statement.
#[derive(Debug, Default)]
pub struct Batch {
    ids: Vec<Uuid>,
    subjects: Vec<&'static str>,
    types: Vec<&'static str>,
    about: Vec<String>,
    payloads: Vec<Vec<u8>>,
    traces: Vec<Option<String>>,
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

    /// Writes them all into the outbox, in their order.
    pub async fn append(self, tx: &mut Tx) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into backend.event_outbox
                 (event_id, subject, event_type, ce_subject, content_type, payload, traceparent, created_at)
             select e.id, e.subject, e.type, e.about, 'application/json', e.payload, e.trace, clock_timestamp()
             from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[])
                 with ordinality e (id, subject, type, about, payload, trace, place)
             order by e.place",
            &self.ids,
            &self.subjects as _,
            &self.types as _,
            &self.about,
            &self.payloads,
            &self.traces as _,
        )
        .execute(&mut **tx)
        .await?;
        tx.wake(Topic::Outbox);
        Ok(())
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
    tx.wake(Topic::Outbox);
    Ok(id)
}

/// Makes today's and the next days' partitions and drops those whose events are older than `keep_days`.
pub async fn maintain_partitions(
    db: &galaxy_store::Db,
    now: jiff::Timestamp,
    keep_days: i32,
) -> Result<()> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut connection = db.acquire().await?;
    sqlx::query!(
        "select backend.event_outbox_ensure_partitions($1, 8)",
        today.to_sqlx() as _
    )
    .fetch_one(&mut *connection)
    .await?;
    let before = today.saturating_sub(jiff::Span::new().days(keep_days));
    sqlx::query!(
        "select backend.event_outbox_drop_partitions($1)",
        before.to_sqlx() as _
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(())
}
