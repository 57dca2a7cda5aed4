//! Reading what there is of a game, and noting how an engine ended before anything is said of it.

use galaxy_core::GameId;
use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;

use super::{
    Inner,
    error::driver_error,
    found::{Found, Unnoted},
    pod::explain,
};
use crate::{DriverError, Result, Sight};

/// How often an end that somebody else notes is looked at again.
const ROUNDS: usize = 10;

impl Inner {
    /// Claim, set and pod as they are, read at about the same time.
    pub(super) async fn read(&self, game: GameId) -> Result<Found> {
        let (engine, pod) = (self.names.engine(game), self.names.pod(game));
        let (claim, set, pod) = tokio::try_join!(
            self.api.claims.get_opt(&engine),
            self.api.sets.get_opt(&engine),
            self.api.pods.get_opt(&pod),
        )
        .map_err(driver_error)?;
        let (claim, set, pod) = (claim.as_ref(), set.as_ref(), pod.as_ref());
        Ok(Found::new(game, &self.names, claim, set, pod))
    }

    /// The same, with every end noted.
    pub(super) async fn look(&self, game: GameId) -> Result<Found> {
        for _ in 0..ROUNDS {
            let found = self.read(game).await?;
            let exit = match found.unnoted() {
                None => return Ok(found),
                Some(Unnoted::Seen(exit)) => exit,
                Some(Unnoted::Missed) => self.ends.of(game, found.epoch()).await,
            };
            self.note_end(game, &found, &exit).await?;
        }
        Err(changing())
    }

    /// See [`crate::Driver::observe`].
    pub(super) async fn observe(&self, game: GameId) -> Result<Sight> {
        let found = self.look(game).await?;
        self.sight(game, &found).await
    }

    /// What was found, with the cluster's reason if it makes no pod. Before an absence is told, the node is checked.
    pub(super) async fn sight(&self, game: GameId, found: &Found) -> Result<Sight> {
        let sight = found.sight(game, &self.names);
        match (&sight, &found.set) {
            (Sight::Absent | Sight::StateOnly, _) => self.check_node().await?,
            (Sight::Pending { epoch, why }, Some(set))
                if set.awake && set.started && found.pod.is_none() =>
            {
                if let Some(reason) = self.refusal(&set.uid).await {
                    return Ok(Sight::Pending {
                        epoch: *epoch,
                        why: explain(why, Some(&reason), None),
                    });
                }
            }
            _ => {}
        }
        Ok(sight)
    }

    /// Why a set has no pod: its controller tells it in events alone. Without them it is waited for all the same.
    pub(super) async fn refusal(&self, set: &str) -> Option<String> {
        let about = format!("involvedObject.uid={set},reason=FailedCreate");
        let params = ListParams::default().fields(&about);
        let events = self.api.events.list(&params).await;
        let newest = |event: &Event| event.last_timestamp.as_ref().map(|at| at.0);
        let event = events.ok()?.items.into_iter().max_by_key(newest)?;
        event.message
    }
}

pub(super) fn changing() -> DriverError {
    DriverError::unavailable("somebody else keeps changing the engine")
}
