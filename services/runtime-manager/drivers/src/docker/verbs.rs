//! The verbs: what they do at once, and what they leave to the background.

use std::{future::Future, sync::Arc, time::Duration};

use galaxy_core::GameId;

use super::{
    DockerDriver, Inner,
    jobs::{Progress, Seen},
    run,
    sight::{Found, Step},
};
use crate::{DriverError, DriverEvent, EngineSpec, Listing, Resolved, Result, Sight};

/// How long a verb waits for work that it began: for what is done at once. A caller that is told to wait is free for others.
const BEGIN_WAIT: Duration = Duration::from_millis(50);

/// What is being done about a game's engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    verb: Verb,
    epoch: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Apply,
    Sleep,
    Delete,
}

impl DockerDriver {
    pub(super) async fn resolve_image(&self, image: &str) -> Result<Resolved> {
        self.inner.resolve(&self.pulls, image).await
    }

    pub(super) async fn apply_spec(&self, spec: &EngineSpec) -> Result<Sight> {
        let work = Work {
            verb: Verb::Apply,
            epoch: spec.epoch,
        };
        if let Some(pending) = self.begin(spec.game, work)? {
            return Ok(pending);
        }
        let found = self.inner.inspect(spec.game).await?;
        match (run::step(found.as_ref(), spec), found) {
            (Step::Fenced(found), _) => Err(DriverError::Fenced { found }),
            (Step::Foreign, _) => Err(run::foreign()),
            (Step::Keep, Some(found)) => Ok(found.sight(&self.inner.network())),
            (_, found) => {
                if found.is_none() {
                    self.inner.check_node().await?;
                    self.inner.check_epoch(spec.game, spec.epoch).await?;
                }
                // Nothing is made, and nothing ended, for an engine that cannot be made.
                let image = self.inner.runnable(&spec.image, &spec.digest).await?;
                self.inner.body(spec, &image)?;
                let spec = spec.clone();
                self.go_on(spec.game, work, |inner, progress| async move {
                    inner.bring_up(&spec, &progress).await
                })
                .await
            }
        }
    }

    pub(super) async fn put_to_sleep(
        &self,
        game: GameId,
        epoch: i64,
        grace: Duration,
    ) -> Result<Sight> {
        let work = Work {
            verb: Verb::Sleep,
            epoch,
        };
        if let Some(pending) = self.begin(game, work)? {
            return Ok(pending);
        }
        match self.fenced(game, epoch).await?.filter(Found::runs) {
            None => self.inner.observe(game).await,
            Some(found) => {
                self.go_on(game, work, |inner, progress| async move {
                    progress.send_replace("the engine is asked to end".to_owned());
                    inner.end(&found.id, grace).await
                })
                .await
            }
        }
    }

    /// An engine that is being asked to end is killed: nobody waits for it any more.
    pub(super) async fn remove_engine(&self, game: GameId, epoch: i64) -> Result<Sight> {
        let work = Work {
            verb: Verb::Delete,
            epoch,
        };
        if self.begin(game, work)?.is_some() {
            if let Some(found) = self.fenced(game, epoch).await?.filter(Found::runs) {
                self.inner.signal(&found.id, "SIGKILL").await?;
            }
            self.engines.wait(&game, BEGIN_WAIT).await;
            if let Some(pending) = self.begin(game, work)? {
                return Ok(pending);
            }
        }
        match self.fenced(game, epoch).await? {
            None => self.inner.observe(game).await,
            Some(found) => {
                self.go_on(game, work, |inner, progress| async move {
                    progress.send_replace("the engine is being removed".to_owned());
                    inner.kill(&found.id).await?;
                    inner.remove(game, &found).await
                })
                .await
            }
        }
    }

    pub(super) async fn remove_state(&self, game: GameId, epoch: i64) -> Result<()> {
        let pending = self.under_way(game, epoch)?.is_some();
        if pending || self.fenced(game, epoch).await?.is_some() {
            return Err(DriverError::invalid("there is an engine on the state"));
        }
        self.inner.check_node().await?;
        self.inner.remove_state(game, epoch).await
    }

    pub(super) async fn look(&self, game: GameId) -> Result<Sight> {
        match self.pending(game) {
            Some(pending) => Ok(pending),
            None => self.inner.observe(game).await,
        }
    }

    pub(super) async fn list_engines(&self, page: Option<String>) -> Result<Listing> {
        let mut listing = self.inner.list(page).await?;
        for (game, sight) in &mut listing.engines {
            if let Some(pending) = self.pending(*game) {
                *sight = pending;
            }
        }
        Ok(listing)
    }

    /// Whether a verb must wait for work that is under way. What an earlier call of the same verb left behind comes out
    /// here, once.
    fn begin(&self, game: GameId, work: Work) -> Result<Option<Sight>> {
        if let Some(pending) = self.under_way(game, work.epoch)? {
            return Ok(Some(pending));
        }
        if let Some(Seen::Done { about, result, .. }) = self.engines.look(&game) {
            self.engines.forget(&game);
            if about == work {
                result?;
            }
        }
        Ok(None)
    }

    /// Begins work in the background, and tells what there is after a moment.
    async fn go_on<F>(
        &self,
        game: GameId,
        work: Work,
        body: impl FnOnce(Arc<Inner>, Progress) -> F,
    ) -> Result<Sight>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let inner = self.inner.clone();
        self.engines.begin(game, work, |progress| {
            let done = body(inner.clone(), progress);
            async move {
                let result = done.await;
                inner.events.tell(DriverEvent::Changed(game));
                result
            }
        });
        self.engines.wait(&game, BEGIN_WAIT).await;
        match self.begin(game, work)? {
            Some(pending) => Ok(pending),
            None => self.inner.observe(game).await,
        }
    }

    /// What is under way about the game. Errors: [`DriverError::Fenced`] if it is for a newer epoch.
    fn under_way(&self, game: GameId, epoch: i64) -> Result<Option<Sight>> {
        match self.pending(game) {
            Some(Sight::Pending { epoch: found, .. }) if found > epoch => {
                Err(DriverError::Fenced { found })
            }
            pending => Ok(pending),
        }
    }

    fn pending(&self, game: GameId) -> Option<Sight> {
        match self.engines.look(&game) {
            Some(Seen::Running { about, why }) => Some(Sight::Pending {
                epoch: about.epoch,
                why,
            }),
            _ => None,
        }
    }

    /// The container of the game. Errors: [`DriverError::Fenced`] if it is, or the last one was, of a newer epoch,
    /// [`DriverError::Invalid`] if it is not an engine of the game.
    async fn fenced(&self, game: GameId, epoch: i64) -> Result<Option<Found>> {
        let Some(found) = self.inner.inspect(game).await? else {
            self.inner.check_epoch(game, epoch).await?;
            return Ok(None);
        };
        match &found.tags {
            None => Err(run::foreign()),
            Some(tags) if tags.epoch > epoch => Err(DriverError::Fenced { found: tags.epoch }),
            Some(_) => Ok(Some(found)),
        }
    }
}
