//! `runtime_operation_log` as a whole: how much of it waits, and what of it is old.

use galaxy_core::{Op, OperationId, Timestamp};
use galaxy_store::Result;
use sqlx::PgConnection;

use crate::model::{Lane, Waiting};

/// The operations that are due and not taken up, by lane. At most 100,000 are counted.
#[tracing::instrument(name = "db.runtime.waiting_operations", level = "debug", skip_all)]
pub async fn waiting(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<(Lane, Waiting)>> {
    let rows = sqlx::query!(
        r#"select op as "op: Op", count(*) as "operations!", min(run_after) as "oldest!: Timestamp"
           from (select op, run_after from backend.runtime_operation_log
                 where status = 'queued' and run_after <= $1 order by run_after limit 100000) due
           group by op"#,
        now,
    )
    .fetch_all(connection)
    .await?;
    let of = |lane: Lane| {
        let mut waiting = Waiting::default();
        for row in rows.iter().filter(|row| lane.ops().contains(&row.op)) {
            waiting.operations += row.operations.unsigned_abs();
            waiting.oldest = waiting.oldest.max(now.duration_since(row.oldest));
        }
        (lane, waiting)
    };
    Ok(Lane::ALL.map(of).into())
}

/// Deletes up to `batch` operations that were asked for and finished before `before`; gives how many. Their ids are in the
/// order of time (UUIDv7), so the oldest are found by the primary key.
#[tracing::instrument(name = "db.runtime.delete_finished_operations", skip_all)]
pub async fn delete_finished(
    connection: &mut PgConnection,
    before: Timestamp,
    batch: i64,
) -> Result<u64> {
    Ok(sqlx::query!(
        "delete from backend.runtime_operation_log where operation_id in (
             select operation_id from backend.runtime_operation_log
             where operation_id < $1 and finished_at < $2
             order by operation_id limit $3 for update skip locked)",
        OperationId::first_at(before).uuid(),
        before,
        batch,
    )
    .execute(connection)
    .await?
    .rows_affected())
}
