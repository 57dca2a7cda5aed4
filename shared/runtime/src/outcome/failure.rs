//! Operations that were given up or are not wanted any more.

use galaxy_core::{
    EngineHealth, FailureCode, Incident, Op, OperationStatus, RuntimeStatus, Timestamp,
};
use galaxy_store::{Db, Tx};

use super::{Outcome, conclude, open};
use crate::{
    events,
    model::{Claimed, NewOperation, Record, Work},
    operations,
};

/// Gives the operation up. A start leaves `start_failed`, a turn stops the schedule; after a failed patch the version before
/// comes up again; a failed restart leaves an engine that cannot be reached. `log` is the end of the engine's log, printable.
pub async fn failed(
    db: &Db,
    operation: &Claimed,
    code: FailureCode,
    detail: &str,
    log: Option<String>,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    record.last_error = Some(format!("{code}: {detail}"));
    match &operation.work {
        Work::Start { .. } => {
            record.status = RuntimeStatus::StartFailed;
            record.container_id = None;
            record.endpoint = None;
            record.next_turn_at = None;
        }
        Work::Turn { mode, .. } if mode.generates() => {
            record.status = RuntimeStatus::GenerationFailed;
            record.paused_at = record.paused_at.or(Some(now));
            record.next_turn_at = None;
        }
        Work::Restart {} | Work::Patch { .. } => unreachable(&mut record),
        Work::Turn { .. } | Work::Stop {} | Work::Banish { .. } | Work::Remove {} => {}
    }
    let (ended, error) = (OperationStatus::Failed, Some((code, detail)));
    conclude(&mut tx, &mut record, operation, ended, error, now).await?;
    events::snapshot_unseen(&mut tx, &record, now).await?;
    follow_up(&mut tx, &record, operation, code, log, now).await?;
    Ok(tx.commit().await?)
}

/// What else follows, and who is told.
async fn follow_up(
    tx: &mut Tx,
    record: &Record,
    operation: &Claimed,
    code: FailureCode,
    log: Option<String>,
    now: Timestamp,
) -> Outcome {
    match &operation.work {
        Work::Start { .. } => {
            let pointless = [Op::Turn, Op::Banish, Op::Restart, Op::Patch, Op::Stop];
            operations::cancel(tx, record, &pointless, now).await?;
        }
        Work::Turn {
            expected_turn,
            mode,
        } if mode.generates() => {
            events::generation_failed(tx, record, *expected_turn, code).await?;
        }
        Work::Patch { .. } => {
            events::incident(tx, record, Incident::PatchFailed, log).await?;
            // The record still names the version before: this brings it up again.
            let operation = NewOperation {
                game_id: record.game_id,
                work: Work::Restart {},
                requested_by: "patch".to_owned(),
                run_after: now,
            };
            operations::queue(tx, &operation).await?;
        }
        Work::Restart {} => events::incident(tx, record, Incident::RestartFailed, log).await?,
        Work::Turn { .. } | Work::Stop {} | Work::Banish { .. } | Work::Remove {} => {}
    }
    Ok(())
}

/// Ends an operation that is not wanted any more. A turn that had begun leaves the game as it rests; a start that was
/// withdrawn leaves no engine.
pub async fn cancelled(db: &Db, operation: &Claimed, why: &str, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    record.give_up(operation.work.op());
    let (ended, error) = (
        OperationStatus::Cancelled,
        Some((FailureCode::Cancelled, why)),
    );
    conclude(&mut tx, &mut record, operation, ended, error, now).await?;
    events::snapshot_unseen(&mut tx, &record, now).await?;
    Ok(tx.commit().await?)
}

fn unreachable(record: &mut Record) {
    record.endpoint = None;
    record.engine_health = EngineHealth::Unreachable;
    if record.status == RuntimeStatus::Running {
        record.status = RuntimeStatus::EngineUnreachable;
    }
}
