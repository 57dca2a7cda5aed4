//! What becomes of an operation after a step: over, parked, tried again, given up or undone.

use std::time::Duration;

use galaxy_core::{FailureCode, Op};
use galaxy_runtime::{Claimed, EndError, PutBack, operations, outcome};
use galaxy_service::Backoff;
use jiff::SignedDuration;

use super::{Failure, Progress, Step, Wait, step};
use crate::Manager;

const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
/// How soon an operation looks again while what engines run on does not answer.
const OUTAGE_WAIT: Duration = Duration::from_secs(3);

/// Does one step of the operation and settles what becomes of it.
pub(crate) async fn run(manager: &Manager, operation: &Claimed) {
    let began = tokio::time::Instant::now();
    let _noted = manager.changes.of(operation.game_id);
    let progress = begin(manager, operation).await;
    let outcome = match settle(manager, operation, progress).await {
        Ok(outcome) => outcome,
        Err(EndError::NotHeld | EndError::Superseded | EndError::Withdrawn) => {
            manager.metrics.lease_lost();
            tracing::warn!("the operation was taken over by another process");
            "lost"
        }
        Err(EndError::Store(error)) => {
            tracing::warn!(%error, "the outcome cannot be written; the operation is repeated");
            let wait = Wait::soon(format!("the database ({error})"));
            if let Err(error) = park(manager, operation, &wait).await {
                tracing::warn!(%error, "the operation cannot be put back; its lease runs out");
            }
            "unwritten"
        }
    };
    let op = operation.work.op();
    manager.metrics.operation(op, outcome, began.elapsed());
    if op == Op::Turn && outcome == "succeeded" {
        let took = manager.clock.now().duration_since(operation.started_at);
        manager.metrics.turn(took);
    }
}

/// A step, unless the operation was withdrawn or is too old.
async fn begin(manager: &Manager, operation: &Claimed) -> Progress {
    if operation.cancel_requested {
        return Err(EndError::Withdrawn.into());
    }
    let age = manager.clock.now().duration_since(operation.started_at);
    if operation.work.age_limit().is_some_and(|limit| age >= limit) {
        let last = last_wait(manager, operation).await?;
        let detail = format!("it took longer than {} min{last}", age.as_mins());
        return Err(Failure::never(FailureCode::EngineUnreachable, detail));
    }
    step(manager, operation).await
}

/// What the operation waited for, for the error of one that waited too long.
async fn last_wait(manager: &Manager, operation: &Claimed) -> Result<String, Failure> {
    let mut connection = manager.db.acquire().await?;
    let known = operations::get(&mut connection, operation.operation_id).await?;
    let waited = known.and_then(|known| known.waiting_for.or(known.error));
    Ok(waited.map_or_else(String::new, |waited| format!(", it waited for {waited}")))
}

async fn settle(
    manager: &Manager,
    operation: &Claimed,
    progress: Progress,
) -> Result<&'static str, EndError> {
    match progress {
        Ok(Step::Done) => {
            tracing::info!("the operation succeeded");
            Ok("succeeded")
        }
        Ok(Step::Wait(wait)) => {
            tracing::debug!(waiting_for = wait.reason, "the operation waits");
            park(manager, operation, &wait).await?;
            Ok("parked")
        }
        Err(Failure::End(EndError::Withdrawn)) => withdrawn(manager, operation).await,
        Err(Failure::End(EndError::Superseded)) => {
            cancelled(manager, operation, "the engine was made anew meanwhile").await
        }
        Err(Failure::End(error)) => Err(error),
        Err(Failure::Obsolete(why)) => cancelled(manager, operation, &why).await,
        Err(Failure::Outage(text)) => {
            tracing::warn!(
                error = text,
                "the driver does not answer; the operation waits"
            );
            let how = PutBack::Outage { waiting_for: &text };
            put_back(manager, operation, how, OUTAGE_WAIT).await?;
            Ok("outage")
        }
        Err(Failure::Fenced(found)) => {
            outcome::epoch_raised(&manager.db, operation, found, manager.clock.now()).await?;
            tracing::warn!(
                found,
                "an engine of a newer epoch is there; the operation begins anew"
            );
            refused(
                manager,
                operation,
                "internal: an engine of a newer epoch was there",
            )
            .await?;
            Ok("fenced")
        }
        Err(again @ Failure::Again { .. }) if operation.attempt < operation.max_attempts => {
            tracing::warn!(error = %again, attempt = operation.attempt, "the operation was refused; trying again");
            refused(manager, operation, &again.to_string()).await?;
            Ok("retried")
        }
        Err(Failure::Again { code, detail } | Failure::Never { code, detail }) => {
            tracing::error!(%code, detail, "the operation failed");
            give_up(manager, operation, code, &detail).await
        }
    }
}

