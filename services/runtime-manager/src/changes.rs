//! What the driver tells of an engine while an operation on its game is under way in this process. An operation that parks after
//! that looks again at once: the change came before it was there to be woken.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use galaxy_core::GameId;
use galaxy_runtime::operations;
use galaxy_store::{Result, Topic};
use parking_lot::Mutex;

use crate::Manager;

/// The games of the operations under way, and whether their engines have changed since. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Changes(Arc<Mutex<HashMap<GameId, Arc<AtomicBool>>>>);

/// Changes of one game's engine are noted until this is dropped.
pub(crate) struct Noted {
    changes: Changes,
    game: GameId,
    changed: Arc<AtomicBool>,
}

impl Changes {
    /// Begins to note changes of the game's engine. An operation that was parked may be taken up again before the [`Noted`] of
    /// its last step is dropped: the newer one counts.
    pub(crate) fn of(&self, game: GameId) -> Noted {
        let changed = Arc::<AtomicBool>::default();
        self.0.lock().insert(game, changed.clone());
        Noted {
            changes: self.clone(),
            game,
            changed,
        }
    }

    fn note(&self, game: GameId) {
        if let Some(changed) = self.0.lock().get(&game) {
            changed.store(true, Ordering::Release);
        }
    }

    /// Whether the game's engine has changed since the operation on it began.
    pub(crate) fn have(&self, game: GameId) -> bool {
        let of_games = self.0.lock();
        let changed = of_games.get(&game);
        changed.is_some_and(|changed| changed.load(Ordering::Acquire))
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let mut of_games = self.changes.0.lock();
        let current = of_games.get(&self.game);
        if current.is_some_and(|current| Arc::ptr_eq(current, &self.changed)) {
            of_games.remove(&self.game);
        }
    }
}

impl Manager {
    /// The driver told of a change of the game's engine: what waits for it looks again.
    pub async fn engine_changed(&self, game: GameId) -> Result<()> {
        // Before the database is asked: an operation that parks meanwhile reads it afterwards.
        self.changes.note(game);
        self.wake(game).await
    }

    /// Makes what is parked for the game due.
    pub(crate) async fn wake(&self, game: GameId) -> Result<()> {
        let mut tx = self.db.begin().await?;
        if operations::wake(&mut tx, game, self.clock.now()).await? {
            tx.notify(Topic::Runtime);
            tx.commit().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_during_an_operation_are_noted() {
        let (changes, game) = (Changes::default(), GameId::generate());
        changes.note(game);
        let noted = changes.of(game);
        assert!(!changes.have(game));
        changes.note(GameId::generate());
        assert!(!changes.have(game));
        changes.note(game);
        assert!(changes.have(game));
        drop(noted);
        assert!(!changes.have(game));
    }

    #[test]
    fn the_end_of_an_earlier_step_does_not_end_the_notes_of_the_next() {
        let (changes, game) = (Changes::default(), GameId::generate());
        let earlier = changes.of(game);
        let next = changes.of(game);
        drop(earlier);
        changes.note(game);
        assert!(changes.have(game));
        drop(next);
        assert!(changes.0.lock().is_empty());
    }
}
