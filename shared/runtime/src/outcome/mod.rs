//! How operations end: the outcome, the runtime record and the events, in one transaction, fenced by the lease.
//!
//! Each function opens its transaction, locks the record, checks that the operation is still held, writes and commits.
//! A late holder gets [`EndError::NotHeld`] and has changed nothing.

mod banish;
mod down;
mod failure;
mod turn;
mod up;

use galaxy_core::{FailureCode, GameId, OperationStatus, Timestamp};
use galaxy_events::{
    catalogue::runtime::{OperationFinished, PlayerSnapshot, RuntimeSnapshot},
    outbox,
};
use galaxy_store::{Db, Result, Topic, Tx};

pub use banish::banished;
pub use down::{detached, gone, removed, stopped};
pub use failure::{cancelled, failed};
pub use turn::{TurnBegin, turn_begun, turn_generated, turn_superfluous};
pub use up::{EngineUp, adopted, attached, came_up, started};

use crate::{
    PlayerMapping, Record,
    engine::EngineStatus,
    health::Seen,
    operations::{Claimed, EndError},
    players, records, store,
};

type Outcome<T = ()> = std::result::Result<T, EndError>;

/// Begins the transaction of an outcome: the record is locked, the operation is held until it ends.
async fn open(db: &Db, operation: &Claimed) -> Outcome<(Tx, Record)> {
    let mut tx = db.begin().await?;
    let record = records::lock(&mut tx, operation.game_id).await?;
    let held = store::leases::is_held(&mut tx, operation).await?;
    match record {
        Some(record) if held => Ok((tx, record)),
        _ => Err(EndError::NotHeld),
    }
}

/// Saves the record and ends the operation, with its event. `error` is a code and a detail.
async fn conclude(
    tx: &mut Tx,
    record: &mut Record,
    operation: &Claimed,
    status: OperationStatus,
    error: Option<(FailureCode, &str)>,
    now: Timestamp,
) -> Outcome {
    store::records::save(tx, record, now).await?;
    let text = error.map(|(code, detail)| format!("{code}: {detail}"));
    match store::leases::conclude(tx, operation, status, text.as_deref(), now).await? {
        None => return Err(EndError::NotHeld),
        // What waited for this one can be claimed from now on.
        Some(true) => tx.notify(Topic::Runtime),
        Some(false) => {}
    }
    let event = OperationFinished {
        game_id: record.game_id,
        version: record.version,
        operation_id: operation.operation_id,
        op: operation.work.op().into(),
        succeeded: status == OperationStatus::Succeeded,
        error: error.map(|(code, _)| code.into()),
    };
    outbox::append(tx, &event).await?;
    Ok(())
}

/// Keeps what was seen and tells the lobby.
pub(crate) async fn snapshot(
    tx: &mut Tx,
    record: &Record,
    seen: &Seen,
    now: Timestamp,
) -> Result<()> {
    store::health::insert(tx, record.game_id, seen, now).await?;
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
    let Some(mut seen) = store::health::latest(tx, record.game_id).await? else {
        return Ok(());
    };
    seen.engine_health = record.engine_health;
    snapshot(tx, record, &seen, now).await
}

/// What the engine's status says, with our players' ids.
async fn seen(tx: &mut Tx, record: &Record, status: &EngineStatus) -> Result<Seen> {
    let mappings = players::of_game(tx, record.game_id).await?;
    Ok(Seen {
        turn: status.turn,
        stage: status.stage,
        engine_health: record.engine_health,
        players: player_snapshots(&mappings, status),
    })
}

fn player_snapshots(mappings: &[PlayerMapping], status: &EngineStatus) -> Vec<PlayerSnapshot> {
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

/// Whether `status` is that of `game`; an engine that plays another game is not to be listened to.
fn is_of(status: &EngineStatus, game: GameId) -> bool {
    status.game_id == game
}
