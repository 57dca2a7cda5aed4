//! Calls to the runtime, in the transaction of the lobby's change.

use galaxy_core::{GameId, Timestamp};
use galaxy_events::catalogue::lobby::GameStarting;
use galaxy_runtime::{
    RequestError, RosterEntry, pause,
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
        engine_version: game.target_engine_version.clone(),
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

pub async fn pause(tx: &mut Tx, game_id: GameId, now: Timestamp) -> Result<(), Error> {
    pause::pause(tx, game_id, now).await?;
    Ok(())
}

pub async fn resume(tx: &mut Tx, game_id: GameId, now: Timestamp) -> Result<(), Error> {
    pause::resume(tx, game_id, now).await?;
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
            RequestError::Store(error) => return error.into(),
            error => return Self::Runtime(error.to_string()),
        };
        Refusal::RuntimeNotReady { status }.into()
    }
}
