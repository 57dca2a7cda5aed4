//! Applies the runtime's events to games. The inbox lets each event through once; an event that a game's status no longer
//! takes changes nothing, and a failure that the runtime has left behind meanwhile, by its version, changes nothing either.
//! Events may arrive in another order than they were written; a start and an end are told once, whatever came before.

use std::time::Duration;

use galaxy_core::{Clock, FailureCode, GameId, Op, OpenEnum, Timestamp};
use galaxy_events::{
    AnyEvent, Envelope, Handler, Verdict,
    catalogue::{
        lobby::{GameStarted, TurnFailure},
        runtime::{GenerationFailed, OperationFinished, RuntimeGameFinished, RuntimeSnapshot},
    },
    consumer,
};
use galaxy_store::{Error as StoreError, Tx};

use super::{
    cancellation, events, finish,
    game::Game,
    model::{Action, GameStatus},
    owner_notices,
    refusal::Error,
    runtime, store,
};

/// How the consumer of [`RuntimeEvents`] runs.
pub const CONSUMER: consumer::Options = consumer::Options {
    name: "api",
    subjects: &["galaxy.events.runtime.*"],
    loops: 2,
};

/// The event arrived before the one that it follows.
const TOO_EARLY: Verdict = Verdict::Again(Duration::from_secs(1));

/// Applies events of runtime managers.
#[derive(Debug, Clone)]
pub struct RuntimeEvents {
    pub clock: Clock,
}

impl Handler for RuntimeEvents {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> galaxy_store::Result<Verdict> {
        let now = self.clock.now();
        let applied = match event.event() {
            Ok(Some(AnyEvent::OperationFinished(event))) => {
                operation_finished(tx, &event, now).await
            }
            Ok(Some(AnyEvent::RuntimeSnapshot(view))) => snapshot(tx, &view, now).await,
            Ok(Some(AnyEvent::GenerationFailed(event))) => generation_failed(tx, &event, now).await,
            Ok(Some(AnyEvent::RuntimeGameFinished(event))) => game_finished(tx, &event, now).await,
            Ok(Some(AnyEvent::EngineIncident(incident))) => {
                owner_notices::incident(tx, &incident, event.time).await
            }
            Ok(Some(AnyEvent::EngineRecovered(recovered))) => {
                owner_notices::recovered(tx, &recovered, event.time).await
            }
            Ok(_) => Ok(Verdict::Done),
            Err(error) => Ok(Verdict::Never(error.to_string())),
        };
        applied.or_else(verdict)
    }
}

/// A refused event is done: the game changed meanwhile, so there is nothing left to apply.
fn verdict(error: Error) -> Result<Verdict, StoreError> {
    match error {
        Error::Store(error) => Err(error),
        Error::Refused(_) => Ok(Verdict::Done),
        error => Ok(Verdict::Never(error.to_string())),
    }
}

async fn lock(tx: &mut Tx, game_id: GameId) -> Result<Game, Error> {
    store::games::lock(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))
}

async fn operation_finished(
    tx: &mut Tx,
    event: &OperationFinished,
    now: Timestamp,
) -> Result<Verdict, Error> {
    if event.op != Op::Start {
        return Ok(Verdict::Done);
    }
    let mut game = lock(tx, event.game_id).await?;
    if event.succeeded {
        game.started(now)?;
        store::games::save(tx, &mut game, now).await?;
        events::game(tx, &game, |roster| GameStarted { roster }).await?;
        if game.handed_over_at.is_some() {
            pause_orphan(tx, &mut game, now).await?;
        }
    } else {
        let code = event
            .error
            .clone()
            .unwrap_or(OpenEnum::Known(FailureCode::Internal));
        game.start_failed(&code.to_string())?;
        store::games::save(tx, &mut game, now).await?;
        events::start_failed(tx, &game, &code).await?;
        if game.handed_over_at.is_some() {
            // Nobody is left to try again.
            cancellation::cancel(tx, &mut game, now).await?;
        }
    }
    Ok(Verdict::Done)
}

/// Pauses a game whose owner left while it was starting, until an operator resumes it.
async fn pause_orphan(tx: &mut Tx, game: &mut Game, now: Timestamp) -> Result<(), Error> {
    game.pause("owner_left")?;
    runtime::pause(tx, game, now).await?;
    store::games::save(tx, game, now).await?;
    events::paused(tx, game, None).await?;
    Ok(())
}

async fn snapshot(tx: &mut Tx, view: &RuntimeSnapshot, now: Timestamp) -> Result<Verdict, Error> {
    if !store::games::save_runtime_view(tx, view, now).await? {
        tracing::debug!(game_id = %view.game_id, version = view.version, "an older snapshot was ignored");
    }
    Ok(Verdict::Done)
}

/// The runtime has stopped the schedule, so the game is paused.
async fn generation_failed(
    tx: &mut Tx,
    event: &GenerationFailed,
    now: Timestamp,
) -> Result<Verdict, Error> {
    let mut game = lock(tx, event.game_id).await?;
    if game.status == GameStatus::Starting {
        return Ok(TOO_EARLY);
    }
    if store::games::is_failure_past(tx, event.game_id, event.version).await? {
        tracing::info!(game_id = %event.game_id, version = event.version, "a failed turn that is past was ignored");
        return Ok(Verdict::Done);
    }
    game.pause("generation_failed")?;
    store::games::save(tx, &mut game, now).await?;
    let failure = TurnFailure {
        turn: event.turn,
        error: event.error.clone(),
        engine_version: event.engine_version.clone(),
    };
    events::paused(tx, &game, Some(failure)).await?;
    Ok(Verdict::Done)
}

async fn game_finished(
    tx: &mut Tx,
    event: &RuntimeGameFinished,
    now: Timestamp,
) -> Result<Verdict, Error> {
    let mut game = lock(tx, event.game_id).await?;
    if game.status == GameStatus::Starting {
        return Ok(TOO_EARLY);
    }
    finish::finish(tx, &mut game, Action::Finish, &event.players, now).await?;
    Ok(Verdict::Done)
}
