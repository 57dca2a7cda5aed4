//! turn: the engine generates exactly the expected turn; an engine that is down is brought up first.

use galaxy_core::{EngineHealth, FailureCode, GameStage};
use galaxy_runtime::{
    Claimed, PlayerMapping, Record, RosterMismatch, TurnMode,
    engine::{EngineAddress, EngineStatus, TurnAnswer},
    outcome::{self, TurnBegin},
};

use super::{Failure, Progress, Step, Wait};
use crate::{
    Manager,
    bring_up::{BringUp, Target},
};

/// From this try on, the engine is replaced before it is asked: one that answers its probes may still be stuck.
const REPLACE_FROM: u32 = 3;

/// A turn as it is asked for.
struct Turn<'a> {
    manager: &'a Manager,
    operation: &'a Claimed,
    expected: u32,
    mode: TurnMode,
    record: Record,
    players: Vec<PlayerMapping>,
}

pub(super) async fn run(
    manager: &Manager,
    operation: &Claimed,
    expected: u32,
    mode: TurnMode,
) -> Progress {
    let (db, now) = (&manager.db, manager.clock.now());
    match outcome::turn_begun(db, operation, expected, mode, now).await? {
        TurnBegin::Go { record, players } => {
            let turn = Turn {
                manager,
                operation,
                expected,
                mode,
                record: *record,
                players,
            };
            turn.advance().await
        }
        TurnBegin::AlreadyThere => superfluous(manager, operation).await,
        TurnBegin::Obsolete(status) => Err(Failure::Obsolete(format!("the runtime is {status}"))),
    }
}

async fn superfluous(manager: &Manager, operation: &Claimed) -> Progress {
    outcome::turn_superfluous(&manager.db, operation, manager.clock.now()).await?;
    Ok(Step::Done)
}

impl Turn<'_> {
    async fn advance(mut self) -> Progress {
        let (engine, status) = match self.engine().await? {
            Some(found) => found,
            None if self.mode == TurnMode::Recognise => {
                return superfluous(self.manager, self.operation).await;
            }
            None => match self.bring_up().await? {
                Ok(found) => found,
                Err(wait) => return Ok(Step::Wait(wait)),
            },
        };
        self.check_players(&status)?;
        if status.generating {
            return Ok(Step::Wait(Wait::soon("the engine to generate the turn")));
        }
        if self.mode == TurnMode::Take || self.is_there(&status) {
            return self.write(&status).await;
        }
        if status.turn + 1 != self.expected {
            return Err(self.misplaced(&status));
        }
        match (&status.failed, self.mode) {
            (Some(failure), _) if self.operation.resumed => Err(Failure::again(
                FailureCode::EngineRefused,
                format!(
                    "the engine could not generate the turn: {}",
                    failure.message
                ),
            )),
            (_, TurnMode::Recognise) => superfluous(self.manager, self.operation).await,
            _ => self.generate(&engine).await,
        }
    }

    /// The game's engine and how it stands, if it is there.
    async fn engine(&self) -> Result<Option<(EngineAddress, EngineStatus)>, Failure> {
        let stuck = self.operation.attempt >= REPLACE_FROM && self.operation.epoch.is_none();
        if stuck && self.mode != TurnMode::Recognise {
            return Ok(None);
        }
        let Some(engine) = self.record.engine() else {
            return Ok(None);
        };
        let status = self.manager.status_of(&engine).await?;
        Ok(status.map(|status| (engine, status)))
    }

    /// Makes sure that the engine runs and answers, notes where, and asks how it stands; `Err` says what to wait for.
    async fn bring_up(&mut self) -> Result<Result<(EngineAddress, EngineStatus), Wait>, Failure> {
        if self.record.engine_health == EngineHealth::CrashLoop {
            let detail = "the engine ends by itself again and again";
            return Err(Failure::never(FailureCode::ContainerStartFailed, detail));
        }
        tracing::info!("the engine is not there for its turn; bringing it up");
        let target = Target::of(&self.record);
        let up = match self.manager.bring_up(self.operation, &target).await? {
            BringUp::Waiting(wait) => return Ok(Err(wait)),
            BringUp::Up(up, _) => up,
        };
        let now = self.manager.clock.now();
        self.record = outcome::attached(&self.manager.db, self.operation, &up, now).await?;
        let absent = || Failure::again(FailureCode::EngineUnreachable, "the engine is gone again");
        let engine = self.record.engine().ok_or_else(absent)?;
        let status = self.manager.status_of(&engine).await?;
        Ok(Ok((engine, status.ok_or_else(absent)?)))
    }

    async fn generate(&self, engine: &EngineAddress) -> Progress {
        match self.manager.engines.turn(engine, self.expected).await? {
            TurnAnswer::Accepted => Ok(Step::Wait(Wait::soon("the engine to generate the turn"))),
            TurnAnswer::Generated(status) => {
                self.check_players(&status)?;
                if self.is_there(&status) {
                    self.write(&status).await
                } else {
                    Err(self.misplaced(&status))
                }
            }
        }
    }

    async fn write(&self, status: &EngineStatus) -> Progress {
        let (grace, now) = (self.manager.finished_grace, self.manager.clock.now());
        let db = &self.manager.db;
        outcome::turn_generated(db, self.operation, status, grace, now).await?;
        Ok(Step::Done)
    }

    /// Only the turn that was asked for counts; a game that is over generates none.
    fn is_there(&self, status: &EngineStatus) -> bool {
        let over = status.stage == GameStage::Finished && status.turn + 1 == self.expected;
        status.turn == self.expected || over
    }

    fn misplaced(&self, status: &EngineStatus) -> Failure {
        Failure::never(
            FailureCode::EngineRefused,
            format!(
                "asked for turn {}, the engine is on turn {}; an operator can take the engine's turn",
                self.expected, status.turn
            ),
        )
    }

    fn check_players(&self, status: &EngineStatus) -> Result<(), Failure> {
        if status.game_id != self.record.game_id {
            let detail = format!("the engine answered for game {}", status.game_id);
            return Err(Failure::again(FailureCode::EngineRefused, detail));
        }
        RosterMismatch::check(&self.players, status)
            .map_err(|error| Failure::never(FailureCode::EngineRefused, error.to_string()))
    }
}
