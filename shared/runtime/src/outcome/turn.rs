//! Turns: begun, generated, or not needed any more.

use galaxy_core::{EngineHealth, GameStage, Op, OperationStatus, RuntimeStatus, Timestamp};
use galaxy_events::{
    catalogue::runtime::{RuntimeGameFinished, TurnGenerated},
    outbox,
};
use galaxy_store::{Db, Tx};
use jiff::SignedDuration;

use super::{Outcome, conclude, open};
use crate::{
    engine::EngineStatus,
    events,
    model::{Claimed, NewOperation, PlayerMapping, Record, Seen, TurnMode, Work},
    operations,
    store::{players, records},
};

/// Whether to generate.
#[derive(Debug)]
pub enum TurnBegin {
    /// Yes; the record says so to the players.
    Go {
        /// The record as it stands.
        record: Box<Record>,
        /// Who must be in the engine's answer.
        players: Vec<PlayerMapping>,
    },
    /// The game has that turn already.
    AlreadyThere,
    /// The game is not to go on.
    Obsolete(RuntimeStatus),
}

/// Marks that `expected` is being generated, if it still is to be. A turn that is only looked for is not marked.
pub async fn turn_begun(
    db: &Db,
    operation: &Claimed,
    expected: u32,
    mode: TurnMode,
    now: Timestamp,
) -> Outcome<TurnBegin> {
    let (mut tx, mut record) = open(db, operation).await?;
    let wanted = match mode {
        TurnMode::Generate => record.status.is_playing(),
        TurnMode::Retry | TurnMode::Recognise | TurnMode::Take => record.status.has_engine(),
    };
    if !wanted || record.finished_at.is_some() {
        return Ok(TurnBegin::Obsolete(record.status));
    }
    if record.current_turn >= expected && mode != TurnMode::Take {
        return Ok(TurnBegin::AlreadyThere);
    }
    let players = players::of_game(&mut tx, record.game_id).await?;
    if mode.generates() && record.status != RuntimeStatus::GenerationInProgress {
        record.status = RuntimeStatus::GenerationInProgress;
        records::save(&mut tx, &mut record, now).await?;
        tx.commit().await?;
    }
    Ok(TurnBegin::Go {
        record: Box::new(record),
        players,
    })
}

/// Ends an operation whose turn another one has generated.
pub async fn turn_superfluous(db: &Db, operation: &Claimed, now: Timestamp) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    if record.status == RuntimeStatus::GenerationInProgress {
        record.status = record.resting_status();
    }
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    Ok(tx.commit().await?)
}

/// Writes what the engine made of the turn, which the caller has checked against the game's players. A finished game's engine is to be removed after `grace`.
pub async fn turn_generated(
    db: &Db,
    operation: &Claimed,
    status: &EngineStatus,
    grace: SignedDuration,
    now: Timestamp,
) -> Outcome {
    let (mut tx, mut record) = open(db, operation).await?;
    let advanced = status.turn > record.current_turn;
    record.current_turn = status.turn;
    record.engine_health = EngineHealth::Healthy;
    record.last_observed_at = Some(now);
    record.last_error = None;
    if status.stage == GameStage::Finished {
        record.finished_at = record.finished_at.or(Some(now));
        record.next_turn_at = None;
        record.skip_next_tick = false;
    }
    record.status = record.resting_status();
    let ended = OperationStatus::Succeeded;
    conclude(&mut tx, &mut record, operation, ended, None, now).await?;
    let mappings = players::of_game(&mut tx, record.game_id).await?;
    let seen = Seen {
        turn: status.turn,
        stage: status.stage,
        engine_health: record.engine_health,
        players: events::player_snapshots(&mappings, status),
    };
    events::snapshot(&mut tx, &record, &seen, now).await?;
    if advanced {
        let members = mappings
            .iter()
            .filter(|mapping| mapping.banished_at.is_none());
        let event = TurnGenerated {
            game_id: record.game_id,
            version: record.version,
            game_name: record.game_name.clone(),
            turn: status.turn,
            member_user_ids: members.map(|mapping| mapping.user_id).collect(),
        };
        outbox::append(&mut tx, &event).await?;
    }
    if status.stage == GameStage::Finished {
        finish(&mut tx, &record, seen, now + grace, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Tells that the game is over and queues the end of its engine.
async fn finish(
    tx: &mut Tx,
    record: &Record,
    seen: Seen,
    remove_at: Timestamp,
    now: Timestamp,
) -> Outcome {
    let event = RuntimeGameFinished {
        game_id: record.game_id,
        version: record.version,
        turn: seen.turn,
        players: seen.players,
    };
    outbox::append(tx, &event).await?;
    let pointless = [Op::Turn, Op::Banish, Op::Restart, Op::Patch, Op::Stop];
    operations::cancel(tx, record, &pointless, now).await?;
    let operation = NewOperation {
        game_id: record.game_id,
        work: Work::Remove {},
        requested_by: "runtime".to_owned(),
        run_after: remove_at,
    };
    operations::queue(tx, &operation).await?;
    Ok(())
}
