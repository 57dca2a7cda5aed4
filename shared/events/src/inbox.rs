//! The inbox: an event is applied once by each consumer, however often it is delivered.

use galaxy_core::{EventId, Timestamp};
use galaxy_store::{Db, Result, Tx};

/// Records that `consumer` applies the event in this transaction. `false`: it has been applied before; change nothing.
pub async fn first_time(tx: &mut Tx, consumer: &str, event: EventId) -> Result<bool> {
    let inserted = sqlx::query!(
        "insert into backend.event_inbox (consumer, event_id) values ($1, $2) on conflict do nothing",
        consumer,
        event.uuid(),
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(inserted == 1)
}

/// Deletes up to `batch` records from before `before`; returns how many. Keep them longer than the stream keeps events.
pub async fn sweep(db: &Db, before: Timestamp, batch: i64) -> Result<u64> {
    let mut connection = db.acquire().await?;
    Ok(sqlx::query!(
        "delete from backend.event_inbox where (consumer, event_id) in
             (select consumer, event_id from backend.event_inbox
              where created_at < $1 order by created_at limit $2 for update skip locked)",
        before,
        batch,
    )
    .execute(&mut *connection)
    .await?
    .rows_affected())
}

/// How many records there are, as Postgres estimated it when it last analysed the table: counting them would read all.
pub(crate) async fn estimated_rows(db: &Db) -> Result<u64> {
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_scalar!(
        r#"select greatest(reltuples, 0)::bigint as "rows!" from pg_class
           where oid = 'backend.event_inbox'::regclass"#
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(rows.unsigned_abs())
}
