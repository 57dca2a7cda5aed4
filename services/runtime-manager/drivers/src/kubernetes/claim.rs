//! The claim of a game's state: it remembers the newest epoch, and so is what fences.

use galaxy_core::GameId;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};

use super::{
    FIELD_MANAGER, Inner,
    error::{driver_error, is_missing, unless_changed},
    found::Claim,
    look::changing,
    manifest,
};
use crate::{DriverError, Result};

/// How often a claim that somebody else changes is looked at again.
const ROUNDS: usize = 10;

impl Inner {
    /// Makes sure that the claim is there and remembers `epoch`; gives its uid. `None` if it has changed since it was read.
    pub(super) async fn take_epoch(
        &self,
        game: GameId,
        epoch: i64,
        claim: Option<&Claim>,
    ) -> Result<Option<String>> {
        let written = match claim {
            Some(claim) if claim.deleting => return Ok(None),
            Some(claim) if claim.epoch == epoch => return Ok(Some(claim.uid.clone())),
            Some(claim) => {
                let object = manifest::claim_of_epoch(game, epoch, &self.names, &claim.version);
                let (name, params) = (self.names.engine(game), apply_params());
                let patch = Patch::Apply(&object);
                self.api.claims.patch(&name, &params, &patch).await
            }
            None => {
                let object = manifest::claim(game, epoch, &self.names, &self.config);
                self.api.claims.create(&post_params(), &object).await
            }
        };
        let written = unless_changed(written)?;
        Ok(written.and_then(|claim| claim.metadata.uid))
    }

    /// See [`crate::Driver::delete_state`]. Service and secrets of the game go with the claim.
    pub(super) async fn delete_state(&self, game: GameId, epoch: i64) -> Result<()> {
        for _ in 0..ROUNDS {
            let found = self.read(game).await?;
            if found.epoch() > epoch {
                return Err(DriverError::Fenced {
                    found: found.epoch(),
                });
            }
            if found.set.is_some() || found.pod.is_some() {
                return Err(DriverError::invalid("there is an engine on the state"));
            }
            let Some(claim) = found.claim.filter(|claim| !claim.deleting) else {
                return self.check_node().await;
            };
            let params = DeleteParams::background().preconditions(Preconditions {
                uid: Some(claim.uid),
                resource_version: Some(claim.version),
            });
            let name = self.names.engine(game);
            let deleted = self.api.claims.delete(&name, &params).await;
            if unless_changed(deleted)?.is_some() {
                return Ok(());
            }
        }
        Err(changing())
    }

    /// Removes the environment of an epoch that has no engine any more.
    pub(super) async fn delete_secret(&self, game: GameId, epoch: i64) -> Result<()> {
        let name = self.names.secret(game, epoch);
        match self
            .api
            .secrets
            .delete(&name, &DeleteParams::default())
            .await
        {
            Err(error) if !is_missing(&error) => Err(driver_error(error)),
            _ => Ok(()),
        }
    }
}

/// Of an object that the driver says everything about.
pub(super) fn apply_params() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Of an object that must not be there.
pub(super) fn post_params() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}