async fn give_up(
    manager: &Manager,
    operation: &Claimed,
    code: FailureCode,
    detail: &str,
) -> Result<&'static str, EndError> {
    let log = match operation.work.op() {
        Op::Restart | Op::Patch => Some(manager.log_tail(operation.game_id).await),
        _ => None,
    };
    undo_start(manager, operation).await;
    let now = manager.clock.now();
    let log = log.filter(|log| !log.is_empty());
    outcome::failed(&manager.db, operation, code, detail, log, now).await?;
    Ok("failed")
}

/// Somebody took the operation back while it was under way: what a start has made is removed.
async fn withdrawn(manager: &Manager, operation: &Claimed) -> Result<&'static str, EndError> {
    undo_start(manager, operation).await;
    cancelled(manager, operation, "it was withdrawn").await
}

async fn cancelled(
    manager: &Manager,
    operation: &Claimed,
    why: &str,
) -> Result<&'static str, EndError> {
    tracing::info!(why, "the operation is not wanted any more");
    outcome::cancelled(&manager.db, operation, why, manager.clock.now()).await?;
    Ok("cancelled")
}

/// A start that does not go through leaves nothing behind. What cannot be removed now is removed by the next start, or by
/// reconciliation. Only what this operation or one before it has made is removed: the record is read under the lease, and
/// another process that takes the operation over takes a newer epoch, which the driver defends.
async fn undo_start(manager: &Manager, operation: &Claimed) {
    if operation.work.op() != Op::Start {
        return;
    }
    let record = match outcome::held_record(&manager.db, operation).await {
        Ok(record) if record.started_at.is_none() => record,
        Ok(_) => return,
        Err(error) => {
            tracing::warn!(%error, "what a failed start left is not removed by this process");
            return;
        }
    };
    match manager.undo(record.game_id, record.epoch).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the engine of a failed start is still ending"),
        Err(error) => tracing::warn!(%error, "what a failed start left cannot be removed now"),
    }
}

async fn park(manager: &Manager, operation: &Claimed, wait: &Wait) -> Result<(), EndError> {
    let waiting_for = &wait.reason;
    let how = if wait.spares_engine {
        PutBack::Outage { waiting_for }
    } else {
        PutBack::Park { waiting_for }
    };
    put_back(manager, operation, how, wait.time).await?;
    let game = operation.game_id;
    if manager.changes.have(game)
        && let Err(error) = manager.wake(game).await
    {
        tracing::debug!(%error, "a parked operation cannot be woken; it looks by itself");
    }
    Ok(())
}

async fn refused(manager: &Manager, operation: &Claimed, error: &str) -> Result<(), EndError> {
    let how = PutBack::Refused { error };
    put_back(manager, operation, how, BACKOFF.delay(operation.attempt)).await
}

async fn put_back(
    manager: &Manager,
    operation: &Claimed,
    how: PutBack<'_>,
    wait: Duration,
) -> Result<(), EndError> {
    let run_after = manager.clock.now() + SignedDuration::try_from(wait).unwrap_or_default();
    let mut connection = manager.db.acquire().await?;
    if operations::put_back(&mut connection, operation, how, run_after).await? {
        Ok(())
    } else {
        Err(EndError::NotHeld)
    }
}
