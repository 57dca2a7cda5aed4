//! `runtime_operation_log` as history.

use galaxy_core::{Cursor, GameId, Limit, Op, OperationId, OperationStatus, Page, Timestamp};
use galaxy_store::{ListError, Result};
use jiff::SignedDuration;
use serde_json::Value;
use sqlx::PgConnection;

use super::uint;
use crate::model::Operation;

struct Row {
    operation_id: OperationId,
    game_id: GameId,
    op: Op,
    status: OperationStatus,
    params: Value,
    requested_by: Option<String>,
    run_after: Timestamp,
    attempt: i32,
    max_attempts: i32,
    waiting_for: Option<String>,
    lease_owner: Option<String>,
    lease_expires_at: Option<Timestamp>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    error: Option<String>,
}

impl From<Row> for Operation {
    fn from(row: Row) -> Self {
        Self {
            operation_id: row.operation_id,
            game_id: row.game_id,
            op: row.op,
            status: row.status,
            params: row.params,
            requested_by: row.requested_by,
            run_after: row.run_after,
            attempt: uint(row.attempt),
            max_attempts: uint(row.max_attempts),
            waiting_for: row.waiting_for,
            lease_owner: row.lease_owner,
            lease_expires_at: row.lease_expires_at,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            error: row.error,
        }
    }
}

macro_rules! select {
    ($tail:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"select operation_id as "operation_id: OperationId", game_id as "game_id: GameId", op as "op: Op",
                   status as "status: OperationStatus", params, requested_by, run_after, attempt, max_attempts,
                   waiting_for, lease_owner, lease_expires_at, created_at, started_at, finished_at, error
               from backend.runtime_operation_log "# + $tail
            $(, $argument)*
        )
    };
}

/// One operation.
#[tracing::instrument(name = "db.runtime.operation", skip_all)]
pub async fn get(connection: &mut PgConnection, id: OperationId) -> Result<Option<Operation>> {
    let row = select!("where operation_id = $1", id.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Operation::from))
}

/// The open operations of a game, the one that runs or is parked first.
#[tracing::instrument(name = "db.runtime.open_operations", skip_all)]
pub async fn open(connection: &mut PgConnection, game: GameId) -> Result<Vec<Operation>> {
    let rows = select!(
        "where game_id = $1 and status in ('queued', 'running')
         order by status = 'running' desc, parked desc, op = 'start' desc, run_after, operation_id limit 100",
        game.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Operation::from).collect())
}

const LIST: &str = "runtime_operations";
const FAILED: &str = "failed_operations";
const OVERDUE: &str = "overdue_operations";
/// An operation that is due or begun for longer than this is overdue.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// A page of the failed operations of all games, newest first.
pub async fn list_failed(
    connection: &mut PgConnection,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Operation>, ListError> {
    let before = Cursor::after(FAILED, cursor)?;
    let rows = select_failed(connection, before, limit.probe()).await?;
    Ok(Page::cut(rows, limit, FAILED, |operation| {
        (operation.created_at, operation.operation_id)
    }))
}

#[tracing::instrument(name = "db.runtime.failed_operations", skip_all)]
async fn select_failed(
    connection: &mut PgConnection,
    before: Option<(Timestamp, OperationId)>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let (at, id) = before.unzip();
    let rows = select!(
        "where status = 'failed' and ($1::timestamptz is null or (created_at, operation_id) < ($1, $2::uuid))
         order by created_at desc, operation_id desc limit $3",
        at,
        id.map(OperationId::uuid),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Operation::from).collect())
}

/// A page of the open operations of all games that take too long, oldest first: due for five minutes and not begun, begun five
/// minutes ago and not ended, or held by a process that is gone.
pub async fn list_overdue(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Operation>, ListError> {
    let after = Cursor::after(OVERDUE, cursor)?;
    let rows = select_overdue(connection, now, after, limit.probe()).await?;
    Ok(Page::cut(rows, limit, OVERDUE, |operation| {
        (operation.created_at, operation.operation_id)
    }))
}

#[tracing::instrument(name = "db.runtime.overdue_operations", skip_all)]
async fn select_overdue(
    connection: &mut PgConnection,
    now: Timestamp,
    after: Option<(Timestamp, OperationId)>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let (at, id) = after.unzip();
    let rows = select!(
        "where status in ('queued', 'running')
             and ((started_at is null and run_after < $2) or started_at < $2
                  or (status = 'running' and lease_expires_at < $1))
             and ($3::timestamptz is null or (created_at, operation_id) > ($3, $4::uuid))
         order by created_at, operation_id limit $5",
        now,
        now - OVERDUE_AFTER,
        at,
        id.map(OperationId::uuid),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Operation::from).collect())
}

/// A page of a game's operations, newest first.
pub async fn list(
    connection: &mut PgConnection,
    game: GameId,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Operation>, ListError> {
    let before = Cursor::after(LIST, cursor)?;
    let rows = select_page(connection, game, before, limit.probe()).await?;
    Ok(Page::cut(rows, limit, LIST, |operation| {
        (operation.created_at, operation.operation_id)
    }))
}

#[tracing::instrument(name = "db.runtime.list_operations", skip_all)]
async fn select_page(
    connection: &mut PgConnection,
    game: GameId,
    before: Option<(Timestamp, OperationId)>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let (at, id) = before.unzip();
    let rows = select!(
        "where game_id = $1 and ($2::timestamptz is null or (created_at, operation_id) < ($2, $3::uuid))
         order by created_at desc, operation_id desc limit $4",
        game.uuid(),
        at,
        id.map(OperationId::uuid),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Operation::from).collect())
}
