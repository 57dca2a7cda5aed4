//! `runtime_operation_log` under leases: claimed, renewed, given back, ended.
//!
//! At most one operation of a game runs at a time. Whoever claims an operation holds it by its lease token; a late holder's
//! writes find no row.

use galaxy_core::{GameId, LeaseToken, Op, OperationId, OperationStatus, Timestamp};
use galaxy_store::{Db, Result};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::uint;
use crate::model::{Claimed, LEASE_SPAN, Lane, PutBack, Work};

const ONE_RUNNING: &str = "runtime_operation_log_running_idx";
/// How long an operation that this version cannot read is left to others.
const UNREADABLE_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// Who claims, and what.
#[derive(Debug, Clone, Copy)]
pub struct Claimer<'a> {
    /// The process, for operators.
    pub owner: &'a str,
    /// The node that it runs engines on. Operations on engines of other nodes are not claimed.
    pub node: &'a str,
    /// Whether the node takes new engines. If not, starts are left to other nodes.
    pub has_room: bool,
    /// Which operations.
    pub lane: Lane,
}

struct Row {
    operation_id: OperationId,
    game_id: GameId,
    op: Op,
    params: Value,
    attempt: i32,
    max_attempts: i32,
    token: Uuid,
    traceparent: Option<String>,
    started_at: Option<Timestamp>,
    epoch: Option<i64>,
    epoch_at: Option<Timestamp>,
    cancel_requested: bool,
    parked: bool,
}

impl Row {
    /// The operation; `Err` gives its id and token if this version cannot read it.
    fn read(self, now: Timestamp) -> std::result::Result<Claimed, (OperationId, Uuid)> {
        let Ok(work) = Work::from_columns(self.op, &self.params) else {
            return Err((self.operation_id, self.token));
        };
        Ok(Claimed {
            operation_id: self.operation_id,
            game_id: self.game_id,
            work,
            attempt: uint(self.attempt) + 1,
            max_attempts: uint(self.max_attempts),
            token: LeaseToken(self.token),
            traceparent: self.traceparent,
            started_at: self.started_at.unwrap_or(now),
            resumed: self.parked,
            epoch: self.epoch.zip(self.epoch_at),
            cancel_requested: self.cancel_requested,
        })
    }
}

/// Claims up to `room` operations that are due, or whose holder let the lease run out. One that this version cannot read is
/// left to others for a minute, and holds nothing else up.
#[tracing::instrument(name = "db.runtime.claim_operations", level = "debug", skip_all)]
pub async fn claim(
    db: &Db,
    claimer: Claimer<'_>,
    room: u32,
    now: Timestamp,
) -> Result<Vec<Claimed>> {
    let mut connection = db.acquire().await?;
    let room = i64::from(room);
    let ops: Vec<String> = claimer.lane.ops().iter().map(ToString::to_string).collect();
    let mut rows = abandoned(&mut connection, claimer, &ops, room, now).await?;
    let room = room - i64::try_from(rows.len()).unwrap_or(room);
    if room > 0 {
        match due(&mut connection, claimer, &ops, room, now).await {
            Ok(found) => rows.extend(found),
            // Somebody claimed another operation of one of these games in this instant: the next look will do.
            Err(error) if error.is_unique_violation(ONE_RUNNING) => {}
            Err(error) => return Err(error),
        }
    }
    let mut operations = vec![];
    for row in rows {
        match row.read(now) {
            Ok(operation) => operations.push(operation),
            Err((operation_id, token)) => {
                tracing::warn!(%operation_id, "an operation cannot be read by this version; it is left to others");
                pass_over(&mut connection, operation_id, token, now).await?;
            }
        }
    }
    Ok(operations)
}

