//! What the runtime tells others: snapshots of changed records, and incidents.

use galaxy_core::{FailureCode, GameStage, Incident, Timestamp};
use galaxy_events::{
    catalogue::runtime::{EngineIncident, GenerationFailed, PlayerSnapshot, RuntimeSnapshot},
    outbox,
};
use galaxy_store::{Result, Tx};

use crate::{
    engine::EngineStatus,
    model::{PlayerMapping, Record, Seen},
    store::{health, players},
};

/// Keeps what was seen and tells the lobby.
pub(crate) async fn snapshot(
    tx: &mut Tx,
    record: &Record,
    seen: &Seen,
    now: Timestamp,
) -> Result<()> {
    health::insert(tx, record.game_id, seen, now).await?;
    let event = RuntimeSnapshot {
        game_id: record.game_id,
        version: record.version,
        turn: seen.turn,
        stage: seen.stage.into(),
        runtime_status: record.status.into(),
        engine_health: record.engine_health.into(),
        next_turn_at: record.next_turn_at,
        players: seen.players.clone(),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// A snapshot of a changed record whose engine was not asked: players as they were last seen.
pub(crate) async fn snapshot_unseen(tx: &mut Tx, record: &Record, now: Timestamp) -> Result<()> {
    let mut seen = health::latest(tx, record.game_id).await?.unwrap_or(Seen {
        turn: record.current_turn,
        stage: GameStage::Created,
        engine_health: record.engine_health,
        players: vec![],
    });
    seen.engine_health = record.engine_health;
    snapshot(tx, record, &seen, now).await
}

/// What the engine's status says, with our players' ids.
pub(crate) async fn seen(tx: &mut Tx, record: &Record, status: &EngineStatus) -> Result<Seen> {
    let mappings = players::of_game(tx, record.game_id).await?;
    Ok(Seen {
        turn: status.turn,
        stage: status.stage,
        engine_health: record.engine_health,
        players: player_snapshots(&mappings, status),
    })
}

pub(crate) fn player_snapshots(
    mappings: &[PlayerMapping],
    status: &EngineStatus,
) -> Vec<PlayerSnapshot> {
    let of_race = |name: &str| mappings.iter().find(|mapping| mapping.race_name == name);
    let snapshots = status.players.iter().filter_map(|player| {
        Some(PlayerSnapshot {
            user_id: of_race(&player.race_name)?.user_id,
            race_name: player.race_name.clone(),
            planets: player.planets,
            population: player.population,
            max_planets: player.max_planets,
            max_population: player.max_population,
            initial_planets: player.initial_planets,
            initial_population: player.initial_population,
            active: player.active,
        })
    });
    snapshots.collect()
}

/// Tells that turn `turn` could not be generated, with the record's last error, and that the game stands still.
pub(crate) async fn generation_failed(
    tx: &mut Tx,
    record: &Record,
    turn: u32,
    code: FailureCode,
) -> Result<()> {
    let event = GenerationFailed {
        game_id: record.game_id,
        version: record.version,
        game_name: record.game_name.clone(),
        turn,
        error: code.into(),
        detail: record.last_error.clone(),
        engine_version: record.engine_version.clone(),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// Tells owner and operators what befell the engine. `log` is the end of its log, printable.
pub(crate) async fn incident(
    tx: &mut Tx,
    record: &Record,
    incident: Incident,
    log: Option<String>,
) -> Result<()> {
    let event = EngineIncident {
        game_id: record.game_id,
        version: record.version,
        game_name: record.game_name.clone(),
        incident: incident.into(),
        engine_version: record.engine_version.clone(),
        error: record.last_error.clone(),
        exit_code: record.exit_code,
        oom_killed: record.oom_killed,
        log,
    };
    outbox::append(tx, &event).await?;
    Ok(())
}
