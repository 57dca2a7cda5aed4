//! Starting an engine again on the state it left: because somebody asks, or because it ended or hung.

use galaxy_core::{EngineHealth, GameId, Incident, OperationId, RuntimeStatus, Timestamp};
use galaxy_store::{Result, Tx};

use crate::{
    events,
    model::{
        NewOperation, Record, RequestError, Work,
        restart_policy::{Decision, decide},
    },
    operations,
    store::records,
};

/// Queues a restart. A stopped game comes back running, or paused if it was paused. A crash loop is forgotten.
pub async fn request(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    now: Timestamp,
) -> std::result::Result<OperationId, RequestError> {
    let mut record = records::lock(tx, game_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let over = record.finished_at.is_some();
    let restartable = record.status.has_engine()
        || matches!(
            record.status,
            RuntimeStatus::Stopped | RuntimeStatus::Removed
        );
    if over || !restartable {
        return Err(RequestError::WrongStatus(record.status));
    }
    record.restarts = 0;
    record.restarted_at = None;
    if record.engine_health == EngineHealth::CrashLoop {
        record.engine_health = EngineHealth::Unreachable;
    }
    records::save(tx, &mut record, now).await?;
    Ok(queue(tx, game_id, requested_by, now).await?)
}

/// Why an engine is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It ended by itself.
    Ended {
        /// Exit status, 128 + the signal if one ended it.
        code: Option<i32>,
        /// Killed for the memory it used.
        oom: bool,
        /// The last lines of its log, printable, 2,000 characters at most.
        log: String,
    },
    /// It runs, and does not answer.
    Hung,
}

/// What was done about an engine in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// A restart is queued.
    Restarted(OperationId),
    /// It is a crash loop: owner and operators are told.
    GivenUp,
    /// The record has changed meanwhile, or an operation is on its way: nothing.
    Nothing,
}

/// Starts the engine of `seen` again, later with each time, until it is a crash loop.
pub async fn treat(
    tx: &mut Tx,
    seen: &Record,
    trouble: &Trouble,
    now: Timestamp,
) -> Result<Treatment> {
    let Some(mut record) = records::lock(tx, seen.game_id).await? else {
        return Ok(Treatment::Nothing);
    };
    let changed = record.epoch != seen.epoch || !record.status.has_engine();
    let given_up = record.engine_health == EngineHealth::CrashLoop;
    if changed || given_up || record.finished_at.is_some() || is_busy(tx, &record).await? {
        return Ok(Treatment::Nothing);
    }
    record.last_error = Some(describe(trouble));
    if let Trouble::Ended { code, oom, .. } = trouble {
        record.exit_code = *code;
        record.oom_killed = *oom;
    }
    let treatment = match decide(record.restarts, record.restarted_at, now) {
        Decision::RestartAt { at, restarts } => {
            record.restarts = restarts;
            record.restarted_at = Some(at);
            records::save(tx, &mut record, now).await?;
            if *trouble == Trouble::Hung {
                events::incident(tx, &record, Incident::HungReplaced, None).await?;
            }
            Treatment::Restarted(queue(tx, record.game_id, "reconciler", at).await?)
        }
        Decision::GiveUp => {
            record.endpoint = None;
            record.engine_health = EngineHealth::CrashLoop;
            if record.status == RuntimeStatus::Running {
                record.status = RuntimeStatus::EngineUnreachable;
            }
            records::save(tx, &mut record, now).await?;
            events::snapshot_unseen(tx, &record, now).await?;
            let log = match trouble {
                Trouble::Ended { log, .. } if !log.is_empty() => Some(log.clone()),
                _ => None,
            };
            events::incident(tx, &record, Incident::CrashLoop, log).await?;
            Treatment::GivenUp
        }
    };
    Ok(treatment)
}

async fn is_busy(tx: &mut Tx, record: &Record) -> Result<bool> {
    let busy = operations::busy(tx, &[record.game_id]).await?;
    Ok(!busy.is_empty())
}

fn describe(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Hung => "the engine runs but does not answer".to_owned(),
        Trouble::Ended { oom: true, .. } => {
            "the engine was killed because it used more memory than it may".to_owned()
        }
        Trouble::Ended {
            code: Some(code), ..
        } => format!("the engine ended with status {code}"),
        Trouble::Ended { code: None, .. } => "the engine ended".to_owned(),
    }
}

async fn queue(
    tx: &mut Tx,
    game_id: GameId,
    requested_by: &str,
    run_after: Timestamp,
) -> Result<OperationId> {
    let operation = NewOperation {
        game_id,
        work: Work::Restart {},
        requested_by: requested_by.to_owned(),
        run_after,
    };
    operations::queue(tx, &operation).await
}