/// Takes over what is running under a lease that has run out. An engine that it makes gets its time anew. A start that has not
/// chosen its node yet is left to nodes that take engines.
async fn abandoned(
    connection: &mut PgConnection,
    claimer: Claimer<'_>,
    ops: &[String],
    room: i64,
    now: Timestamp,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with lost as (
             select q.operation_id from backend.runtime_operation_log q
             join backend.runtime_records r on r.game_id = q.game_id
             where q.status = 'running' and q.lease_expires_at < $3 and q.op = any($5)
               and (r.node_id = $6
                    or (r.node_id is null and r.current_container_id is null and (q.op <> 'start' or $7)))
             order by q.lease_expires_at limit $2 for update of q skip locked)
         update backend.runtime_operation_log o
         set lease_token = gen_random_uuid(), lease_owner = $1, lease_expires_at = $4,
             epoch_at = case when o.epoch is not null then $3 end
         from lost where o.operation_id = lost.operation_id
         returning o.operation_id as "operation_id: OperationId", o.game_id as "game_id: GameId", o.op as "op: Op",
             o.params, o.attempt, o.max_attempts, o.lease_token as "token!", o.traceparent, o.started_at, o.epoch,
             o.epoch_at, (o.cancel_requested_at is not null) as "cancel_requested!", o.parked"#,
        claimer.owner,
        room,
        now,
        now + LEASE_SPAN,
        ops,
        claimer.node,
        claimer.has_room,
    )
    .fetch_all(connection)
    .await?)
}

/// Claims the first due operation of each of up to `room` games in which nothing runs: a parked one first, then a start, then
/// by time.
async fn due(
    connection: &mut PgConnection,
    claimer: Claimer<'_>,
    ops: &[String],
    room: i64,
    now: Timestamp,
) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"with due as (
             select q.operation_id from backend.runtime_operation_log q
             join backend.runtime_records r on r.game_id = q.game_id
             where q.status = 'queued' and q.run_after <= $3 and q.op = any($5)
               and (r.node_id = $6
                    or (r.node_id is null and r.current_container_id is null and (q.op <> 'start' or $7)))
               and not exists (
                   select 1 from backend.runtime_operation_log o
                   where o.game_id = q.game_id and o.operation_id <> q.operation_id
                     and o.status in ('queued', 'running')
                     and (o.status = 'running'
                          or (not q.parked
                              and (o.parked
                                   or (q.op <> 'start'
                                       and (o.op = 'start'
                                            or (o.run_after, o.operation_id) < (q.run_after, q.operation_id)))))))
             order by q.run_after, q.operation_id limit $2 for update of q skip locked)
         update backend.runtime_operation_log o
         set status = 'running', lease_token = gen_random_uuid(), lease_owner = $1, lease_expires_at = $4,
             started_at = coalesce(o.started_at, $3)
         from due where o.operation_id = due.operation_id
         returning o.operation_id as "operation_id: OperationId", o.game_id as "game_id: GameId", o.op as "op: Op",
             o.params, o.attempt, o.max_attempts, o.lease_token as "token!", o.traceparent, o.started_at, o.epoch,
             o.epoch_at, (o.cancel_requested_at is not null) as "cancel_requested!", o.parked"#,
        claimer.owner,
        room,
        now,
        now + LEASE_SPAN,
        ops,
        claimer.node,
        claimer.has_room,
    )
    .fetch_all(connection)
    .await?)
}

