//! Starting a game: its runtime record and the operation `start`, in the caller's transaction.

use galaxy_core::{GameId, OperationId, RuntimeStatus, Timestamp, entropy};
use galaxy_store::Tx;
use serde_json::{Map, Value};

use crate::{
    model::{EngineVersion, NewOperation, RequestError, RosterEntry, Work},
    operations, options,
    schedule::Schedule,
    store::records::{self, Beginning},
    versions,
};

/// What to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The game.
    pub game_id: GameId,
    /// Its name, which events tell.
    pub game_name: String,
    /// The kind of game.
    pub engine_name: String,
    /// The version to run, which must be enabled; `None`: the newest enabled.
    pub engine_version: Option<String>,
    /// As the version's schema takes them.
    pub options: Map<String, Value>,
    /// Five-field cron.
    pub turn_schedule: String,
    /// Of the schedule, an IANA name.
    pub time_zone: String,
    /// The players, at least one.
    pub roster: Vec<RosterEntry>,
    /// Who asks: `user:<id>`, `admin:<name>` or a part of the system.
    pub requested_by: String,
}

/// Queues the start; a game that was started before is refused with its status. The game is up when `runtime.operation_finished` says so.
pub async fn request(
    tx: &mut Tx,
    request: &StartRequest,
    now: Timestamp,
) -> Result<OperationId, RequestError> {
    request.turn_schedule.parse::<Schedule>()?;
    let named = request.engine_version.as_deref();
    let version = versions::chosen(tx, &request.engine_name, named)
        .await?
        .ok_or_else(|| RequestError::NoEngineVersion(request.engine_version.clone()))?;
    check(&version, request)?;
    let beginning = Beginning {
        game: request.game_id,
        game_name: &request.game_name,
        image_ref: &version.image_ref,
        engine_name: &version.engine_name,
        engine_version: &version.version,
        options: &request.options,
        seed: i64::from_be_bytes(entropy::bytes(&mut entropy::rng())) & i64::MAX,
        turn_schedule: &request.turn_schedule,
        time_zone: &request.time_zone,
    };
    if !records::begin(tx, &beginning, now).await? {
        let status = records::get(tx, request.game_id)
            .await?
            .map_or(RuntimeStatus::Removed, |record| record.status);
        return Err(RequestError::WrongStatus(status));
    }
    let operation = NewOperation {
        game_id: request.game_id,
        work: Work::Start {
            roster: request.roster.clone(),
        },
        requested_by: request.requested_by.clone(),
        run_after: now,
    };
    Ok(operations::queue(tx, &operation).await?)
}

/// The version may have changed, or be another one, since the game was made.
fn check(version: &EngineVersion, request: &StartRequest) -> Result<(), RequestError> {
    let players = request.roster.len();
    if !i32::try_from(players).is_ok_and(|players| version.takes(players)) {
        return Err(RequestError::PlayerLimits {
            players,
            version: version.id(),
            min: version.min_players,
            max: version.max_players,
        });
    }
    options::check(version.options_schema.as_ref(), &request.options).map_err(|problems| {
        RequestError::Options {
            version: version.id(),
            problems,
        }
    })
}
