//! What the driver tells of an engine while an operation on its game is under way in this process. An operation that parks after
//! that looks again at once: the change came before it was there to be woken.

use std::{collections::HashMap, sync::Arc};

use galaxy_core::GameId;
use galaxy_runtime::operations;
use galaxy_store::{Result, Topic};
use parking_lot::Mutex;

use crate::Manager;

/// The games of the operations under way, and whether their engines have changed since. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Changes(Arc<Mutex<HashMap<GameId, bool>>>);

/// Changes of one game's engine are noted until this is dropped.
pub(crate) struct Noted {
    changes: Changes,
    game: GameId,
}

impl Changes {
    /// Begins to note changes of the game's engine. At most one operation on a game is under way.
    pub(crate) fn of(&self, game: GameId) -> Noted {
        self.0.lock().insert(game, false);
        Noted {
            changes: self.clone(),
            game,
        }
    }

    fn note(&self, game: GameId) {
        if let Some(changed) = self.0.lock().get_mut(&game) {
            *changed = true;
        }
    }

    /// Whether the game's engine has changed since the operation on it began.
    pub(crate) fn have(&self, game: GameId) -> bool {
        self.0.lock().get(&game).is_some_and(|changed| *changed)
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.changes.0.lock().remove(&self.game);
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
}