async fn pass_over(
    connection: &mut PgConnection,
    id: OperationId,
    token: Uuid,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.runtime_operation_log
         set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null, run_after = $3,
             error = 'internal: this version cannot read the operation'
         where operation_id = $1 and lease_token = $2",
        id.uuid(),
        token,
        now + UNREADABLE_WAIT,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Renews the lease; `false` if it is held no longer.
#[tracing::instrument(name = "db.runtime.renew_operation", level = "debug", skip_all)]
pub async fn renew(
    connection: &mut PgConnection,
    operation: &Claimed,
    now: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log set lease_expires_at = $3
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        now + LEASE_SPAN,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Whether the operation is held, and whether somebody has withdrawn it; keeps both so until the transaction ends.
#[tracing::instrument(name = "db.runtime.check_lease", skip_all)]
pub(crate) async fn held(
    connection: &mut PgConnection,
    operation: &Claimed,
) -> Result<Option<Held>> {
    Ok(sqlx::query_as!(
        Held,
        r#"select (cancel_requested_at is not null) as "cancel_requested!", epoch
           from backend.runtime_operation_log where operation_id = $1 and lease_token = $2 for update"#,
        operation.operation_id.uuid(),
        operation.token.uuid(),
    )
    .fetch_optional(connection)
    .await?)
}

/// An operation that is held.
pub(crate) struct Held {
    /// Somebody has withdrawn it.
    pub cancel_requested: bool,
    /// The epoch it took.
    pub epoch: Option<i64>,
}

/// Notes the epoch that the operation took.
#[tracing::instrument(name = "db.runtime.note_epoch", skip_all)]
pub(crate) async fn note_epoch(
    connection: &mut PgConnection,
    operation: &Claimed,
    epoch: i64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.runtime_operation_log set epoch = $3, epoch_at = $4
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        epoch,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives the operation back to the queue, to be claimed at `run_after`; `false` if it is held no longer.
#[tracing::instrument(name = "db.runtime.put_operation_back", skip_all)]
pub async fn put_back(
    connection: &mut PgConnection,
    operation: &Claimed,
    how: PutBack<'_>,
    run_after: Timestamp,
) -> Result<bool> {
    let (waiting_for, error) = match how {
        PutBack::Park { waiting_for } | PutBack::Outage { waiting_for } => {
            (Some(waiting_for), None)
        }
        PutBack::Refused { error } => (None, Some(error)),
        PutBack::Drain => (None, None),
    };
    let refused = error.is_some();
    let outage = matches!(how, PutBack::Outage { .. });
    let rows = sqlx::query!(
        "update backend.runtime_operation_log
         set status = 'queued', lease_token = null, lease_owner = null, lease_expires_at = null, run_after = $3,
             parked = not $4, waiting_for = left($5, 1000), error = coalesce(left($6, 4000), error),
             attempt = attempt + case when $4 then 1 else 0 end,
             epoch = case when not $4 then epoch end,
             epoch_at = case when $4 or epoch is null then null when $7 then $3 else epoch_at end
         where operation_id = $1 and lease_token = $2",
        operation.operation_id.uuid(),
        operation.token.uuid(),
        run_after,
        refused,
        waiting_for,
        error,
        outage,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Makes what is parked for `game` due; says whether there was anything.
#[tracing::instrument(name = "db.runtime.wake_operations", level = "debug", skip_all)]
pub async fn wake(connection: &mut PgConnection, game: GameId, now: Timestamp) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_operation_log set run_after = $2
         where game_id = $1 and status = 'queued' and parked and run_after > $2",
        game.uuid(),
        now,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows > 0)
}

/// Writes the end of the operation and says whether more waits for the game; `None` if it is not held.
#[tracing::instrument(name = "db.runtime.conclude_operation", skip_all)]
pub(crate) async fn conclude(
    connection: &mut PgConnection,
    operation: &Claimed,
    status: OperationStatus,
    error: Option<&str>,
    now: Timestamp,
) -> Result<Option<bool>> {
    Ok(sqlx::query_scalar!(
        r#"update backend.runtime_operation_log o
           set status = $3, lease_token = null, lease_owner = null, lease_expires_at = null, finished_at = $4,
               error = left($5, 4000), parked = false, waiting_for = null
           where operation_id = $1 and lease_token = $2
           returning exists (select 1 from backend.runtime_operation_log q
                             where q.game_id = o.game_id and q.status = 'queued') as "more!""#,
        operation.operation_id.uuid(),
        operation.token.uuid(),
        status.as_str(),
        now,
        error,
    )
    .fetch_optional(connection)
    .await?)
}
