//! The schedule's ticks: due games get an operation `turn` and their next tick, in one transaction and in batches.

use galaxy_core::{FailureCode, RuntimeStatus, Timestamp};
use galaxy_store::{Db, Result, Topic, Tx};
use jiff::SignedDuration;

use crate::{
    events,
    schedule::{self, NoNextTurn},
    store::{self, records, scheduling::Due},
};

/// Games ticked at once.
pub const BATCH: u32 = 500;

/// What one look at the schedule gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// Games whose tick came.
    pub due: u32,
    /// Turns queued for them: not for those whose last turn still waits, or whose tick was to be skipped.
    pub queued: u32,
    /// How late each of the due games was.
    pub late: Vec<SignedDuration>,
}

/// Ticks up to [`BATCH`] due games. However late it is called, each gets one turn and its next tick after `now`.
pub async fn tick(db: &Db, now: Timestamp) -> Result<Tick> {
    let mut tx = db.begin().await?;
    let due = store::scheduling::lock_due(&mut tx, now, i64::from(BATCH)).await?;
    if due.is_empty() {
        return Ok(Tick::default());
    }
    let mut ticking = vec![];
    let mut nexts = vec![];
    for game in &due {
        match schedule::try_next_turn(&game.turn_schedule, &game.time_zone, now) {
            Ok(next) => {
                ticking.push(game);
                nexts.push(Some(next));
            }
            Err(reason) => stand_still(&mut tx, game, &reason, now).await?,
        }
    }
    store::scheduling::advance(&mut tx, &ticking, &nexts, now).await?;
    let queued = store::scheduling::queue_turns(&mut tx, &ticking, now).await?;
    for game in ticking.iter().filter(|game| game.skip) {
        // No turn will tell of the next tick.
        if let Some(record) = records::get(&mut tx, game.game).await? {
            events::snapshot_unseen(&mut tx, &record, now).await?;
        }
    }
    tx.notify(Topic::Runtime);
    tx.commit().await?;
    Ok(Tick {
        due: u32::try_from(due.len()).unwrap_or(u32::MAX),
        queued: u32::try_from(queued).unwrap_or(u32::MAX),
        late: due.iter().map(|game| now.duration_since(game.at)).collect(),
    })
}

/// Stops a game whose schedule gives no next turn: owner and operators are told, as of a turn that failed.
async fn stand_still(tx: &mut Tx, due: &Due, reason: &NoNextTurn, now: Timestamp) -> Result<()> {
    let Some(mut record) = records::lock(tx, due.game).await? else {
        return Ok(());
    };
    tracing::error!(game_id = %due.game, %reason, "a game has no next turn and stands still");
    record.status = RuntimeStatus::GenerationFailed;
    record.paused_at = record.paused_at.or(Some(now));
    record.next_turn_at = None;
    record.last_error = Some(format!("{}: {reason}", FailureCode::Internal));
    records::save(tx, &mut record, now).await?;
    events::snapshot_unseen(tx, &record, now).await?;
    let turn = record.current_turn + 1;
    events::generation_failed(tx, &record, turn, FailureCode::Internal).await
}

/// When the next game is due; `None` if none is.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>> {
    let mut connection = db.acquire().await?;
    store::scheduling::next_due(&mut connection).await
}
