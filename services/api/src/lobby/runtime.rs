//! Calls to the runtime, in the transaction of the lobby's change.

use galaxy_core::{GameId, GameStage, Timestamp};
use galaxy_events::catalogue::{lobby::GameStarting, runtime::RuntimeSnapshot};
use galaxy_runtime::{
    Record, RequestError, RosterEntry,
    options::OptionProblem,
    pause, records,
    start::{self, StartRequest},
    stop,
};
use galaxy_store::Tx;

use super::{
    enrollment, events,
    game::Game,
    model::{Action, GameStatus},
    refusal::{Error, Refusal},
    store,
};

/// Moves the locked game to `starting` and queues the start of its engine with the active members as roster.
pub async fn start(
    tx: &mut Tx,
    game: &mut Game,
    action: Action,
    requested_by: String,
    now: Timestamp,
) -> Result<(), Error> {
    let was_enrolling = game.status == GameStatus::EnrollmentOpen;
    game.start(action)?;
    let members = store::memberships::active(tx, game.game_id).await?;
    let roster = members
        .into_iter()
        .map(|member| RosterEntry {
            user_id: member.user_id,
            race_name: member.race_name,
        })
        .collect();
    let request = StartRequest {
        game_id: game.game_id,
        game_name: game.game_name.clone(),
        engine_name: game.engine_name.clone(),
        engine_version: game.target_engine_version.clone(),
        options: game.options_object(),
        turn_schedule: game.turn_schedule.clone(),
        time_zone: game.time_zone.clone(),
        roster,
        requested_by,
    };
    match start::request(tx, &request, now).await {
        // The lobby's own status should have refused it.
        Err(error @ RequestError::WrongStatus(_)) => return Err(Error::Runtime(error.to_string())),
        started => started?,
    };
    store::games::save(tx, game, now).await?;
    if was_enrolling {
        enrollment::close(tx, game, now).await?;
    }
    events::game(tx, game, |roster| GameStarting { roster }).await?;
    Ok(())
}

/// Stops the schedule of the locked game. The caller saves the game.
pub async fn pause(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<(), Error> {
    let record = pause::pause(tx, game.game_id, now).await?;
    see(tx, game, &record, now).await
}

/// Lets the turns of the locked game go on. The caller saves the game.
///
/// A game that does not stand still is refused, unless its runtime does: then the two disagree, and this brings them together.
/// A runtime that runs already stays as it is.
pub async fn resume(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<(), Error> {
    let disagrees = game.status == GameStatus::Running
        && records::lock(tx, game.game_id)
            .await?
            .is_some_and(|record| record.paused_at.is_some());
    if !disagrees {
        game.resume()?;
    }
    let record = pause::resume(tx, game.game_id, now).await?;
    see(tx, game, &record, now).await
}

/// Takes over what the lobby has just done to the runtime, so that events of an older version are known to be old.
async fn see(tx: &mut Tx, game: &mut Game, record: &Record, now: Timestamp) -> Result<(), Error> {
    let view = RuntimeSnapshot {
        game_id: game.game_id,
        version: record.version,
        turn: record.current_turn,
        stage: GameStage::Running.into(),
        runtime_status: record.status.into(),
        engine_health: record.engine_health.into(),
        next_turn_at: record.next_turn_at,
        players: vec![],
    };
    if store::games::save_runtime_view(tx, &view, now).await? {
        game.version += 1;
        game.current_turn = Some(i32::try_from(view.turn).unwrap_or(i32::MAX));
        game.runtime_status = Some(record.status.to_string());
        game.engine_health = Some(record.engine_health.to_string());
        game.next_turn_at = view.next_turn_at;
    }
    Ok(())
}

/// Ends the game's engine for good. Without an engine it does nothing.
pub async fn end(tx: &mut Tx, game_id: GameId, by: &str, now: Timestamp) -> Result<(), Error> {
    match stop::finish(tx, game_id, by, now).await {
        Ok(_) | Err(RequestError::NotFound | RequestError::WrongStatus(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        let status = match error {
            RequestError::NotFound => "absent",
            RequestError::WrongStatus(status) => status.as_str(),
            RequestError::NoEngineVersion(_) => return Refusal::NoEngineVersion.into(),
            RequestError::PlayerLimits {
                players,
                version,
                min,
                max,
            } => {
                let players = i32::try_from(players).unwrap_or(i32::MAX);
                return Refusal::PlayerLimits {
                    players,
                    version,
                    min,
                    max,
                }
                .into();
            }
            RequestError::Options { version, problems } => {
                let problems = said(&problems);
                return Refusal::OptionsInvalid { version, problems }.into();
            }
            RequestError::Store(error) => return error.into(),
            error => return Self::Runtime(error.to_string()),
        };
        Refusal::RuntimeNotReady { status }.into()
    }
}

/// `options/planets: 99 is greater than the maximum of 12, …`
fn said(problems: &[OptionProblem]) -> String {
    let problems = problems
        .iter()
        .map(|problem| format!("options{} {}", problem.pointer, problem.reason));
    problems.collect::<Vec<_>>().join(", ")
}
