//! Watching engines: which are to be probed, and what a probe changes.
//!
//! Only changes are events. What was seen is kept as snapshots, the last [`KEPT`] of each game.

use galaxy_core::{EngineHealth, GameId, GameStage, RuntimeStatus, Timestamp};
use galaxy_events::{
    catalogue::runtime::{EngineRecovered, EngineUnreachable, PlayerSnapshot},
    outbox,
};
use galaxy_store::{Db, Result, Tx};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{Record, engine::Endpoint, outcome, records, store};

/// Misses in a row that make an engine unreachable.
pub const MISSES: u32 = 3;
/// Snapshots kept of each game.
pub const KEPT: i64 = 100;

/// An engine to be probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The game.
    pub game_id: GameId,
    /// Where its engine is.
    pub endpoint: Endpoint,
    /// What is known so far.
    pub health: EngineHealth,
    /// Misses in a row so far.
    pub missed: u32,
}

/// What was seen of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The turn.
    pub turn: u32,
    /// How far the game has come.
    pub stage: GameStage,
    /// What the probe found.
    pub engine_health: EngineHealth,
    /// All players.
    pub players: Vec<PlayerSnapshot>,
}

/// Takes up to `limit` engines that were not looked at for `interval`, the longest forgotten first. No other replica
/// gets them until `interval` has passed again.
pub async fn claim(
    db: &Db,
    interval: SignedDuration,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Probe>> {
    let mut connection = db.acquire().await?;
    store::health::claim(&mut connection, now - interval, i64::from(limit), now).await
}

/// Notes that the engine answered. Writes only if it did not before.
pub async fn hit(db: &Db, probe: &Probe, now: Timestamp) -> Result<()> {
    if probe.missed == 0 && probe.health == EngineHealth::Healthy {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    let Some(mut record) = locked_same(&mut tx, probe).await? else {
        return Ok(());
    };
    store::health::set_missed(&mut tx, probe.game_id, 0).await?;
    let was = std::mem::replace(&mut record.engine_health, EngineHealth::Healthy);
    if was != EngineHealth::Healthy {
        if record.status == RuntimeStatus::EngineUnreachable {
            record.status = RuntimeStatus::Running;
        }
        store::records::save(&mut tx, &mut record, now).await?;
        note(&mut tx, &record, now).await?;
        if was == EngineHealth::Unreachable {
            let event = EngineRecovered {
                game_id: record.game_id,
                version: record.version,
                game_name: record.game_name.clone(),
            };
            outbox::append(&mut tx, &event).await?;
        }
    }
    tx.commit().await
}

/// Notes that the engine did not answer; after [`MISSES`] in a row it is unreachable. Says whether this made it so.
pub async fn miss(db: &Db, probe: &Probe, why: &str, now: Timestamp) -> Result<bool> {
    let mut tx = db.begin().await?;
    let Some(mut record) = locked_same(&mut tx, probe).await? else {
        return Ok(false);
    };
    let missed = probe.missed.saturating_add(1);
    store::health::set_missed(&mut tx, probe.game_id, missed).await?;
    let lost = missed >= MISSES && record.engine_health != EngineHealth::Unreachable;
    if lost {
        record.engine_health = EngineHealth::Unreachable;
        record.last_error = Some(why.to_owned());
        if record.status == RuntimeStatus::Running {
            record.status = RuntimeStatus::EngineUnreachable;
        }
        store::records::save(&mut tx, &mut record, now).await?;
        note(&mut tx, &record, now).await?;
        let event = EngineUnreachable {
            game_id: record.game_id,
            version: record.version,
            game_name: record.game_name.clone(),
        };
        outbox::append(&mut tx, &event).await?;
    }
    tx.commit().await?;
    Ok(lost)
}

/// The last thing seen of a game's engine.
pub async fn latest(connection: &mut PgConnection, game: GameId) -> Result<Option<Seen>> {
    store::health::latest(connection, game).await
}

/// The record, if the engine that was probed is still the one it names.
async fn locked_same(tx: &mut Tx, probe: &Probe) -> Result<Option<Record>> {
    let record = records::lock(tx, probe.game_id).await?;
    Ok(record.filter(|record| record.endpoint.as_ref() == Some(&probe.endpoint)))
}

/// A snapshot of the changed health, with the players as they were last seen.
async fn note(tx: &mut Tx, record: &Record, now: Timestamp) -> Result<()> {
    let mut seen = latest(tx, record.game_id).await?.unwrap_or(Seen {
        turn: record.current_turn,
        stage: GameStage::Created,
        engine_health: record.engine_health,
        players: vec![],
    });
    seen.engine_health = record.engine_health;
    outcome::snapshot(tx, record, &seen, now).await
}
