//! The game behind the API: one lock; an answer is sent only after the change it reports is on the disk.
//!
//! All calls block (file I/O, a turn's work) and belong on a blocking thread. One lock is enough: a
//! turn of the largest game takes a fraction of a second, everything else milliseconds.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::{
    game::{ActionResults, Command, Game, GameError, NewGame, Order, Report, Status},
    store::{StateDir, StoreError},
};

/// One engine: a directory and the game in it, once there is one.
#[derive(Debug)]
pub struct Engine {
    dir: StateDir,
    max_turns: u32,
    game: Mutex<Option<Arc<Game>>>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The rules say no.
    #[error(transparent)]
    Game(#[from] GameError),
    /// The state cannot be read or written; nothing was acknowledged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes up the game in the directory, if there is one. `max_turns` is for a new game.
    pub fn open(dir: StateDir, max_turns: u32) -> Result<Self, StoreError> {
        let game = Mutex::new(dir.load()?.map(Arc::new));
        Ok(Self {
            dir,
            max_turns,
            game,
        })
    }

    /// Sets the game up; repeated for the same game, it returns the status.
    pub fn init(&self, new: &NewGame) -> Result<Status, EngineError> {
        let mut slot = self.game.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(game) = slot.as_ref() {
            game.is_same(new)?;
            return Ok(game.status());
        }
        let game = Game::create(new, self.max_turns)?;
        self.dir.save(&game)?;
        let status = game.status();
        *slot = Some(Arc::new(game));
        Ok(status)
    }

    /// The game that was set up here.
    pub fn game_id(&self) -> Option<Uuid> {
        Some(self.game().ok()?.game_id)
    }

    /// How the game stands.
    pub fn status(&self) -> Result<Status, EngineError> {
        Ok(self.game()?.status())
    }

    /// Generates turn `expected`, unless it was generated before. The old turn is archived first:
    /// if that is as far as we get, the next attempt writes the same file again.
    pub fn generate(&self, expected: u32) -> Result<Status, EngineError> {
        self.change(|game| {
            let before = game.clone();
            let generated = game.generate(expected)?;
            if generated {
                self.dir.archive(&before)?;
            }
            Ok(game.status())
        })
    }

    /// Takes a race out of the game.
    pub fn banish(&self, race_name: &str) -> Result<(), EngineError> {
        self.change(|game| Ok(game.banish(race_name).map(drop)?))
    }

    /// Carries commands out.
    pub fn command(
        &self,
        player: Uuid,
        commands: &[Command],
    ) -> Result<ActionResults, EngineError> {
        self.change(|game| Ok(game.command(player, commands)?))
    }

    /// Replaces a player's orders for the next turn.
    pub fn order(&self, player: Uuid, orders: Vec<Order>) -> Result<ActionResults, EngineError> {
        self.change(|game| Ok(game.order(player, orders)?))
    }

    /// A player's view of a turn: the current one as it stands, with commands carried out and
    /// orders stored since; a past one as it was left.
    pub fn report(&self, player: Uuid, turn: u32) -> Result<Report, EngineError> {
        let game = self.game()?;
        if turn == game.turn {
            return Ok(game.report(player)?);
        }
        game.race_of(player).ok_or(GameError::UnknownPlayer)?;
        let unknown = GameError::UnknownTurn {
            turn,
            current: game.turn,
        };
        let past = if turn < game.turn {
            self.dir.recall(turn)?
        } else {
            None
        };
        Ok(past.ok_or(unknown)?.report(player)?)
    }

    /// The game as it stands; later changes do not show in it.
    fn game(&self) -> Result<Arc<Game>, GameError> {
        self.game
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(GameError::NoGame)
    }

    /// Changes a copy, saves it, and only then lets it be seen. A panic inside leaves the game as
    /// it was, so a poisoned lock can be used.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Game) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut slot = self.game.lock().unwrap_or_else(PoisonError::into_inner);
        let game = slot.as_ref().ok_or(GameError::NoGame)?;
        let mut changed = Game::clone(game);
        let answer = change(&mut changed)?;
        if changed != **game {
            self.dir.save(&changed)?;
            *slot = Some(Arc::new(changed));
        }
        Ok(answer)
    }
}
