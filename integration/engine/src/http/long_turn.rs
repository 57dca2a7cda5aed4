//! Turns that take longer than a call: answered with 202, generated in the background.
//!
//! The reference engine needs none. It has them for tests of the platform, which set a delay.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::App;
use crate::engine::EngineError;

/// The turn that is generated in the background, if there is one.
#[derive(Debug, Default)]
pub(super) struct LongTurns(Mutex<LongTurn>);

/// How the last long turn stands. Not kept over a restart: the caller asks again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum LongTurn {
    /// None was asked for, or it is there.
    #[default]
    None,
    /// Turn `n` comes.
    Generating(u32),
    /// It could not be generated.
    Failed(String),
}

impl LongTurn {
    /// Whether a turn is on its way to a game that is at `turn`.
    pub(super) fn is_generating(&self, turn: u32) -> bool {
        matches!(self, Self::Generating(expected) if *expected > turn)
    }

    pub(super) fn failure(self) -> Option<String> {
        match self {
            Self::Failed(message) => Some(message),
            _ => None,
        }
    }
}

impl LongTurns {
    pub(super) fn state(&self) -> LongTurn {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LongTurn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that `expected` comes; false if it was on its way already.
    fn begin(&self, expected: u32) -> bool {
        let mut turn = self.lock();
        let begins = !matches!(*turn, LongTurn::Generating(coming) if coming >= expected);
        if begins {
            *turn = LongTurn::Generating(expected);
        }
        begins
    }

    /// Takes note how it went, unless a later turn comes already.
    fn end(&self, expected: u32, ended: LongTurn) {
        let mut turn = self.lock();
        if *turn == LongTurn::Generating(expected) {
            *turn = ended;
        }
    }
}

impl App {
    /// Generates the turn after `delay`, on a thread that does not hold up the end of the process: what is not
    /// saved by then was not acknowledged.
    pub(super) fn generate_later(self: &Arc<Self>, expected: u32, delay: Duration) {
        if !self.long_turns.begin(expected) {
            return;
        }
        let app = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(delay);
            let generated = catch_unwind(AssertUnwindSafe(|| app.engine.generate(expected)));
            let ended = match generated {
                Ok(Ok(_)) => LongTurn::None,
                Ok(Err(EngineError::Game(refusal))) => LongTurn::Failed(refusal.to_string()),
                Ok(Err(error @ EngineError::Store(_))) => {
                    tracing::error!(%error, "a turn could not be saved");
                    LongTurn::Failed("the engine failed, see its log".to_owned())
                }
                Err(_) => LongTurn::Failed("the engine failed, see its log".to_owned()),
            };
            app.long_turns.end(expected, ended);
        });
    }
}
