//! The verbs about engines. Each does what can be done now, and tells what is waited for.

use std::time::Duration;

use galaxy_core::GameId;
use kube::api::{DeleteParams, Patch, Preconditions};

use super::{
    Inner,
    claim::{apply_params, post_params},
    end::AT_ONCE,
    error::{driver_error, unless_changed},
    found::{Found, Set, Step},
    image::Image,
    look::changing,
    manifest,
    pod::Phase,
};
use crate::{DriverError, EngineSpec, Exit, Result, Sight};

/// How often an engine that somebody else changes is looked at again.
const ROUNDS: usize = 20;

impl Inner {
    /// See [`crate::Driver::apply`].
    pub(super) async fn apply(&self, spec: &EngineSpec) -> Result<Sight> {
        let waits = |why: String| Sight::Pending {
            epoch: spec.epoch,
            why,
        };
        for _ in 0..ROUNDS {
            let found = self.look(spec.game).await?;
            let step = found.step(spec);
            match step {
                Step::Fenced(found) => return Err(DriverError::Fenced { found }),
                Step::Foreign => return Err(foreign()),
                Step::Wait(why) => return Ok(waits(why.to_owned())),
                Step::Keep => return self.kept(spec.game, &found).await,
                Step::Make | Step::Start | Step::End | Step::Remove => {}
            }
            // Nothing is made, and nothing ended, for an engine that cannot be made.
            let image = match self.runnable(&spec.image, &spec.digest).await? {
                Image::Ready(image) => image,
                Image::Pulling(why) => return Ok(waits(format!("the image: {why}"))),
            };
            self.carry_out(&step, spec, &image, &found).await?;
        }
        Err(changing())
    }

    /// An engine that is as it should be. Errors: what it will never come up for.
    async fn kept(&self, game: GameId, found: &Found) -> Result<Sight> {
        let phase = found.pod.as_ref().map(|pod| &pod.phase);
        if let Some(Phase::NoImage(why)) = phase {
            return Err(DriverError::no_image(why));
        }
        let waits = found.set.as_ref().filter(|set| set.awake);
        if let (Some(set), None) = (waits, &found.pod)
            && let Some(why) = self.refusal(&set.uid).await
            && why.contains("exceeded quota")
        {
            return Err(DriverError::no_capacity(why));
        }
        self.sight(game, found).await
    }

    /// What has changed since it was read is read again by the caller.
    async fn carry_out(
        &self,
        step: &Step,
        spec: &EngineSpec,
        image: &str,
        found: &Found,
    ) -> Result<()> {
        let (game, epoch) = (spec.game, spec.epoch);
        // A spec that cannot be kept is refused before the epoch is taken.
        let set = manifest::set(spec, image, &self.names, &self.config, None)?;
        let claim = self.take_epoch(game, epoch, found.claim.as_ref()).await?;
        let Some(claim) = claim else {
            return Ok(());
        };
        match (step, &found.set) {
            (Step::Make, _) => {
                let made = self.api.sets.create(&post_params(), &set).await;
                unless_changed(made).map(|_| ())
            }
            (Step::Start, Some(set)) => self.start(spec, image, set, &claim).await,
            (Step::End, Some(set)) => {
                let pod = found.pod.as_ref();
                self.end(game, set, pod, spec.grace).await.map(|_| ())
            }
            (Step::Remove, Some(set)) => self.remove(game, set, epoch).await,
            _ => Ok(()),
        }
    }

    /// Service and secret are the same for every manager; the set must be as it was read.
    async fn start(&self, spec: &EngineSpec, image: &str, set: &Set, claim: &str) -> Result<()> {
        let (game, params) = (spec.game, apply_params());
        let owner = manifest::owner(game, &self.names, claim);
        let service = manifest::service(game, &self.names, owner.clone());
        let secret = manifest::secret(spec, &self.names, owner)?;
        let engine = self.names.engine(game);
        let service = Patch::Apply(&service);
        let applied = self.api.services.patch(&engine, &params, &service).await;
        applied.map_err(driver_error)?;
        let name = self.names.secret(game, spec.epoch);
        let secret = Patch::Apply(&secret);
        let applied = self.api.secrets.patch(&name, &params, &secret).await;
        applied.map_err(driver_error)?;
        let version = Some(set.version.as_str());
        let set = manifest::set(spec, image, &self.names, &self.config, version)?;
        let set = Patch::Apply(&set);
        let started = self.api.sets.patch(&engine, &params, &set).await;
        unless_changed(started).map(|_| ())
    }

    /// Removes a set whose engine has ended, and its environment unless that is `epoch`'s.
    async fn remove(&self, game: GameId, set: &Set, epoch: i64) -> Result<()> {
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: Some(set.uid.clone()),
            resource_version: Some(set.version.clone()),
        });
        let name = self.names.engine(game);
        let deleted = self.api.sets.delete(&name, &params).await;
        let deleted = unless_changed(deleted)?.is_some();
        let older = set.tags.as_ref().map(|tags| tags.epoch);
        match older.filter(|older| deleted && *older != epoch) {
            Some(older) => self.delete_secret(game, older).await,
            None => Ok(()),
        }
    }

    /// See [`crate::Driver::sleep`].
    pub(super) async fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> Result<Sight> {
        for _ in 0..ROUNDS {
            let found = self.look(game).await?;
            let Some(set) = fenced(&found, epoch)? else {
                return self.sight(game, &found).await;
            };
            match &found.pod {
                _ if !set.started => {
                    // A manager that is making it must not start it any more.
                    let exit = Exit {
                        epoch: found.epoch(),
                        code: None,
                        oom: false,
                        at: None,
                    };
                    self.note_end(game, &found, &exit).await?;
                }
                pod if set.awake => {
                    self.end(game, set, pod.as_ref(), grace).await?;
                }
                Some(pod) if !pod.deleting => {
                    self.delete_pod(game, pod, grace).await?;
                    return self.sight(game, &found).await;
                }
                _ => return self.sight(game, &found).await,
            }
        }
        Err(changing())
    }

    /// See [`crate::Driver::delete_engine`]. How it ended is of no interest any more.
    pub(super) async fn delete_engine(&self, game: GameId, epoch: i64) -> Result<Sight> {
        for _ in 0..ROUNDS {
            let found = self.read(game).await?;
            let set = fenced(&found, epoch)?;
            match (set, &found.pod) {
                (Some(set), pod) if set.awake => {
                    self.end(game, set, pod.as_ref(), AT_ONCE).await?;
                }
                // An engine that is being asked to end is killed: nobody waits for it any more.
                (_, Some(pod)) => {
                    self.delete_pod(game, pod, AT_ONCE).await?;
                    return self.sight(game, &found).await;
                }
                (Some(set), None) => self.remove(game, set, i64::MAX).await?,
                (None, None) => return self.sight(game, &found).await,
            }
        }
        Err(changing())
    }
}

/// The set of the game. Errors: [`DriverError::Fenced`] if anything of a newer epoch is there, [`DriverError::Invalid`] if
/// the set is not an engine of the game.
fn fenced(found: &Found, epoch: i64) -> Result<Option<&Set>> {
    if found.epoch() > epoch {
        return Err(DriverError::Fenced {
            found: found.epoch(),
        });
    }
    match &found.set {
        Some(set) if set.tags.is_none() => Err(foreign()),
        set => Ok(set.as_ref()),
    }
}

fn foreign() -> DriverError {
    DriverError::invalid("a set that is not an engine of this game has its name")
}
