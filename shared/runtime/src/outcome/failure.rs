//! Operations that were given up or are not wanted any more.

use galaxy_core::{EngineHealth, FailureCode, Op, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_events::{catalogue::runtime::GenerationFailed, outbox};
use galaxy_store::{Db, Tx};

use super::{Outcome, conclude, open, snapshot_unseen};
use crate::{Record, Work, operations::Claimed, store};

/// Gives the operation up. A start leaves `start_failed`, a turn stops the schedule, a restart or patch leaves an engine
/// that cannot be reached; other operations leave the record as it is but for the error.
pub async fn failed(
    db: &Db,
    operation: &Claimed,
    code: FailureCode,
    detail: &str,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    record.last_error = Some(format!("{code}: {detail}"));
    match operation.work.op() {
        Op::Start => start_failed(&mut tx, &mut record, now).await?,
        Op::Turn => {
            record.status = RuntimeStatus::GenerationFailed;
            record.paused_at = record.paused_at.or(Some(now));
            record.next_turn_at = None;
            record.skip_next_tick = false;
        }
        Op::Restart | Op::Patch => unreachable(&mut record),
        Op::Stop | Op::Banish | Op::Remove => {}
    }
    let (ended, error) = (OperationStatus::Failed, Some((code, detail)));
    conclude(&mut tx, &mut record, operation, ended, error, now).await?;
    snapshot_unseen(&mut tx, &record, now).await?;
    if let Work::Turn { expected_turn } = operation.work {
        let event = GenerationFailed {
            game_id: record.game_id,
            version: record.version,
            game_name: record.game_name.clone(),
            turn: expected_turn,
            error: code.into(),
        };
        outbox::append(&mut tx, &event).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends an operation that is not wanted any more.
pub async fn cancelled(db: &Db, operation: &Claimed, why: &str, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    let (ended, error) = (
        OperationStatus::Cancelled,
        Some((FailureCode::Cancelled, why)),
    );
    conclude(&mut tx, &mut record, operation, ended, error, now).await?;
    Ok(tx.commit().await?)
}

async fn start_failed(tx: &mut Tx, record: &mut Record, now: Timestamp) -> Outcome {
    record.status = RuntimeStatus::StartFailed;
    record.container_id = None;
    record.endpoint = None;
    record.next_turn_at = None;
    let pointless = [Op::Turn, Op::Banish, Op::Restart, Op::Patch, Op::Stop];
    store::queue::cancel(tx, record.game_id, &pointless, now).await?;
    Ok(())
}

fn unreachable(record: &mut Record) {
    record.endpoint = None;
    record.engine_health = EngineHealth::Unreachable;
    if record.status == RuntimeStatus::Running {
        record.status = RuntimeStatus::EngineUnreachable;
    }
}
